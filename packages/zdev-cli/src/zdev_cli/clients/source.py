"""The messages to send: one from the command line or from files, or one per line of stdin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..traffic.sender import Sender

_AT_ONCE = 1 << 20  # bytes read from stdin


@dataclass(frozen=True)
class Source:
    """frames: of the message to send; none: each line of stdin is a message.

    limit: number of messages; None: one, or all lines. topic: the first frame of each. separator: splits a line into frames.
    counter: is replaced with the number of the message, from 1.
    """

    frames: tuple[bytes, ...]
    limit: int | None = None
    topic: bytes | None = None
    separator: bytes | None = None
    counter: bytes | None = None

    @property
    def planned(self) -> int | None:
        """Number of messages, where that is known."""
        return (self.limit or 1) if self.frames else None

    def messages(self, sender: Sender) -> Iterator[list[bytes]]:
        """Until all have been read, or a signal comes."""
        last = self.planned or self.limit
        numbers = count(1) if last is None else range(1, last + 1)
        contents = repeat(list(self.frames)) if self.frames else map(self._split, _lines(sender))
        for number, content in zip(numbers, contents, strict=False):  # numbers first: after the last one, no line is read
            frames = content if self.topic is None else [self.topic, *content]
            yield [frame.replace(self.counter, b"%d" % number) for frame in frames] if self.counter else frames

    def _split(self, line: bytes) -> list[bytes]:
        return line.split(self.separator) if self.separator else [line]


def _lines(sender: Sender) -> Iterator[bytes]:
    """The lines of stdin as they come, without their ends. The sender handles signals and its connections between them."""
    line: list[bytes] = []  # the parts of one that has not ended
    while sender.wait_for_input(0):
        part = os.read(0, _AT_ONCE)
        if not part:
            if any(line):
                yield b"".join(line)
            return
        first, *others = part.split(b"\n")
        line.append(first)
        for other in others:
            yield b"".join(line)
            line = [other]
