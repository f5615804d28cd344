"""`zdev tap`: show the messages that a device relays, from its mon socket."""

from __future__ import annotations

import sys
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from .._failure import Failure, Status
from .._terminal import has_styles
from ..control.client import monitor_of
from ..traffic.decoded import FORMS, Form
from ..traffic.line import Look, json_line, message_line
from ..traffic.matching import Field, Match, bytes_of, field_of
from ..traffic.printer import Printer, print_messages
from .options import checked, key_options, target_argument

if TYPE_CHECKING:
    from zdev_background import Security

CAPACITY = 100_000  # messages that may wait to be shown

EXAMPLES = """\b
Example:
  zdev tap tcp://127.0.0.1:5561
  20:31:05.123  in   3 frames  5+0+11 B  0x006b8b4567 "" "hello world"
  20:31:05.124  out  3 frames  5+0+11 B  0x006b8b4567 "" "HELLO WORLD"

\b
  zdev tap orders --direction in --field user.id=7     what user 7 asks of the device orders
  zdev tap orders --match 0x0d0a --as hex              frames that contain a line end, in hex
  zdev tap orders --json | jq '.frames[-1].value'      for programs
"""


@click.command(epilog=EXAMPLES)
@target_argument
@key_options
@click.option(
    "--direction",
    "directions",
    metavar="PREFIX",
    multiple=True,
    help="Direction to show: in, out, or another prefix. May be repeated.",
)
@click.option(
    "--match",
    "words",
    metavar="BYTES",
    multiple=True,
    callback=checked(bytes_of),
    help="Text, or 0x and hex digits, that a frame must contain. May be repeated.",
)
@click.option(
    "--field",
    "fields",
    metavar="PATH=VALUE",
    multiple=True,
    callback=checked(field_of),
    help="Field of a JSON or msgpack frame, like user.id=7 or items.0=pen. May be repeated.",
)
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMS),
    default="auto",
    show_default=True,
    help="Format of frames; auto decides for each.",
)
@click.option("--full", is_flag=True, help="Show frames in full.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line, with every frame exactly.")
@click.option("--limit", type=click.IntRange(min=1), help="Number of messages after which to end.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds without a message after which to end.")
def tap(
    target: str,
    control: str | None,
    directions: tuple[str, ...],
    words: tuple[bytes, ...],
    fields: tuple[Field, ...],
    form: Form,
    full: bool,
    as_json: bool,
    limit: int | None,
    timeout: float | None,
    security: Security | None,
) -> None:
    """Show the messages that a device relays.

    DEVICE is the name of a device of a running `zdev run -c`; ENDPOINT is the mon socket, PUB or XPUB, of any device. One line
    per message: local time, direction (the prefix), number of frames, their sizes in bytes, and the frames: text in quotes, JSON
    as it is, msgpack as JSON, anything else in hex; long ones are cut (…). --limit and --timeout count the messages shown.

    A message is shown if it has any of the directions, all of --match and all of --field, each in any frame.

    Up to 100,000 messages wait to be shown. If the stream stays faster, messages are dropped silently by libzmq; with --direction
    the device copies only that direction. The device never waits.

    Ends on SIGINT, SIGTERM, or when its output is closed. The state of the connection is printed on stderr.
    """
    endpoint = monitor_of(target, control)
    from ..traffic.subscriber import Subscriber

    prefixes = tuple(each.encode() for each in directions)
    look = Look(form, full, has_styles(sys.stdout))
    with Subscriber(endpoint, prefixes, CAPACITY, security) as watch:
        watch.end_with(sys.stdout.fileno())
        printer = Printer(partial(_line, look=look, as_json=as_json), Match(prefixes, words, fields).accepts, limit)
        print_messages(watch, printer, timeout)
        if not watch.stopped and not printer.printed:
            _nothing_came(endpoint, printer.seen, timeout)


def _line(message: list[bytes], *, look: Look, as_json: bool) -> str:
    when = datetime.now().astimezone()
    return json_line(message, when, look.form) if as_json else message_line(message, when, look)


def _nothing_came(endpoint: str, seen: int, timeout: float | None) -> None:
    if seen:
        noun = "message" if seen == 1 else "messages"
        raise Failure(f"{seen} {noun} from {endpoint}, but none matched", Status.UNAVAILABLE)
    advice = "check that the device is running, that this is its mon endpoint, and that messages pass through it"
    raise Failure(f"no message from {endpoint} within {timeout:g} s: {advice}", Status.UNAVAILABLE)
