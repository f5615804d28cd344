"""Sends recorded messages at the pace in which they came."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from .._progress import Progress
from .._units import bytes_text
from .reader import Recorded
from .sender import Sender


class Player:
    """speed: 1 is that of the recording, None as fast as the peer takes it; max_gap: seconds to which pauses are cut."""

    def __init__(
        self, sender: Sender, shorten: Callable[[list[bytes]], list[bytes]], speed: float | None, max_gap: float | None
    ) -> None:
        self.messages = 0
        self.bytes = 0
        self.empty = 0  # messages of which nothing was left to send
        self.seconds = 0.0
        self._sender = sender
        self._shorten = shorten
        self._speed = speed
        self._max_gap = max_gap

    def play(self, recorded: Iterable[Recorded]) -> None:
        """Until all are sent, or a signal comes. Raises Failure when nobody takes them."""
        self._sender.wait_for_peer()
        began = due = monotonic()
        last: int | None = None
        with Progress(self._progress) as progress:
            for time, message in recorded:
                due += self._gap(last, time)
                last = time
                if not self._sender.pause_until(due, progress.tick) or not self._send(self._shorten(message[1:])):
                    break
                self.seconds = monotonic() - began

    def _gap(self, last: int | None, time: int) -> float:
        """Seconds between two messages. A clock that was set back, and the next loop, count as none."""
        if self._speed is None or last is None or time <= last:
            return 0.0
        gap = (time - last) / 1e9
        return (gap if self._max_gap is None else min(gap, self._max_gap)) / self._speed

    def _send(self, frames: list[bytes]) -> bool:
        if not frames:
            self.empty += 1
            return True
        if not self._sender.send(frames):
            return False
        self.messages += 1
        self.bytes += sum(map(len, frames))
        return True

    def _progress(self) -> str:
        replies = f"; {self._sender.replies:,} replies" if self._sender.answered else ""
        return f"{self.messages:,} messages, {bytes_text(self.bytes)} sent{replies}"
