"""Where a device's threads run: how many I/O threads libzmq has for it, and on which processors."""

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
    """io_threads: None: what the context has. cpus: empty: all that the process may use."""

    io_threads: int | None = None
    cpus: frozenset[int] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return self.io_threads is not None or bool(self.cpus)

    def apply_affinity(self, owner: str) -> frozenset[int]:
        """Move the calling thread to the processors; returns where it was. The threads that it makes from then on, those of a
        new context among them, are there too.

        Raises ZMQError with EINVAL for processors that are not there or not allowed, ENOTSUP where the system has no such call.
        """
        if not self.cpus:
            return frozenset()
        if not hasattr(os, "sched_setaffinity"):
            raise zmq.ZMQError(errno.ENOTSUP, f"{owner}: this system cannot bind threads to processors: leave `cpus` out")
        before = frozenset(os.sched_getaffinity(0))
        try:
            if not all(isinstance(each, int) for each in self.cpus):
                raise TypeError("processors are given by number")
            os.sched_setaffinity(0, self.cpus)
        except (OSError, OverflowError, TypeError, ValueError) as error:
            advice = f"this process may use {', '.join(map(str, sorted(before)))}"
            raise explained(owner, f"cannot run on processors {sorted(self.cpus, key=str)}", error, advice) from error
        return before

    def new_context(self, owner: str, factory: Callable[[], zmq.Context[Any]]) -> zmq.Context[Any]:
        """Make a context with this number of I/O threads.

        Raises:
            ZMQError: EINVAL for an impossible number, EMFILE where no descriptor is free.
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
                    raise ValueError("none would serve the network")
                context.set(zmq.IO_THREADS, self.io_threads)
            except (zmq.ZMQError, TypeError, ValueError, OverflowError) as error:
                context.term()
                doing = f"cannot have {self.io_threads!r} I/O threads"
                raise explained(owner, doing, error, "give a number from 1 on, or None") from error
        return context


def restore_affinity(cpus: frozenset[int]) -> None:
    """Undo `Placement.apply_affinity` for the calling thread."""
    if cpus:
        os.sched_setaffinity(0, cpus)
