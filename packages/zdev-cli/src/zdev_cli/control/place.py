"""Where the control socket is: in a directory that only its user can enter."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._failure import Failure, Status

LONGEST = 107 if sys.platform == "linux" else 103  # bytes

_NAME = "control.sock"


def path_of(told: str | None) -> Path:
    """The path in `told`, an ipc endpoint or a path; by default one in a directory of the user's own.

    Raises Failure if no socket can have it.
    """
    path = _path(told)
    advice = "name another with --control"
    try:
        length = len(str(path).encode())
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="backslashreplace")
        raise Failure(f"control socket {shown}: libzmq takes no path that is not UTF-8: {advice}", Status.USAGE) from None
    if length > LONGEST:
        text = f"control socket {path}: a path of {length} bytes is too long for a socket, which takes {LONGEST}: {advice}"
        raise Failure(text, Status.USAGE)
    return path


def _path(told: str | None) -> Path:
    if told:
        return Path(told.removeprefix("ipc://")).absolute()
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime, "zdev", _NAME)
    if os.geteuid() == 0:
        return Path("/run/zdev", _NAME)
    return Path(tempfile.gettempdir(), f"zdev-{os.geteuid()}", _NAME)


def make_directory(path: Path) -> None:
    """Make the directory of the control socket, for its user alone. Raises Failure if others can enter or own it."""
    directory = path.parent
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
    except OSError as error:
        raise Failure(f"control socket {path}: {error.strerror}: {error.filename}", Status.UNAVAILABLE) from error
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        text = f"control socket {path}: {directory} must be of this user and closed to others: chmod 0700 {directory}"
        raise Failure(text, Status.UNAVAILABLE)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Alone among all who lock this directory."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
