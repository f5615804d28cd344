"""`zdev replay`: send recorded messages again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._failure import Failure, Status
from .._words import endpoint_of
from .options import access_options, checked

if TYPE_CHECKING:
    from ..traffic.player import Player
    from ..traffic.reader import Recorded
    from ..traffic.sender import Sender

TYPES = ("PUSH", "DEALER", "PUB", "ROUTER", "PAIR")

EXAMPLES = """\b
Example:
  zdev replay traffic.mcap --to tcp://127.0.0.1:5557 --speed 2

\b
Options by receiver:
  a streamer's in             (PUSH)
  a queue's in, or a ROUTER   --type DEALER --strip 1    removes the sender's routing id, keeps its delimiter
  a forwarder's in, or a SUB  --type PUB
  workers that connect        --type DEALER --strip 1 --bind, in the queue's place
  a service without envelopes --content-only             removes routing ids and the delimiter
"""


def speed_of(text: str) -> float | None:
    """A factor, where 1 is the recording's own speed, or None for max. Raises ValueError."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ValueError(f"invalid speed {text!r}: write 1, another factor, or max")
    return speed


@click.command(epilog=EXAMPLES)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--to", metavar="ENDPOINT", required=True, callback=checked(endpoint_of), help="Endpoint to send to.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(TYPES, case_sensitive=False),
    default="PUSH",
    show_default=True,
    help="Type of the sending socket.",
)
@click.option(
    "--direction",
    "directions",
    metavar="PREFIX",
    multiple=True,
    default=("in",),
    show_default=True,
    help="Direction to send, as recorded. May be repeated.",
)
@click.option(
    "--strip", type=click.IntRange(min=0), default=0, help="Number of frames to remove from the front of each message."
)
@click.option("--content-only", is_flag=True, help="Remove the frames up to and including the first empty one.")
@click.option(
    "--speed",
    callback=checked(speed_of),
    default="1",
    show_default=True,
    metavar="FACTOR|max",
    help="Speed relative to the recording, or as fast as the peer accepts.",
)
@click.option("--max-gap", type=click.FloatRange(min=0), help="Longest pause, in seconds of the recording.")
@click.option("--loop", type=click.IntRange(min=1), default=1, help="Number of times to play the files.")
@click.option("--limit", type=click.IntRange(min=1), help="Number of messages after which to end.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds to wait for a peer, or for it to accept a message.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Seconds without a reply, after the last message, until the end.",
)
@access_options
def replay(files: tuple[Path, ...], to: str, kind: str, **options: Any) -> None:
    """Send recorded messages again, in the order in which they came.

    FILE was written by `zdev record`; several are played in turn. Waits for a peer (with PUB: a subscriber) before the first
    message, and for room before each: nothing is dropped here. Replies are counted and discarded. The readable part of a damaged
    file is sent, and the damage reported on stderr. Ends with a summary, also on SIGINT or SIGTERM.

    Exit status 69: no peer came, or it did not accept the messages, within --timeout.
    """
    from ..traffic.player import Player
    from ..traffic.sender import Sender

    directions = tuple(each.encode() for each in options["directions"])
    recorded = islice(_recorded(files, directions, options["loop"]), options["limit"])
    if (first := next(recorded, None)) is None:
        raise _nothing_to_send(files, options["directions"])
    shorten = partial(_shortened, strip=options["strip"], content_only=options["content_only"])
    access = {"bind": options["bind"], "security": options["security"]}
    with Sender([to], kind.upper(), timeout=options["timeout"], **access) as sender:
        player = Player(sender, shorten, options["speed"], options["max_gap"])
        try:
            player.play(chain([first], recorded))
            sender.wait_for_replies(player.messages, options["wait"])
            sender.finish()
        finally:
            _sum_up(player, sender)


def _recorded(files: tuple[Path, ...], directions: tuple[bytes, ...], times: int) -> Iterator[Recorded]:
    """The messages of these directions. Damage is reported on stderr, once per file."""
    from .._progress import say
    from ..traffic.line import printable
    from ..traffic.reader import Reader

    for turn in range(times):
        for path in files:
            reader = Reader(path)
            for each in reader:
                if each.message[0] in directions:
                    yield each
            if reader.fault and turn == 0:
                say(printable(f"{click.format_filename(path)}: {reader.fault}; sending what comes before"))


def _shortened(frames: list[bytes], *, strip: int, content_only: bool) -> list[bytes]:
    if content_only and b"" in frames:
        frames = frames[frames.index(b"") + 1 :]
    return frames[strip:]


def _sum_up(player: Player, sender: Sender) -> None:
    from .._units import amount_text

    if player.messages:
        replies = f", {sender.replies:,} replies came" if sender.answered else ""
        took = f"in {player.seconds:.2f} s to {sender.endpoint}{replies}"
        click.echo(f"replayed {amount_text(player.messages, 'message', player.bytes)}, {took}")
    if player.empty:
        click.echo(f"{player.empty:,} messages were empty after --strip or --content-only, and not sent", err=True)
    if sender.broken:
        click.echo(sender.warning(), err=True)


def _nothing_to_send(files: tuple[Path, ...], directions: tuple[str, ...]) -> Failure:
    from ..traffic.line import printable

    names = printable(", ".join(map(click.format_filename, files)))
    return Failure(f"{names}: no message of direction {' or '.join(directions)} (see zdev info)", Status.USAGE)
