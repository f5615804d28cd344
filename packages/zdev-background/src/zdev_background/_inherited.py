"""Signal handlers and sockets that a forked process inherits from its parent and must not use."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path


def forget_inherited_signals() -> None:
    """Restore the default handlers, and ignore what a terminal sends to all its processes: the parent decides about that."""
    signal.set_wakeup_fd(-1)  # it may lead into the parent's event loop
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def forget_inherited_sockets(keep: AbstractSet[int]) -> None:
    """Close the parent's sockets, except the standard streams and `keep`.

    Open here, they would keep the ports of devices that the parent has stopped, and hide from peers that the parent has closed a
    connection. The null device takes their numbers, which inherited objects may still close.
    """
    directory = Path("/proc/self/fd") if Path("/proc/self/fd").is_dir() else Path("/dev/fd")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in [int(each.name) for each in directory.iterdir()]:
        if fd > 2 and fd not in keep and _is_socket(fd):
            os.dup2(null, fd, inheritable=False)
    os.close(null)


def _is_socket(fd: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:  # the listing's own descriptor, closed by now
        return False


@contextmanager
def terminal_signals_blocked(start_method: str) -> Iterator[None]:
    """For the child, which inherits it: a terminal sends these to all its processes, perhaps before the child can ignore them.

    Not with forkserver: if the server starts now, all its later children would inherit it.
    """
    if start_method == "forkserver" or sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
