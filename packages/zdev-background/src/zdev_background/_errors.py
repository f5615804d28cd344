"""Errors that name the device, the socket, the cause and the remedy: `zmq.ZMQError` with its errno."""

from __future__ import annotations

import errno

import zmq

_ADVICE = {
    errno.EADDRINUSE: "end the program that is bound there, or bind another address; port * lets the system choose",
    errno.EADDRNOTAVAIL: "use an address that this machine has, or * for all",
    errno.ENODEV: "use an interface or address that this machine has, or * for all",
    errno.EACCES: "use a port from 1024 on, or a directory that you may write to",
    errno.EPERM: "use a port from 1024 on, or a directory that you may write to",
    errno.ENOENT: "make the directory first",
    errno.EMFILE: "raise the limit of open files, ulimit -n or systemd's LimitNOFILE=, or of sockets, zmq.MAX_SOCKETS",
    errno.EPROTONOSUPPORT: "use a transport that this libzmq has: tcp, ipc, inproc",
    zmq.EMTHREAD: "set a bit of AFFINITY for an I/O thread that the context has, 1 for the first",
    zmq.ENOCOMPATPROTO: "use a transport that works for this socket type: tcp, ipc, inproc",
}


def explained(owner: str, doing: str, error: BaseException, advice: str = "") -> zmq.ZMQError:
    """Return a ZMQError that says what `owner` could not do, why, and what to do about it.

    Args:
        owner: The device.
        doing: What failed, such as "cannot bind in (PULL) to tcp://127.0.0.1:5559".
        error: The cause. Without an errno, like pyzmq's TypeError for the value of an option, it becomes EINVAL.
        advice: The remedy, for an errno that has no entry in the table above.
    """
    number = getattr(error, "errno", None) or errno.EINVAL
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    reason = _lower(text.partition(" (addr=")[0].rstrip("."))  # pyzmq's suffix repeats the endpoint
    advice = _ADVICE.get(number, advice)
    return zmq.ZMQError(number, f"{owner}: {doing}: {reason}" + (f" ({advice})" if advice else ""))


def _lower(text: str) -> str:
    """Return a text of the system without its capital, but for an acronym."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
