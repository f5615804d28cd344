"""Errors that say which device, which socket, what went wrong and what to do: `zmq.ZMQError` with its errno."""

from __future__ import annotations

import errno

import zmq

_ADVICE = {
    errno.EADDRINUSE: "end the program that is bound there, or bind another address (port * lets the system choose)",
    errno.EADDRNOTAVAIL: "this machine has no such address: use one of its own, or * for all",
    errno.ENODEV: "this machine has no such interface or address: use one of its own, or * for all",
    errno.EACCES: "more rights are needed: use a port from 1024 on, or a directory that you may write to",
    errno.EPERM: "more rights are needed: use a port from 1024 on, or a directory that you may write to",
    errno.ENOENT: "make the directory first",
    errno.EMFILE: "raise the limit of open files (ulimit -n, LimitNOFILE= of systemd) or of sockets (zmq.MAX_SOCKETS)",
    errno.EPROTONOSUPPORT: "use a transport that this libzmq has: tcp, ipc, inproc",
    zmq.EMTHREAD: "AFFINITY selects no I/O thread: set a bit of one that the context has, 1 for the first",
    zmq.ENOCOMPATPROTO: "use a transport that works for this socket type: tcp, ipc, inproc",
}


def explained(owner: str, doing: str, error: BaseException, advice: str = "") -> zmq.ZMQError:
    """The error that `owner` met while `doing`, as a ZMQError that says so.

    An error that has no errno, like pyzmq's TypeError for an option's value, gets EINVAL. `advice` is for the errnos that
    have none of their own.
    """
    number = getattr(error, "errno", None) or errno.EINVAL
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    reason = text.partition(" (addr=")[0].rstrip(".")  # pyzmq's suffix says again what `doing` says
    advice = _ADVICE.get(number, advice)
    return zmq.ZMQError(number, f"{owner}: {doing}: {reason}" + (f"; {advice}" if advice else ""))
