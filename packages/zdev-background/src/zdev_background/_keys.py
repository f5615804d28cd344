"""Files with keys and passwords: read with distrust, made for their owner alone.

What is looked at is what is read: a file is opened once, and its owner and mode are those of what was opened.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
import time
from collections.abc import Callable
from hmac import compare_digest
from pathlib import Path
from tempfile import TemporaryDirectory

import zmq
from zmq.auth import create_certificates
from zmq.utils import z85

StrPath = str | os.PathLike[str]

LARGEST = 1 << 20  # bytes of a file
SETTLED = 10**9  # ns after which a file that is written again has another time, whatever the file system
READ, WRITE = 0o077, 0o022  # what others may not: read or write; write

_KEY = re.compile(rb"""^[ \t]*(public|secret)-key[ \t]*=[ \t]*["']?([^"'\s]*)["']?[ \t]*$""", re.MULTILINE)


def create_key(directory: StrPath, name: str) -> tuple[Path, Path]:
    """Make a CURVE key pair: NAME.key, the public one to give away, and NAME.key_secret with both, of mode 0600.

    Returns both paths. Raises FileExistsError rather than to replace a key, ValueError for a name that is no file's.
    """
    if not name or Path(name).name != name or name.startswith(".") or "\0" in name:
        raise ValueError(f"{name!r} is no file name")
    folder = Path(directory)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    public, secret = folder / f"{name}.key", folder / f"{name}.key_secret"
    with TemporaryDirectory(
        prefix="zdev-"
    ) as private:  # which nobody else can enter: zmq.auth writes files that others can read
        made_public, made_secret = (Path(each).read_bytes() for each in create_certificates(private, name))
    _write_new(secret, made_secret, 0o600)
    try:
        _write_new(public, made_public, 0o644)
    except BaseException:
        secret.unlink()
        raise
    return public, secret


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        text = "this key exists already: give another name, or remove it first"
        raise FileExistsError(errno.EEXIST, text, os.fspath(path)) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except BaseException:
        path.unlink()
        raise


def read_secret_key(path: StrPath) -> tuple[bytes, bytes]:
    """Public and secret key of a file for its owner alone. Raises OSError if it can't be read or others can, ValueError if it
    has no such keys."""
    keys = _keys_of(path, READ)
    if b"secret" not in keys:
        raise ValueError(f"{os.fspath(path)} has no secret-key: it is the file with the public key; name the other one")
    public, secret = keys[b"public"], keys[b"secret"]
    if zmq.curve_public(secret) != public:
        raise ValueError(f"{os.fspath(path)}: public-key and secret-key don't belong together")
    return public, secret


def read_public_key(path: StrPath) -> bytes:
    """The public key in a file that `create_key` or `zmq.auth` made, 40 characters of Z85.

    Raises OSError if the file can't be read or others can write it, ValueError if it has no such key.
    """
    return _keys_of(path, WRITE)[b"public"]


class KnownKeys:
    """The public keys in the *.key files of a directory, as these are when they are looked at.

    What has not changed is not read again: who knocks often shall not keep the disk busy. A file that can't be used lets nobody
    in, and `complain` is told of it, once.
    """

    def __init__(self, directory: StrPath, complain: Callable[[str], object] = lambda _: None) -> None:
        self._directory = Path(directory)
        self._complain = complain
        self._known: dict[str, tuple[object, bytes | None, str]] = {}  # by path: what it looked like, key, what is wrong

    def look(self) -> set[bytes]:
        """Raises OSError when the directory can't be read, and when others may add keys to it: its owner, if that is neither this
        user nor root, too."""
        if not self._directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "no directory of public keys (*.key)", os.fspath(self._directory))
        _refuse(self._directory.stat(), WRITE, self._directory)
        with os.scandir(self._directory) as entries:
            paths = [each.path for each in entries if each.name.endswith(".key") and not each.name.startswith(".")]
        self._known = {path: self._look_at(path) for path in paths}
        return {key for _, key, _ in self._known.values() if key}

    def _look_at(self, path: str) -> tuple[object, bytes | None, str]:
        looked, _, said = before = self._known.get(path, (None, None, ""))
        try:
            found = Path(path).stat()
            changed = max(found.st_mtime_ns, found.st_ctime_ns)
            looks = (found.st_dev, found.st_ino, found.st_size, found.st_mode, found.st_mtime_ns, found.st_ctime_ns)
            if looks == looked:
                return before
            is_settled = time.time_ns() - changed > SETTLED
            return (looks if is_settled else None), read_public_key(path), ""
        except (OSError, ValueError) as error:
            if str(error) != said:
                self._complain(f"this key lets nobody in: {error}")
            return None, None, str(error)


class Passwords:
    """The passwords in a file, as this is when one is asked for."""

    def __init__(self, path: StrPath) -> None:
        self._path = path

    def match(self, name: str, password: str) -> bool:
        """Raises OSError or ValueError when the file can't be used."""
        known = read_passwords(self._path).get(name.encode())
        return known is not None and compare_digest(known, password.encode())


def read_passwords(path: StrPath) -> dict[bytes, bytes]:
    """Passwords by name. Raises OSError if the file can't be read or others can, ValueError for a line that is no
    NAME:PASSWORD; no text quotes the line."""
    known: dict[bytes, bytes] = {}
    for number, line in enumerate(_read(path, READ).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        name, _, password = line.partition(b":")
        name = name.strip()
        where = f"{os.fspath(path)}:{number}"
        if not (name and password and len(name) < 256 and len(password) < 256 and _is_utf_8(line)):
            raise ValueError(f"{where}: a line must be NAME:PASSWORD, of at most 255 bytes each, in UTF-8")
        if name in known:
            raise ValueError(f"{where}: this name has a password already")
        known[name] = password
    return known


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _keys_of(path: StrPath, forbidden: int) -> dict[bytes, bytes]:
    keys: dict[bytes, bytes] = dict(_KEY.findall(_read(path, forbidden)))
    if b"public" not in keys:
        raise ValueError(f"{os.fspath(path)} has no public-key: zdev key new makes keys")
    if not all(_is_key(key) for key in keys.values()):
        raise ValueError(f"{os.fspath(path)}: a key has 40 characters of Z85")
    return keys


def _is_key(text: bytes) -> bool:
    try:
        return len(text) == 40 and len(z85.decode(text)) == 32
    except (KeyError, ValueError, struct.error):
        return False


def _read(path: StrPath, forbidden: int) -> bytes:
    # Without O_NONBLOCK, a pipe that nobody writes to would never be open.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "this is no regular file", os.fspath(path))
        _refuse(found, forbidden, path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(content) > LARGEST:
        raise OSError(errno.EFBIG, f"larger than {LARGEST} bytes", os.fspath(path))
    return content


def _refuse(found: os.stat_result, forbidden: int, path: StrPath) -> None:
    """Raises PermissionError if others can do what is forbidden; a secret, and a directory, must be of who reads it, or root, too."""
    if os.name != "posix":
        return
    text = ""
    is_ours = forbidden == READ or stat.S_ISDIR(found.st_mode)
    if is_ours and found.st_uid not in (0, os.geteuid()):
        text = f"another user owns it: chown {os.geteuid()} {os.fspath(path)}"
    elif stat.S_IMODE(found.st_mode) & forbidden:
        what, advice = ("read or write", "0600") if forbidden == READ else ("write", "go-w")
        text = f"others than its owner can {what} it: chmod {advice} {os.fspath(path)}"
    if text:
        raise PermissionError(errno.EACCES, text, os.fspath(path))
