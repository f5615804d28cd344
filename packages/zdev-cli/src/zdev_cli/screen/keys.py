"""The line of keys at the bottom."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer

GAP = 2  # characters between two keys
ALWAYS = ("question_mark", "q", "escape,q", "escape")


class Keys(Footer):
    """The keys of the screen, as many as fit: those declared last are left out first. `?` lists all of them."""

    DEFAULT_CSS = "Keys.-compact FooterKey { margin-right: 2; }"

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._width = 0

    def compose(self) -> ComposeResult:
        keys = sorted(super().compose(), key=lambda key: getattr(key, "key", "") not in ALWAYS)
        while len(keys) > 1 and sum(map(_width, keys)) > self.app.size.width:
            keys.pop()
        return iter(keys)

    def on_resize(self) -> None:
        if self._width != (width := self.app.size.width):
            self._width = width
            self.refresh(recompose=True)


def _width(key: object) -> int:
    """Return how many characters a key takes, with its description and the gap."""
    return len(getattr(key, "key_display", "")) + len(getattr(key, "description", "")) + 1 + GAP
