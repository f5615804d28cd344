"""Options of the small clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .options import access_options, with_options

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _quiet(what: str) -> Callable[[_Command], _Command]:
    return click.option("-q", "--quiet", is_flag=True, help=f"On stderr, print only {what}.")


def sender_options(command: _Command) -> _Command:
    """The arguments and options of the commands that send."""
    seconds: Any = {"type": click.FloatRange(min=0, min_open=True)}
    options = (
        click.argument("endpoint"),
        click.argument("frames", metavar="[FRAME]...", nargs=-1),
        click.option("--endpoint", "more", metavar="ENDPOINT", multiple=True, help="Another endpoint. May be repeated."),
        click.option(
            "--file",
            "files",
            metavar="FILE",
            type=click.File("rb"),
            multiple=True,
            help="File to send as a frame. May be repeated.",
        ),
        click.option("--separator", metavar="TEXT", help="Text that separates the frames in a line."),
        click.option("--count", type=click.IntRange(min=1), help="Messages to send. Default: 1, or all lines of stdin."),
        click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Messages per second. Default: no limit."),
        click.option(
            "--counter", metavar="TEXT", help="Text to replace with the number of the message, like {n}. Default: none."
        ),
        click.option(
            "--timeout",
            default=10.0,
            show_default=True,
            help="Seconds to wait for a peer, for it to accept a message, or for a reply.",
            **seconds,
        ),
        _quiet("errors and how many messages were not sent"),
    )
    decorated: _Command = access_options(with_options(command, *options))
    return decorated


def receiver_options(command: _Command) -> _Command:
    """The arguments and options of the commands that receive until they are ended."""
    options = (
        click.argument("endpoints", metavar="ENDPOINT...", nargs=-1, required=True),
        click.option("--count", type=click.IntRange(min=1), help="Number of messages after which to end."),
        click.option(
            "--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds without a message after which to end."
        ),
        click.option("--separator", metavar="TEXT", default=" ", help="Text to print between frames. Default: a space."),
        _quiet("errors"),
    )
    decorated: _Command = access_options(output_options(with_options(command, *options)))
    return decorated


def output_options(command: _Command) -> _Command:
    options = (
        click.option("--json", "output", flag_value="json", help="Print one JSON object per line, with every frame exactly."),
        click.option("--raw", "output", flag_value="raw", help="Write the bytes of the frames and nothing else."),
        click.option("--length", "output", flag_value="length", help="Print the number of frames and their sizes before them."),
    )
    decorated: _Command = with_options(command, *options)
    return decorated
