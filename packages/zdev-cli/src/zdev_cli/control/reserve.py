"""Descriptors kept for the control socket, so that operators reach a zdev whose peers have taken all others."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress

SIZE = 16
"""A libzmq that has connections waiting takes some of what is given back here, so one would not do."""

_FULL = (errno.EMFILE, errno.ENFILE)


class Reserve:
    """Descriptors of the null device; `accept` gives one back when all others are in use. For one thread."""

    def __init__(self) -> None:
        self._source = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._kept: list[int] = []
        self.fill()

    def fill(self) -> None:
        """Fill the reserve with descriptors that are free again."""
        with suppress(OSError):
            while len(self._kept) < SIZE:
                self._kept.append(os.dup(self._source))

    def accept(self, listener: socket.socket) -> socket.socket | None:
        """Accept the next connection, set non-blocking; returns None if there is none. Raises OSError when no descriptor is left."""
        while True:
            try:
                accepted, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return None
            except OSError as error:
                if error.errno not in _FULL or not self._kept:
                    raise
                os.close(self._kept.pop())
            else:
                accepted.setblocking(False)
                return accepted

    def release(self, accepted: socket.socket) -> None:
        """Close a connection. If the reserve is short, its descriptor is kept, without a moment in which others could take it."""
        if len(self._kept) < SIZE:
            self._kept.append(os.dup2(self._source, accepted.detach(), inheritable=False))
        else:
            accepted.close()

    def close(self) -> None:
        for each in (*self._kept, self._source):
            os.close(each)
        self._kept.clear()
