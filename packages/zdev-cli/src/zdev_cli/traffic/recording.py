"""A recording: one MCAP file, or a series of them when they are limited in size or time."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import click

from .._failure import Failure, Status
from .._units import bytes_text
from .chunks import FORMAT, NAME, ChunkFile
from .line import direction


class Limits(NamedTuple):
    """chunk: after so many bytes (uncompressed) or seconds, what came is safe; file: when the next one begins."""

    chunk_size: int
    chunk_seconds: float
    file_size: int | None
    file_seconds: float | None

    @property
    def rotates(self) -> bool:
        return bool(self.file_size or self.file_seconds)


class Recording:
    """The files that messages are recorded to. Without rotation `path` itself, else path-0001.mcap and so on.

    Raises click.UsageError when there are such files already and `force` is not set, Failure when one can't be written.
    """

    def __init__(self, path: Path, source: str, limits: Limits, *, force: bool) -> None:
        self.messages = 0
        self.bytes = 0
        self.files: list[Path] = []
        self._path = path
        self._source = source
        self._limits = limits
        self._make_room(force)
        self._begin()

    def add(self, message: Sequence[bytes], time: int) -> None:
        """message: [prefix, frame, ...]; time in ns since 1970."""
        if self._limits.rotates and self._file.messages and (self._is_old() or not self._has_room(message)):
            self.finish()
            self._begin()
        try:
            self._file.add(message, time)
        except OSError as error:
            raise self._failure(error) from error
        self.messages += 1
        self.bytes += sum(map(len, message)) - len(message[0])

    def _has_room(self, message: Sequence[bytes]) -> bool:
        """Whether the file stays within its limit with this message; what waits is compressed to find out."""
        size = self._limits.file_size
        if size is None or self._file.finished_size(message) <= size:
            return True
        self.flush()
        return self._file.finished_size(message) <= size - size // 20  # in less room, each chunk would have few messages

    def flush_if_due(self) -> None:
        """Make safe what has waited for long enough."""
        if self.due_in() <= 0:
            self.flush()

    def due_in(self) -> float:
        """Seconds until the next flush."""
        return self._flushed + self._limits.chunk_seconds - monotonic()

    def flush(self) -> None:
        self._flushed = monotonic()
        try:
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error

    def finish(self) -> None:
        """Complete the file."""
        try:
            self._file.finish()
        except OSError as error:
            raise self._failure(error) from error

    def abandon(self) -> None:
        """Complete the file as well as that goes; one without messages is removed."""
        with suppress(Failure):
            self.finish()
        if not self.messages:
            self.files[0].unlink(missing_ok=True)

    def summary(self) -> str:
        """One line: messages, their bytes, and the files."""
        on_disk = sum(path.stat().st_size for path in self.files)
        count = "" if len(self.files) == 1 else f"{len(self.files)} files, "
        names = click.format_filename(self.files[0]) + (f" to {self.files[-1].name}" if count else "")
        noun = "message" if self.messages == 1 else "messages"
        return f"recorded {self.messages:,} {noun}, {bytes_text(self.bytes)}, in {count}{names} ({bytes_text(on_disk)})"

    def _is_old(self) -> bool:
        return bool(self._limits.file_seconds) and monotonic() >= self._began + (self._limits.file_seconds or 0)

    def _begin(self) -> None:
        path = self._path
        if self._limits.rotates:
            path = path.with_name(f"{path.stem}-{len(self.files) + 1:04}{path.suffix}")
        try:
            self._file = FileWriter(path, self._source, self._limits.chunk_size)
        except OSError as error:
            raise Failure(f"cannot write {path}: {error.strerror}", Status.UNAVAILABLE) from error
        self.files.append(path)
        self._began = self._flushed = monotonic()

    def _make_room(self, force: bool) -> None:
        for path in self._there():
            if not force:
                raise click.UsageError(f"{path} already exists: name another file, or pass --force to replace it")
            path.unlink()

    def _there(self) -> list[Path]:
        """The files of an earlier recording of this name."""
        if not self._limits.rotates:
            return [self._path] if self._path.exists() else []
        name = re.compile(rf"{re.escape(self._path.stem)}-\d{{4,}}{re.escape(self._path.suffix)}")
        folder = self._path.parent
        return sorted(path for path in folder.iterdir() if name.fullmatch(path.name)) if folder.is_dir() else []

    def _failure(self, error: OSError) -> Failure:
        text = f"cannot write to {self.files[-1]}: {error.strerror}; what was written before is kept"
        return Failure(f"{text} ({self.messages} messages)", Status.UNAVAILABLE)


_CHANNELS = 1000  # prefixes with a separate channel; MCAP allows 65535
_PREFIX = 64  # bytes of the longest such prefix


class FileWriter:
    """A file that is being recorded to. Messages that were flushed are readable, even if this process is killed.

    The file is made for its owner alone (mode 0600), since traffic may hold secrets. Raises FileExistsError, OSError.
    """

    def __init__(self, path: Path, source: str, chunk_size: int) -> None:
        self.path = path
        self.messages = 0
        self._source = source
        self._chunk_size = chunk_size
        self._channels: dict[bytes | None, int] = {}
        self._file = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb")
        try:
            self._chunks = ChunkFile(self._file, "zdev")
            self.flush()
        except OSError:  # no room even for its header
            with suppress(OSError):
                self._file.close()
            path.unlink()
            raise

    def finished_size(self, message: Sequence[bytes]) -> int:
        """Return the bytes that the file has at most if it is finished after this message."""
        return self._chunks.finished_size(message)

    def add(self, message: Sequence[bytes], time: int) -> None:
        """message: [prefix, frame, ...]; time in ns since 1970."""
        prefix = message[0]
        channel = self._channels.get(prefix) or self._channel(prefix)
        frames = message if channel == self._channels.get(None) else message[1:]
        self._chunks.add(channel, time, self.messages & 0xFFFF_FFFF, frames)
        self.messages += 1
        if self._chunks.pending >= self._chunk_size:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the operating system, as a separate chunk."""
        self._chunks.flush()

    def finish(self) -> None:
        """Complete the file with its index, and close it. Again, also after an error: nothing."""
        if self._file.closed:
            return
        try:
            self._chunks.finish()
        finally:
            self._file.close()

    def _channel(self, prefix: bytes) -> int:
        """A channel for this prefix, or when there are too many, that of all others."""
        own = len(prefix) <= _PREFIX and len(self._channels) < _CHANNELS
        key = prefix if own else None
        if key not in self._channels:
            metadata = {"format": FORMAT, "source": self._source} | ({"prefix": prefix.hex()} if own else {})
            topic = direction(prefix) if own else "others"
            self._channels[key] = self._chunks.add_channel(topic, NAME, metadata)
        return self._channels[key]
