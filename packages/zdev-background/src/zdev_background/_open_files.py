"""The limit on open files. libzmq aborts the process where a context, a socket or an ipc listener finds no descriptor."""

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
IO_THREAD = 2  # mailbox and poller
ENGINE = 2  # the pipe that wakes its loop
PROCESS = 8  # two pipes, their ends in the child, and those of a fork server
SPARE = 8  # sockets that are open for a moment, as while an address is given up

_needed: dict[object, int] = {}  # by starts that are under way in other threads


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
        logger.debug("the limit of open files stays %d: %s", soft, error)
    else:
        logger.debug("raised the limit of open files from %d to %d", soft, wanted)


@contextmanager
def room_for(owner: str, count: int) -> Iterator[None]:
    """Check that `count` descriptors are free, for what is opened in the block.

    Descriptors are counted, not opened for a try: a running ipc listener would abort if they were taken for a moment. Starts in
    other threads are added in full, so that two of them cannot rely on the same descriptors.

    Raises:
        ZMQError: EMFILE, too few are free. The text names `owner` and the remedy.
    """
    mine = object()
    _needed[mine] = count + SPARE
    try:
        free, needed = _free(), sum(list(_needed.values()))
        if free is not None and free < needed:
            raise zmq.ZMQError(
                errno.EMFILE,
                f"{owner}: too many open files: it needs {needed} free descriptors and {free} are left "
                "(close some, or raise the limit: ulimit -n, LimitNOFILE= of systemd)",
            )
        yield
    finally:
        del _needed[mine]


def _free() -> int | None:
    """How many descriptors are free; None: the system does not show those in use."""
    if sys.platform == "win32":
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    directory = "/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd"
    try:
        used = [int(name) for name in os.listdir(directory)]  # noqa: PTH208  no Path a descriptor
    except OSError as error:
        return 0 if error.errno in (errno.EMFILE, errno.ENFILE) else None
    return limit - sum(number < limit for number in used) + 1  # one was that of the listing
