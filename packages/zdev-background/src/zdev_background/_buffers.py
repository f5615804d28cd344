"""Sockets whose waiting messages take no more memory than their size."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

import zmq

# Context option, since libzmq 4.3.0 (a draft in zmq.h): a message may stay part of the 18 KiB buffer it was received in. A waiting
# message keeps its whole buffer, so that those of a thousand clients take gigabytes instead of 100 MB. A copy costs the I/O thread
# up to 100 ns per message: worth it on the in socket, where messages wait, but not for replies, which are sent on at once.
ZERO_COPY_RECV = 10

_making = threading.RLock()


def make_socket(context: zmq.Context[zmq.Socket[bytes]], type_: int) -> zmq.Socket[bytes]:
    """Make a socket that copies messages out of the buffers they were received in. Other sockets of the context are unaffected.

    Raises:
        zmq.ZMQError: As `Context.socket` raises it.
    """
    with _making:  # a socket reads the option when it is made, and the context may be shared
        try:
            before = context.get(ZERO_COPY_RECV)
        except zmq.ZMQError:  # an older libzmq
            return context.socket(type_)
        context.set(ZERO_COPY_RECV, 0)
        try:
            return context.socket(type_)
        finally:
            with suppress(zmq.ZMQError):  # terminated by now
                context.set(ZERO_COPY_RECV, before)


def _replace_lock() -> None:
    """Replace the lock in a forked process, where another thread of the parent may have held it."""
    global _making
    _making = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_replace_lock)
