"""Files of ipc endpoints. libzmq takes over a path where another program listens, and leaves its own files behind."""

from __future__ import annotations

import errno
import socket as sockets
from _socket import socket as Connection  # gevent's patches replace socket.socket by one that belongs to a hub
from contextlib import suppress
from pathlib import Path

WILDCARD = "ipc://*"  # libzmq makes a directory with one file, and removes both


def path_of(endpoint: str) -> Path | None:
    """Return the file of an ipc endpoint. None for other transports, names in the abstract namespace (@) and wildcards."""
    transport, _, path = endpoint.partition("://")
    return Path(path) if transport == "ipc" and path and path[0] not in "@*" else None


def refuse_in_use(endpoint: str) -> None:
    """Refuse an ipc path where a program listens. A file that a dead program left behind is not refused.

    Raises:
        OSError: EADDRINUSE, a program listens there.
    """
    path = path_of(endpoint)
    if path and _is_in_use(path):
        raise OSError(errno.EADDRINUSE, "Address already in use")


def remove_file(endpoint: str, *, even_if_in_use: bool = False, made_by_libzmq: bool = False) -> None:
    """Remove the file of an ipc endpoint where no program listens.

    Args:
        endpoint: Any endpoint; one without a file is ignored.
        even_if_in_use: Remove the file although a program listens there.
        made_by_libzmq: The endpoint was a wildcard, so the directory is removed too.
    """
    path = path_of(endpoint)
    if path is None:
        return
    with suppress(OSError):  # from is_socket() too: a path too long, or a directory that may not be entered
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
        return error.errno == errno.EAGAIN  # the backlog of a program that listens is full
    else:
        return True
    finally:
        probe.close()
