"""`zdev record`: record the traffic of a device in MCAP files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .._failure import Failure, Status
from .._units import size_callback
from ..control.client import monitor_of
from .options import key_options, target_argument, with_options

CAPACITY = 1_000_000  # messages that may wait in libzmq; they hardly do, since receiving goes before writing

EXAMPLES = """\b
Example:
  zdev record tcp://127.0.0.1:5561 -o traffic.mcap      until Ctrl-C
  zdev record orders -o orders.mcap --direction in --duration 60
  zdev record orders -o orders.mcap --max-size 1GiB     orders-0001.mcap, orders-0002.mcap ...
"""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _limits(command: _Command) -> _Command:
    """When what is safe, and when the next file begins."""
    seconds = click.FloatRange(min=0, min_open=True)
    size: dict[str, Any] = {"metavar": "SIZE", "callback": size_callback}
    options = (
        click.option(
            "--chunk-size",
            default="1MiB",
            show_default=True,
            help="Bytes after which a chunk is written. Up to 16 MiB it is compressed.",
            **size,
        ),
        click.option(
            "--chunk-seconds",
            type=seconds,
            default=1.0,
            show_default=True,
            help="Seconds after which a chunk is written. A crash loses at most one chunk.",
        ),
        click.option("--max-size", help="Largest size of a file on disk; then the next one begins.", **size),
        click.option("--max-seconds", type=seconds, help="Seconds after which the next file begins."),
        click.option(
            "--buffer",
            default="256MiB",
            show_default=True,
            help="Memory for messages not yet written. When it is full, messages are dropped and counted.",
            **size,
        ),
    )
    decorated: _Command = with_options(command, *options)
    return decorated


@click.command(epilog=EXAMPLES)
@target_argument
@key_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write, as NAME.mcap."
)
@click.option(
    "--direction",
    "directions",
    metavar="PREFIX",
    multiple=True,
    help="Direction to record: in, out, or another prefix. May be repeated.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Number of messages after which to end.")
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), help="Seconds after which to end.")
@_limits
@click.option("--force", is_flag=True, help="Replace existing files of this name.")
def record(target: str, control: str | None, output: Path, directions: tuple[str, ...], **options: Any) -> None:
    """Record the traffic of a device in a file.

    DEVICE is the name of a device of a running `zdev run -c`; ENDPOINT is the mon socket, PUB or XPUB, of any device. Ends on
    SIGINT or SIGTERM with a complete file and a summary.

    The file is MCAP (mcap.dev), readable by its owner only: one channel per direction, every frame exactly, the time of arrival
    in ns. With --max-size or --max-seconds, NAME-0001.mcap, NAME-0002.mcap and so on.

    The device never waits. Messages that arrive faster than they can be written wait in memory; dropped ones are counted and
    reported.
    """
    endpoint = monitor_of(target, control)
    from ..traffic.recorder import Recorder
    from ..traffic.recording import Limits, Recording
    from ..traffic.subscriber import Subscriber

    limits = Limits(options["chunk_size"], options["chunk_seconds"], options["max_size"], options["max_seconds"])
    with Subscriber(endpoint, tuple(each.encode() for each in directions), CAPACITY, options["security"]) as watch:
        recording = Recording(output, endpoint, limits, force=options["force"])
        recorder = Recorder(watch, recording, buffer=options["buffer"], limit=options["limit"], duration=options["duration"])
        try:
            recorder.run()
        except BaseException:
            recording.abandon()
            raise
        recording.finish()
    click.echo(recording.summary())
    if recorder.dropped:
        raise _too_fast(recorder.dropped)


def _too_fast(dropped: int) -> Failure:
    count, they = ("1 message was", "it") if dropped == 1 else (f"{dropped:,} messages were", "they")
    text = f"{count} dropped: {they} arrived faster than {they} could be written (try a larger --buffer, or one --direction)"
    return Failure(text, Status.UNAVAILABLE)
