"""Messages out of MCAP files, damaged ones too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import click
import zstandard
from mcap.exceptions import RecordLengthLimitExceeded
from mcap.records import Channel, Chunk, DataEnd, McapRecord, Message
from mcap.stream_reader import StreamReader, breakup_chunk

from .._failure import Failure, Status
from .chunks import LARGEST_EXPANDED, NAME, decoded
from .line import printable

_CUT = "truncated: the recorder was killed, or the disk was full"
_MAGIC = b"\x89MCAP0\r\n"


def expanded(chunk: Chunk, name: str) -> bytes:
    """The content of a chunk. Raises ValueError when it is larger than a chunk may be, or not of the size that it declares.

    A file of some kB could otherwise take all memory: zstd shrinks zeros by 30,000.
    """
    if not chunk.compression:
        return chunk.data
    if chunk.compression != "zstd":
        raise ValueError(f"{name} uses the compression {chunk.compression!r}, not zstd")
    sizes = {chunk.uncompressed_size, zstandard.get_frame_parameters(chunk.data).content_size}
    largest = max(sizes - {zstandard.CONTENTSIZE_UNKNOWN})
    if largest > LARGEST_EXPANDED:
        raise ValueError(f"{name} expands to {largest:,} bytes, and {LARGEST_EXPANDED:,} are allowed")
    try:
        content = zstandard.decompress(chunk.data, LARGEST_EXPANDED)
    except zstandard.ZstdError as error:
        raise ValueError(
            f"{name} does not expand to the {chunk.uncompressed_size:,} bytes that it declares: {error}"
        ) from error
    if len(content) != chunk.uncompressed_size:
        raise ValueError(f"{name} declares {chunk.uncompressed_size:,} bytes, and has {len(content):,}")
    return content


class Recorded(NamedTuple):
    """time: in ns since 1970; message: [prefix, frame, ...] as the mon socket sent it."""

    time: int
    message: list[bytes]


class Reader:
    """The messages of one file, in the order in which they came.

    After iterating, `fault` says why the file ends early, or is None when it is complete. A recorder that was killed leaves a
    file without its end; what it had flushed is read, chunk by chunk, each proved by its checksum.

    Raises Failure when this is not a file, or not a recording of zdev.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault: str | None = None
        self.source = ""
        self._channels: dict[int, bytes | None] = {}
        self._index_follows = False
        self._chunks = 0

    def __iter__(self) -> Iterator[Recorded]:
        self._channels.clear()
        self.fault, self._index_follows, self._chunks = None, False, 0
        try:
            with self.path.open("rb") as file:
                if not file.seekable():
                    raise Failure(f"cannot read {self._name}: it is a pipe (save the recording to a file first)", Status.USAGE)
                if file.read(len(_MAGIC)) != _MAGIC:
                    raise self._not_a_recording("it is not an MCAP file")
                yield from self._messages(file)
        except OSError as error:
            raise Failure(f"cannot read {self._name}: {error.strerror}", Status.UNAVAILABLE) from error

    def _messages(self, file: BinaryIO) -> Iterator[Recorded]:
        size = self.path.stat().st_size
        records = StreamReader(file, skip_magic=True, emit_chunks=True, record_size_limit=size).records
        while True:
            record = None
            try:
                if (record := next(records, None)) is None:
                    return
                found = self._taken(record)
            except (Failure, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - what the libraries raise on damaged bytes has no common class
                cut = record is None and (isinstance(error, RecordLengthLimitExceeded) or not file.read(1))
                self.fault = _CUT if cut else f"damaged: {str(error) or type(error).__name__}"
                return
            yield from found

    def _taken(self, record: McapRecord) -> list[Recorded]:
        """The messages of a record, all or none: an error must not come after half of them."""
        if isinstance(record, DataEnd):
            self._index_follows = True
        elif self._index_follows:
            return []
        elif isinstance(record, Chunk):
            self._chunks += 1
            content = expanded(record, f"chunk {self._chunks}")
            plain = replace(record, compression="", data=content)
            return [each for part in breakup_chunk(plain, validate_crc=True) for each in self._taken(part)]
        elif isinstance(record, Channel):
            self._channels[record.id] = self._prefix(record)
        elif isinstance(record, Message):
            prefix = self._channels[record.channel_id]
            frames = decoded(record.data)
            message = frames if prefix is None else [prefix, *frames]
            if not message:
                raise ValueError("a message has no prefix")
            return [Recorded(record.log_time, message)]
        return []

    def _prefix(self, channel: Channel) -> bytes | None:
        if channel.message_encoding != NAME:
            raise self._not_a_recording(f"its channel {channel.topic!r} holds {channel.message_encoding!r}, not {NAME}")
        self.source = channel.metadata.get("source", self.source)
        prefix = channel.metadata.get("prefix")
        return None if prefix is None else bytes.fromhex(prefix)

    def _not_a_recording(self, why: str) -> Failure:
        return Failure(f"{self._name} is not a recording of zdev: {why}", Status.USAGE)

    @property
    def _name(self) -> str:
        return printable(click.format_filename(self.path))
