"""The account that a peer keeps of what it sent and got: a file mapped into memory, which outlives a peer that is killed."""

from __future__ import annotations

import mmap
from pathlib import Path

GO, CEASE, END = range(3)  # orders to a peer: send and read, read only, end
CAPACITY = 1 << 23  # messages; the file is sparse

_ORDER, _SENT, _REFUSED, _TURNS, _WRONG, _GOT, _RECORDS = range(7)


class Account:
    """Written by the peer; only `order` is written by who watches it. Each is one aligned word, and so never half written."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        size = 8 * (_RECORDS + CAPACITY)
        if create:
            with path.open("wb") as file:
                file.truncate(size)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        self._words = memoryview(self._map).cast("Q")

    @property
    def order(self) -> int:
        return self._words[_ORDER]

    @order.setter
    def order(self, order: int) -> None:
        self._words[_ORDER] = order

    @property
    def sent(self) -> int:
        """Messages handed to libzmq. Of a peer that was killed, the last may not have been."""
        return self._words[_SENT]

    @sent.setter
    def sent(self, sent: int) -> None:
        self._words[_SENT] = sent

    @property
    def refused(self) -> int:
        """How often libzmq had no room for a message, which stayed with the sender."""
        return self._words[_REFUSED]

    @property
    def turns(self) -> int:
        """Of the peer's loop."""
        return self._words[_TURNS]

    @property
    def wrong(self) -> int:
        """Messages that came to the wrong peer, or not as they were sent."""
        return self._words[_WRONG]

    @property
    def got(self) -> int:
        return self._words[_GOT]

    @property
    def latest(self) -> int:
        """The number of the latest message got; -1: none."""
        return self._words[_RECORDS + self.got - 1] & 0xFFFFFFFF if self.got else -1

    def records(self) -> list[tuple[int, int]]:
        """(who sent it, its number) of each message got, in the order in which they came."""
        return [(word >> 32, word & 0xFFFFFFFF) for word in self._words[_RECORDS : _RECORDS + self.got].tolist()]

    def note_got(self, sender: int, number: int) -> None:
        got = self._words[_GOT]
        self._words[_RECORDS + got] = sender << 32 | number
        self._words[_GOT] = got + 1

    def note_refused(self) -> None:
        self._words[_REFUSED] += 1

    def note_wrong(self) -> None:
        self._words[_WRONG] += 1

    def note_turn(self) -> None:
        self._words[_TURNS] += 1

    def close(self) -> None:
        self._words.release()
        self._map.close()
