"""`zdev record`: keep what passes through a device in MCAP files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .._failure import Failure, Status
from .._units import size_callback
from ..control.client import monitor_of
from .options import key_options, target_argument

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
            help="A chunk is written after so many bytes (compressed up to 16 MiB) ...",
            **size,
        ),
        click.option(
            "--chunk-seconds",
            type=seconds,
            default=1.0,
            show_default=True,
            help="... or seconds. A crash loses one chunk at most.",
        ),
        click.option("--max-size", help="Begin the next file before this one gets larger.", **size),
        click.option("--max-seconds", type=seconds, help="Begin the next file after so many seconds."),
        click.option(
            "--buffer",
            default="256MiB",
            show_default=True,
            help="Memory for what is not written yet; beyond it, messages are dropped and counted.",
            **size,
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(epilog=EXAMPLES)
@target_argument
@key_options
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file, as NAME.mcap.")
@click.option(
    "--direction", "directions", metavar="PREFIX", multiple=True, help="Only in, out, or another prefix. May be repeated."
)
@click.option("--limit", type=click.IntRange(min=1), help="End after so many messages.")
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), help="End after so many seconds.")
@_limits
@click.option("--force", is_flag=True, help="Replace files of an earlier recording of this name.")
def record(target: str, control: str | None, output: Path, directions: tuple[str, ...], **options: Any) -> None:
    """Keep what passes through a device in a file.

    DEVICE is one of a running `zdev run -c`; ENDPOINT is that of any device's mon socket, of type PUB or XPUB. Ends on SIGINT
    or SIGTERM with a complete file and a line that sums up.

    The file is MCAP (mcap.dev), readable by its owner only: a channel a direction, every frame exactly, the time of arrival in
    ns. With --max-size or --max-seconds, NAME-0001.mcap, NAME-0002.mcap and so on.

    The device never waits. What comes faster than it can be written waits in memory; what is dropped is counted and told.
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
    came = "1 message came faster than it" if dropped == 1 else f"{dropped:,} messages came faster than they"
    text = f"{came} could be written, and {'is' if dropped == 1 else 'are'} not in the recording"
    return Failure(f"{text}: a larger --buffer, or one --direction, may help", Status.UNAVAILABLE)
