"""The first of the routing ids that libzmq's ROUTER assigns to peers that do not set one."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

_seeded = 0  # ID of the process that was seeded; a fork would continue its parent's sequence


def seed_routing_ids() -> None:
    """Seed rand(), which libzmq 4.3.5 uses unseeded for its first routing id. Call it before a ROUTER is made.

    Otherwise every process assigns the same ids, and a late reply for a client of a device that died would reach the client that
    has the same id at the next device.
    """
    global _seeded
    if _seeded == os.getpid():
        return
    _seeded = os.getpid()
    with suppress(OSError, AttributeError, TypeError):  # Windows has no such library
        ctypes.CDLL(None).srand(ctypes.c_uint(int.from_bytes(os.urandom(4))))
