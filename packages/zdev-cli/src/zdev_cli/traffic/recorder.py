"""Takes messages from a mon socket as fast as they come, and writes them as fast as that goes."""

from __future__ import annotations

from collections import deque
from time import monotonic, time_ns

from .._progress import Progress
from .._units import bytes_text
from .recording import Recording
from .subscriber import Subscriber

_AT_ONCE = 1000  # messages received, or written, before the next look at the other
_TICK = 0.25  # seconds
_LAST_CALL = 1.0  # seconds at most to take what has arrived when the end comes
_OBJECTS = 100  # bytes, about, that Python needs for a message, and as many for two frames


class Recorder:
    """Receiving goes before writing: what waits to be written does so here, up to `buffer` bytes, and is counted when dropped.

    limit: messages after which it ends; duration: seconds.
    """

    def __init__(
        self, watch: Subscriber, recording: Recording, *, buffer: int, limit: int | None, duration: float | None
    ) -> None:
        self.dropped = 0
        self._watch = watch
        self._recording = recording
        self._buffer = buffer
        self._limit = limit
        self._ends = None if duration is None else monotonic() + duration
        self._waiting: deque[tuple[int, int, list[bytes]]] = deque()  # time in ns, bytes, message
        self._bytes = 0

    def run(self) -> None:
        """Until a signal, the limit or the time is up; what has arrived by then is written."""
        with Progress(self._progress) as progress:
            while not self._is_over():
                if self._watch.wait(self._patience()):
                    self._receive()
                self._write(_AT_ONCE)
                self._recording.flush_if_due()
                progress.tick()
        until = monotonic() + _LAST_CALL
        while monotonic() < until and self._receive():
            pass
        self._write(len(self._waiting))

    def _is_over(self) -> bool:
        full = self._limit is not None and self._recording.messages + len(self._waiting) >= self._limit
        return self._watch.stopped or full or (self._ends is not None and monotonic() >= self._ends)

    def _patience(self) -> float:
        """Seconds to wait for messages: none while there is something to write."""
        if self._waiting:
            return 0
        ends = _TICK if self._ends is None else self._ends - monotonic()
        return max(0.001, min(_TICK, ends, self._recording.due_in()))

    def _receive(self) -> int:
        """How many messages were here."""
        most = _AT_ONCE
        if self._limit is not None:
            most = min(most, self._limit - self._recording.messages - len(self._waiting))
        messages = self._watch.take(most)
        now = time_ns()
        for message in messages:
            size = _OBJECTS + sum(map(len, message)) + _OBJECTS // 2 * len(message)
            if self._bytes + size > self._buffer:
                self.dropped += 1
            else:
                self._bytes += size
                self._waiting.append((now, size, message))
        return len(messages)

    def _write(self, most: int) -> None:
        for _ in range(min(most, len(self._waiting))):
            time, size, message = self._waiting.popleft()
            self._bytes -= size
            self._recording.add(message, time)

    def _progress(self) -> str:
        done = f"{self._recording.messages:,} messages, {bytes_text(self._recording.bytes)} recorded"
        waiting = f"; {bytes_text(self._bytes)} wait to be written" if self._waiting else ""
        return done + waiting + (f"; {self.dropped:,} dropped" if self.dropped else "")
