"""The limit on open files. libzmq aborts the process when a context, a socket or an ipc listener gets no descriptor."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import zmq

if sys.platform != "win32":
    import resource

logger = logging.getLogger("zdev")

FILE_LIMIT = 65536  # open files; each connection takes one
CONTEXT = 3  # the mailbox of a libzmq context; mailbox and poller of its reaper thread
IO_THREAD = 2  # its mailbox and its poller
ENGINE = 2  # the pipe that wakes the relay loop
PROCESS = 8  # two pipes, with the child's ends, and those of a fork server
SPARE = 8  # sockets that are open briefly, for example during unbind

_needed: dict[object, int] = {}  # descriptors, by start under way in any thread


def raise_file_limit(limit: int | None = FILE_LIMIT) -> None:
    """Raise the soft limit on open files of this process (`ulimit -n`), as far as the hard limit permits. Never lowers it.

    Args:
        limit: How many files may be open; None leaves the limit as it is.
    """
    if limit is None or sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:  # macOS refuses more than kern.maxfilesperproc
        logger.debug("cannot raise the limit of open files from %d: %s", soft, error)
    else:
        logger.debug("raised the limit of open files from %d to %d", soft, wanted)


@contextmanager
def room_for(owner: str, count: int) -> Iterator[None]:
    """Check that enough descriptors are free for what is opened in the block.

    They are counted and not opened for a try, since a running ipc listener would abort if it got none in that moment. The needs of
    starts in other threads are added, so that two starts cannot rely on the same descriptors.

    Args:
        owner: The device, for the error.
        count: How many descriptors the block opens.

    Raises:
        zmq.ZMQError: EMFILE, too few are free.
    """
    mine = object()
    _needed[mine] = count + SPARE
    try:
        free, needed = _free(), sum(list(_needed.values()))
        if free is not None and free < needed:
            raise zmq.ZMQError(
                errno.EMFILE,
                f"{owner}: too many open files: {needed} free descriptors are needed, and {free} are left "
                "(close some, or raise the limit: ulimit -n, LimitNOFILE= of systemd)",
            )
        yield
    finally:
        del _needed[mine]


def _free() -> int | None:
    """Return how many descriptors are free, or None if the system does not show those in use."""
    if sys.platform == "win32":
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    directory = "/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd"
    try:
        used = [int(name) for name in os.listdir(directory)]  # noqa: PTH208  without a Path per descriptor
    except OSError as error:
        return 0 if error.errno in (errno.EMFILE, errno.ENFILE) else None
    return limit - sum(number < limit for number in used) + 1  # one is that of the listing, closed by now
