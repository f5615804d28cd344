"""Messages into one MCAP file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .chunks import FORMAT, NAME, ChunkFile
from .line import direction

_CHANNELS = 1000  # prefixes with a channel of their own; MCAP has room for 65535
_PREFIX = 64  # bytes of the longest such prefix


class FileWriter:
    """A file that is being recorded to. What was flushed is readable, whatever becomes of this process.

    The file is made for its owner alone (mode 0600), since traffic may hold secrets. Raises FileExistsError, OSError.
    """

    def __init__(self, path: Path, source: str, chunk_size: int) -> None:
        self.path = path
        self.messages = 0
        self._source = source
        self._chunk_size = chunk_size
        self._written = 0  # bytes in the file
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

    @property
    def size(self) -> int:
        """Bytes of the file; of what is not in it yet, before compression."""
        return self._written + self._chunks.pending

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
        """Hand everything to the operating system, as a chunk of its own."""
        self._chunks.flush()
        self._written = self._file.tell()

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
