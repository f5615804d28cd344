"""Sockets whose waiting messages take memory of their own size, and no more."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

import zmq

# Of a context: whether messages may be a part of the buffer that they were read into from the network, of 18 KiB with what
# belongs to it. One that came alone keeps all of it until it is sent: what waits of a thousand clients takes gigabytes so, rather
# than 100 MB. Copies cost the I/O thread up to 100 ns a message, so they are for the in socket, where strangers send and messages
# wait; not for replies, which are passed on at once. libzmq has the option since 4.3.0; zmq.h has it among the drafts.
ZERO_COPY_RECV = 10

_making = threading.RLock()


def make_socket(context: zmq.Context[zmq.Socket[bytes]], type_: int) -> zmq.Socket[bytes]:
    """A socket whose messages are copied out of the buffers they were read into. The context's other sockets stay as they are.

    Raises ZMQError as `Context.socket` does.
    """
    with _making:  # the option counts when a socket is made, and the context may be shared
        try:
            before = context.get(ZERO_COPY_RECV)
        except zmq.ZMQError:  # a libzmq that is older
            return context.socket(type_)
        context.set(ZERO_COPY_RECV, 0)
        try:
            return context.socket(type_)
        finally:
            with suppress(zmq.ZMQError):  # terminated meanwhile
                context.set(ZERO_COPY_RECV, before)


def _forget_others() -> None:
    """In a forked process: who was making a socket in another thread is not here to finish it."""
    global _making
    _making = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_others)
