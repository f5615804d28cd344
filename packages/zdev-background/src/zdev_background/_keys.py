"""Files with keys and passwords: written for their owner alone, and read only if nobody else could have read or changed them.

A file is opened once, and its owner and mode are checked on the descriptor, so that it cannot be replaced between check and read.
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

MAX_FILE_SIZE = 1 << 20  # bytes
SETTLED = 10**9  # ns; later changes of a file show in its time, whatever the file system's resolution
READ, WRITE = 0o077, 0o022  # mode bits that must be off: others may not read or write, or not write

_KEY = re.compile(rb"""^[ \t]*(public|secret)-key[ \t]*=[ \t]*["']?([^"'\s]*)["']?[ \t]*$""", re.MULTILINE)


def create_key(directory: StrPath, name: str) -> tuple[Path, Path]:
    """Create a CURVE key pair in two files: NAME.key with the public key, and NAME.key_secret with both keys, of mode 0600.

    Args:
        directory: Where the files are created. It is made, of mode 0700, if it does not exist.
        name: Name of the files, without the suffix.

    Returns:
        The paths of the public and of the secret file.

    Raises:
        FileExistsError: A key of this name exists.
        ValueError: The name is not a file name.
    """
    if not name or Path(name).name != name or name.startswith(".") or "\0" in name:
        raise ValueError(f"invalid key name {name!r}: it must be a file name without a directory and a dot in front")
    folder = Path(directory)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    public, secret = folder / f"{name}.key", folder / f"{name}.key_secret"
    with TemporaryDirectory(prefix="zdev-") as private:  # mode 0700: zmq.auth writes files that others can read
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
        text = "key exists already (use another name, or remove it first)"
        raise FileExistsError(errno.EEXIST, text, os.fspath(path)) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except BaseException:
        path.unlink()
        raise


def read_secret_key(path: StrPath) -> tuple[bytes, bytes]:
    """Return the public and the secret key in a file.

    Raises:
        OSError: The file cannot be read, or others than its owner can read it.
        ValueError: The file does not have both keys.
    """
    keys = _keys_of(path, READ)
    if b"secret" not in keys:
        raise ValueError(f"{os.fspath(path)} has no secret-key (use the .key_secret file)")
    public, secret = keys[b"public"], keys[b"secret"]
    if zmq.curve_public(secret) != public:
        raise ValueError(f"{os.fspath(path)}: public-key does not belong to secret-key")
    return public, secret


def read_public_key(path: StrPath) -> bytes:
    """Return the public key in a file that `create_key` or `zmq.auth` made.

    Args:
        path: The file, NAME.key or NAME.key_secret.

    Returns:
        The key, 40 characters of Z85.

    Raises:
        OSError: The file cannot be read, or others than its owner can write to it.
        ValueError: The file has no public key.
    """
    return _keys_of(path, WRITE)[b"public"]


class KnownKeys:
    """The public keys in the *.key files of a directory, which may change at any time.

    Unchanged files are not read again, so that a peer that connects often does not keep the disk busy. The key of an unusable file
    is left out.

    Args:
        directory: The directory.
        report: Called with a text, once, for each file that cannot be used.
    """

    def __init__(self, directory: StrPath, report: Callable[[str], object] = lambda _: None) -> None:
        self._directory = Path(directory)
        self._report = report
        self._known: dict[str, tuple[object, bytes | None, str]] = {}  # by path: its status, key and error

    def read(self) -> set[bytes]:
        """Return the keys that are there now.

        Raises:
            OSError: The directory cannot be read, or others than this user and root may add keys to it.
        """
        return set(self.names())

    def names(self) -> dict[bytes, str]:
        """Return the keys that are there now, each with the name of its file without `.key`: the last name, if it has several.

        Raises:
            OSError: See `read`.
        """
        if not self._directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "no directory of public keys (*.key)", os.fspath(self._directory))
        _refuse(self._directory.stat(), WRITE, self._directory)
        with os.scandir(self._directory) as entries:
            paths = sorted(each.path for each in entries if each.name.endswith(".key") and not each.name.startswith("."))
        self._known = {path: self._read_file(path) for path in paths}
        return {key: Path(path).stem for path, (_, key, _) in self._known.items() if key}

    def _read_file(self, path: str) -> tuple[object, bytes | None, str]:
        last_status, _, last_error = before = self._known.get(path, (None, None, ""))
        try:
            found = Path(path).stat()
            changed = max(found.st_mtime_ns, found.st_ctime_ns)
            status = (found.st_dev, found.st_ino, found.st_size, found.st_mode, found.st_mtime_ns, found.st_ctime_ns)
            if status == last_status:
                return before
            is_settled = time.time_ns() - changed > SETTLED
            return (status if is_settled else None), read_public_key(path), ""
        except (OSError, ValueError) as error:
            if str(error) != last_error:
                self._report(f"ignoring a client key: {error}")
            return None, None, str(error)


class Passwords:
    """The passwords in a file, which is read at each check."""

    def __init__(self, path: StrPath) -> None:
        self._path = path

    def match(self, name: str, password: str) -> bool:
        """Return whether this is the password of that name.

        Raises:
            OSError: The file cannot be read, or others than its owner can read it.
            ValueError: A line of the file is invalid.
        """
        known = read_passwords(self._path).get(name.encode())
        return known is not None and compare_digest(known, password.encode())


def read_passwords(path: StrPath) -> dict[bytes, bytes]:
    """Return the passwords in a file, by name. No error quotes a line.

    Raises:
        OSError: The file cannot be read, or others than its owner can read it.
        ValueError: A line is not NAME:PASSWORD.
    """
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
            raise ValueError(f"{where}: duplicate name")
        known[name] = password
    return known


def read_secret(path: StrPath) -> bytes:
    """Return the content of a file with secrets.

    Raises:
        OSError: The file cannot be read, or others than its owner can read it.
    """
    return _read(path, READ)


def check_public(path: StrPath) -> None:
    """Check a file without secrets.

    Raises:
        OSError: The file cannot be read, or others than its owner can write to it.
    """
    _read(path, WRITE)


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _keys_of(path: StrPath, forbidden: int) -> dict[bytes, bytes]:
    keys: dict[bytes, bytes] = dict(_KEY.findall(_read(path, forbidden)))
    if b"public" not in keys:
        raise ValueError(f"{os.fspath(path)} has no public-key (create keys with zdev key new)")
    if not all(_is_key(key) for key in keys.values()):
        raise ValueError(f"{os.fspath(path)}: invalid key: it must be 40 characters of Z85")
    return keys


def _is_key(text: bytes) -> bool:
    try:
        return len(text) == 40 and len(z85.decode(text)) == 32
    except (KeyError, ValueError, struct.error):
        return False


def _read(path: StrPath, forbidden: int) -> bytes:
    # Without O_NONBLOCK, opening a pipe without a writer would block.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        _refuse(found, forbidden, path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_FILE_SIZE + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_FILE_SIZE:
        raise OSError(errno.EFBIG, f"larger than {MAX_FILE_SIZE} bytes", os.fspath(path))
    return content


def _refuse(found: os.stat_result, forbidden: int, path: StrPath) -> None:
    """Raise PermissionError if others can do what is forbidden. A secret and a directory must belong to this user or root."""
    if os.name != "posix":
        return
    text = ""
    is_ours = forbidden == READ or stat.S_ISDIR(found.st_mode)
    if is_ours and found.st_uid not in (0, os.geteuid()):
        text = f"another user owns it (chown {os.geteuid()} {os.fspath(path)})"
    elif stat.S_IMODE(found.st_mode) & forbidden:
        what, advice = ("read or write", "0600") if forbidden == READ else ("write", "go-w")
        text = f"others than its owner can {what} it (chmod {advice} {os.fspath(path)})"
    if text:
        raise PermissionError(errno.EACCES, text, os.fspath(path))
