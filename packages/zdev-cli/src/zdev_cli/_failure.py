"""How `zdev` fails: one line on stderr and an exit status of sysexits.h."""

from __future__ import annotations

import errno
from enum import IntEnum


class Status(IntEnum):
    """The exit statuses of `zdev`."""

    OK = 0
    USAGE = 64
    UNAVAILABLE = 69
    INTERNAL = 70
    DRAIN_TIMED_OUT = 75
    CONFIGURATION = 78


STATUS_TEXTS = {
    Status.OK: "success, or ended by SIGINT or SIGTERM",
    Status.USAGE: "usage error",
    Status.UNAVAILABLE: "an endpoint, a running zdev or the output is not available",
    Status.INTERNAL: "error while running",
    Status.DRAIN_TIMED_OUT: "a drain was cut short",
    Status.CONFIGURATION: "invalid configuration",
}


class Failure(Exception):
    """A foreseen failure. The text says what is wrong, where (role, endpoint) and what to do."""

    def __init__(self, text: str, status: Status) -> None:
        super().__init__(text)
        self.status = status

    @property
    def report(self) -> str:
        """The text for stderr."""
        return f"zdev: {self}"


def status_of(number: int | None) -> Status:
    """Return the exit status for an errno of making, binding or connecting a socket."""
    from zmq import ENOCOMPATPROTO

    return Status.USAGE if number in (errno.EINVAL, errno.EPROTONOSUPPORT, ENOCOMPATPROTO) else Status.UNAVAILABLE
