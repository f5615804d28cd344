"""Messages on stdout, as they arrive."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .receiver import Receiver

AT_ONCE = 1000  # messages shown before the next look at signals


class Printer:
    """Prints the messages that are wanted, and counts.

    line: the line for a message, or bytes to write as they are; wanted: whether to print a message; limit: of messages printed.
    """

    def __init__(
        self,
        line: Callable[[list[bytes]], str | bytes],
        wanted: Callable[[list[bytes]], bool] = lambda _: True,
        limit: int | None = None,
    ) -> None:
        self.seen = 0
        self.printed = 0
        self.bytes = 0  # of the messages printed
        self._line = line
        self._wanted = wanted
        self._limit = limit

    @property
    def done(self) -> bool:
        return self._limit is not None and self.printed >= self._limit

    def show(self, messages: list[list[bytes]]) -> bool:
        """Whether any of them was wanted."""
        before = self.printed
        for message in messages:
            self.seen += 1
            if not self.done and self._wanted(message):
                self._write(message)
        sys.stdout.flush()
        return self.printed > before

    def _write(self, message: list[bytes]) -> None:
        line = self._line(message)
        if isinstance(line, bytes):
            sys.stdout.buffer.write(line)
        else:
            sys.stdout.write(line + "\n")
        self.printed += 1
        self.bytes += sum(map(len, message))


def print_messages(
    receiver: Receiver, printer: Printer, timeout: float | None, reply: Callable[[list[bytes]], None] | None = None
) -> None:
    """Until the printer is done, a signal comes, or no wanted message for `timeout` seconds.

    reply: answers each message before the next is taken.
    """
    last = monotonic()
    while not printer.done:
        ready = receiver.wait(None if timeout is None else last + timeout - monotonic())
        if receiver.stopped:
            return
        messages = receiver.take(1 if reply else AT_ONCE) if ready else []
        if printer.show(messages):
            last = monotonic()
        elif timeout is not None and monotonic() >= last + timeout:
            return
        if reply:
            for message in messages:
                reply(message)
