"""The number of a device's I/O threads, and the processors on which its threads run."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import zmq

from ._errors import explained


@dataclass(frozen=True)
class Placement:
    """The I/O threads and processors of a device.

    Attributes:
        io_threads: How many I/O threads libzmq has for the device; None for the context's default.
        cpus: Processors, by number; empty for all that the process may use.
    """

    io_threads: int | None = None
    cpus: frozenset[int] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return self.io_threads is not None or bool(self.cpus)

    def apply_affinity(self, owner: str) -> frozenset[int]:
        """Move the calling thread to the processors, and with it the threads that it makes later, such as those of a new context.

        Args:
            owner: The device, for errors.

        Returns:
            The processors where the thread could run before.

        Raises:
            zmq.ZMQError: EINVAL, a processor does not exist or is not allowed; ENOTSUP, the system has no such call.
        """
        if not self.cpus:
            return frozenset()
        if not hasattr(os, "sched_setaffinity"):
            raise zmq.ZMQError(errno.ENOTSUP, f"{owner}: this system cannot bind threads to processors (leave cpus empty)")
        before = frozenset(os.sched_getaffinity(0))
        try:
            if not all(isinstance(each, int) for each in self.cpus):
                raise TypeError("processors must be numbers")
            os.sched_setaffinity(0, self.cpus)
        except (OSError, OverflowError, TypeError, ValueError) as error:
            advice = f"use processors that this process may use: {', '.join(map(str, sorted(before)))}"
            raise explained(owner, f"cannot run on processors {sorted(self.cpus, key=str)}", error, advice) from error
        return before

    def new_context(self, owner: str, factory: Callable[[], zmq.Context[Any]]) -> zmq.Context[Any]:
        """Make a context with this number of I/O threads.

        Raises:
            zmq.ZMQError: EINVAL for an impossible number, EMFILE where no descriptor is free.
            TypeError: `factory` returned something else.
        """
        try:
            context = factory()
        except zmq.ZMQError as error:
            raise explained(owner, "cannot make a context", error) from error
        if not isinstance(context, zmq.Context):
            raise TypeError(f"{owner}: context_factory must return a zmq.Context, and returned {context!r}")
        if self.io_threads is not None:
            try:
                if not isinstance(self.io_threads, int):
                    raise TypeError("not a whole number")
                if self.io_threads < 1:
                    raise ValueError("no thread would serve the network")
                context.set(zmq.IO_THREADS, self.io_threads)
            except (zmq.ZMQError, TypeError, ValueError, OverflowError) as error:
                context.term()
                doing = f"cannot use {self.io_threads!r} I/O threads"
                raise explained(owner, doing, error, "use a number from 1 on, or None") from error
        return context


def restore_affinity(cpus: frozenset[int]) -> None:
    """Undo `Placement.apply_affinity` for the calling thread."""
    if cpus:
        os.sched_setaffinity(0, cpus)
