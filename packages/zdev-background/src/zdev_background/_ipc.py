"""Files of ipc endpoints. libzmq takes a path over from a program that listens there, and leaves it behind at the end."""

from __future__ import annotations

import errno
import socket as sockets
from _socket import socket as Connection  # gevent's patches replace socket.socket by one that belongs to a hub
from contextlib import suppress
from pathlib import Path

WILDCARD = "ipc://*"  # libzmq makes a file in a directory of its own, and removes both itself


def path_of(endpoint: str) -> Path | None:
    """None: the endpoint has no file, being of another transport, a name in the abstract namespace (@), or a wildcard."""
    transport, _, path = endpoint.partition("://")
    return Path(path) if transport == "ipc" and path and path[0] not in "@*" else None


def refuse_in_use(endpoint: str) -> None:
    """Raise OSError with EADDRINUSE when somebody listens at an ipc path; a file that a dead program left is no matter."""
    path = path_of(endpoint)
    if path and _is_in_use(path):
        raise OSError(errno.EADDRINUSE, "Address already in use")


def remove_file(endpoint: str, *, even_if_in_use: bool = False, made_by_libzmq: bool = False) -> None:
    """Remove the file of a socket that nobody listens at; made_by_libzmq: for a wildcard, in a directory of its own."""
    path = path_of(endpoint)
    if path is None:
        return
    with suppress(OSError):  # also of a look at it: a name that is too long, no right to enter its directory
        if path.is_socket() and (even_if_in_use or not _is_in_use(path)):
            path.unlink()
            if made_by_libzmq:
                path.parent.rmdir()


def _is_in_use(path: Path) -> bool:
    probe = Connection(sockets.AF_UNIX, sockets.SOCK_STREAM)
    try:
        probe.setblocking(False)
        probe.connect(str(path))
    except OSError as error:
        return error.errno == errno.EAGAIN  # so many wait there to be accepted that there is no room
    else:
        return True
    finally:
        probe.close()
