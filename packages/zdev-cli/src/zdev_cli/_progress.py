"""Progress on stderr, when that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.live import Live

_EVERY = 0.25  # seconds


def say(text: str) -> None:
    """A line on stderr, above what Progress shows there. (click.echo writes past rich's redirection, into the middle of it.)"""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """While entered, shows the result of `text` a few times a second; shows nothing when stderr is not a terminal."""

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._live: Live | None = None
        self._shown = monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.live import Live

            from ._terminal import console

            self._live = Live(console=console(sys.stderr), auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def tick(self) -> None:
        """Show it again, if it is due."""
        if self._live and monotonic() >= self._shown + _EVERY:
            from rich.text import Text

            self._shown = monotonic()
            self._live.update(Text(self._text()), refresh=True)
