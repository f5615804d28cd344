"""The path of the control socket: in a directory that only its user can enter."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._failure import Failure, Status

LONGEST = 107 if sys.platform == "linux" else 103  # bytes
BACKLOG = 128  # connections that wait to be accepted

_NAME = "control.sock"
SCHEMES = ("unix://", "ipc://")


def path_of(given: str | None) -> Path:
    """Return the path in `given`, which may begin with unix:// or ipc://; by default one in a directory of this user.

    Raises Failure if no socket can have it.
    """
    path = _path(given)
    length = len(os.fsencode(path))
    if length > LONGEST:
        text = f"control socket {path}: its path is too long: {length} bytes, a socket takes {LONGEST} (set another with --control)"
        raise Failure(text, Status.USAGE)
    return path


def _path(given: str | None) -> Path:
    if given:
        for scheme in SCHEMES:
            given = given.removeprefix(scheme)
        return Path(given).absolute()
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime, "zdev", _NAME)
    if os.geteuid() == 0:
        return Path("/run/zdev", _NAME)
    return Path(tempfile.gettempdir(), f"zdev-{os.geteuid()}", _NAME)


def listen(path: Path) -> socket.socket:
    """Listen at `path`, in a directory closed to others. Raises Failure, also when another zdev listens there."""
    _make_directory(path)
    try:
        with _locked(path.parent):  # from the check for another zdev to the bind
            _remove_stale(path)
            return _bound(path)
    except OSError as error:
        raise Failure(f"control socket {path}: {error.strerror}", Status.UNAVAILABLE) from error


def _make_directory(path: Path) -> None:
    """Make the directory of the socket. Raises Failure if others can enter, own or redirect it."""
    directory = path.parent
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        itself, found = directory.lstat(), directory.stat()
    except OSError as error:
        raise Failure(f"control socket {path}: {error.strerror}: {error.filename}", Status.UNAVAILABLE) from error
    if stat.S_ISLNK(itself.st_mode) and itself.st_uid not in (0, os.geteuid()):
        text = f"control socket {path}: {directory} is a symbolic link of another user (uid {itself.st_uid})"
        raise Failure(f"{text}: set another path with --control", Status.UNAVAILABLE)
    if found.st_uid != os.geteuid():
        text = f"control socket {path}: {directory} belongs to another user (uid {found.st_uid})"
        raise Failure(f"{text}: set another path with --control", Status.UNAVAILABLE)
    if stat.S_IMODE(found.st_mode) & 0o077:
        text = f"control socket {path}: {directory} is open to other users (mode {stat.S_IMODE(found.st_mode):04o})"
        raise Failure(f"{text}: chmod 0700 {directory}", Status.UNAVAILABLE)


def _remove_stale(path: Path) -> None:
    """Remove the socket file of a killed zdev. Raises Failure if a zdev listens there."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        text = f"control socket {path}: a file that is not a socket has this path: set another with --control"
        raise Failure(text, Status.UNAVAILABLE)
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:  # its backlog is full
            pass
    raise Failure(f"another zdev listens at {path}: stop it, or set another path with --control", Status.UNAVAILABLE)


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    umask = os.umask(0o177)
    try:
        listener.bind(str(path))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(umask)
    return listener


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold an exclusive lock of the directory."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
