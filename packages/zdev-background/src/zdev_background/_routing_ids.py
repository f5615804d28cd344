"""Where the routing ids begin that libzmq's ROUTER gives to peers without one of their own."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

_seeded = 0  # the process in which that was done: a fork goes on from where its parent was


def seed_routing_ids() -> None:
    """Call it before a ROUTER is made: libzmq counts the ids up from rand(), which it never seeds (4.3.5).

    Every process would begin with the same id, and a reply on its way to a client of a device that died would reach whichever
    client has that id of the next one.
    """
    global _seeded
    if _seeded == os.getpid():
        return
    _seeded = os.getpid()
    with suppress(OSError, AttributeError, TypeError):  # Windows has no library of that name
        ctypes.CDLL(None).srand(ctypes.c_uint(int.from_bytes(os.urandom(4))))
