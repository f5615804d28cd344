"""Messages in an MCAP file: their encoding, `zmtp-multipart`, and the file's chunks.

The data of an MCAP message is its frames in order, each after its size in bytes as an unsigned 32-bit or, with the marker
0xffffffff before it, 64-bit little-endian number. The direction is that of the channel, in the channel's metadata:

    prefix   the first frame of the monitor message, as hex digits; where it is missing, the data begins with that frame
    format   this description in one line
    source   the endpoint that was recorded

mcap.writer takes 3 us per message, most of it for many small writes; a recorder has less. So messages and their index are laid
out here, and all other records by mcap.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import BinaryIO

import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, ChunkIndex, DataEnd, Footer, Header, McapRecord, Statistics, SummaryOffset
from mcap.writer import MCAP0_MAGIC

NAME = "zmtp-multipart"
FORMAT = "frames in order, each after its size as uint32 little-endian (0xffffffff: as uint64, which follows)"
LARGEST_EXPANDED = 16 * 2**20
"""Bytes to which a compressed chunk may expand. The recorder stores a larger one, such as that of a larger message, as it is."""
_LARGE = 0xFFFF_FFFF
_size = struct.Struct("<I")
_large_size = struct.Struct("<IQ")


def parts_of(frames: Sequence[bytes]) -> list[bytes]:
    """The parts whose concatenation is the data of one MCAP message."""
    parts: list[bytes] = []
    for frame in frames:
        size = len(frame)
        parts += (_size.pack(size) if size < _LARGE else _large_size.pack(_LARGE, size)), frame
    return parts


def decoded(data: bytes) -> list[bytes]:
    """The frames. Raises ValueError when the data ends inside one."""
    frames, at = [], 0
    try:
        while at < len(data):
            (size,) = _size.unpack_from(data, at)
            at += _size.size
            if size == _LARGE:
                _, size = _large_size.unpack_from(data, at - _size.size)
                at += _large_size.size - _size.size
            frames.append(data[at : at + size])
            at += size
    except struct.error as error:
        raise ValueError("a message ends inside a size") from error
    if at != len(data):
        raise ValueError("a message ends inside a frame")
    return frames


_message = struct.Struct("<BQHIQQ")  # opcode, length, channel, sequence, log_time, publish_time
_FIXED = 22  # bytes of a message's length that are not its data
# Bytes of records at most, in round numbers: of a message without its frames, a chunk, an entry of its index, a channel, the end.
_OF_MESSAGE, _OF_CHUNK, _OF_CHUNK_INDEX, _LARGEST_CHANNEL, _OF_END = 32, 128, 128, 768, 256
_index = struct.Struct("<BQHI")  # opcode, length, channel, bytes of the pairs that follow


class ChunkFile:
    """Writes on `file`, which stays the caller's. Channels and messages wait for `flush`, which makes a chunk of them."""

    def __init__(self, file: BinaryIO, profile: str) -> None:
        self.pending = 0  # bytes of the chunk that is not written yet
        self._file = file
        self._channels: list[Channel] = []
        self._chunks: list[ChunkIndex] = []
        self._counts: dict[int, int] = {}
        self._start, self._end = 0, 0
        self._channel_bytes = 0
        self._clear()
        file.write(MCAP0_MAGIC + _bytes(Header(profile, "zdev")))

    def _clear(self) -> None:
        self._parts: list[bytes] = []
        self._times: dict[int, list[int]] = {}  # by channel: time, offset, time, offset ...
        self.pending = 0

    def add_channel(self, topic: str, encoding: str, metadata: dict[str, str]) -> int:
        """The id of a new channel."""
        channel = Channel(len(self._channels) + 1, topic, encoding, metadata, 0)
        self._channels.append(channel)
        record = _bytes(channel)
        self._channel_bytes += len(record)
        self._parts.append(record)
        self.pending += len(record)
        self._counts[channel.id] = 0
        return channel.id

    def add(self, channel: int, time: int, sequence: int, frames: Sequence[bytes]) -> None:
        """time: in ns since 1970."""
        parts = parts_of(frames)
        length = _FIXED + sum(map(len, parts))
        self._times.setdefault(channel, []).extend((time, self.pending))
        self._parts.append(_message.pack(Opcode.MESSAGE, length, channel, sequence, time, time))
        self._parts.extend(parts)
        self.pending += 9 + length

    def finished_size(self, *more: Sequence[bytes]) -> int:
        """Return the bytes that the file has at most if it is finished after these messages, of one new channel at most."""
        pending = (
            self.pending + _LARGEST_CHANNEL + sum(_OF_MESSAGE + 12 * len(frames) + sum(map(len, frames)) for frames in more)
        )
        index = 16 * (sum(map(len, self._times.values())) // 2 + len(more))
        channels = len(self._channels) + 1
        chunks = (len(self._chunks) + 1) * (_OF_CHUNK_INDEX + 10 * channels)
        summary = self._channel_bytes + _LARGEST_CHANNEL + 10 * channels + chunks
        stored = pending + pending // 128 + _OF_CHUNK + 15 * channels  # what does not compress grows by less than that
        return self._file.tell() + stored + index + summary + _OF_END

    def flush(self) -> None:
        """Hand all that came since the last one to the operating system. Raises OSError."""
        if self._times:
            self._write_chunk()
            self._clear()
        self._file.flush()

    def _write_chunk(self) -> None:
        content = b"".join(self._parts)
        times = [time for pairs in self._times.values() for time in pairs[::2]]
        compression = "zstd" if len(content) <= LARGEST_EXPANDED else ""
        stored = zstandard.compress(content) if compression else content
        start, end = min(times), max(times)
        chunk = _bytes(Chunk(compression, stored, end, start, zlib.crc32(content), len(content)))
        at = self._file.tell()
        offsets, index = {}, b""
        for channel, pairs in self._times.items():
            offsets[channel] = at + len(chunk) + len(index)
            index += _index.pack(Opcode.MESSAGE_INDEX, 6 + 8 * len(pairs), channel, 8 * len(pairs))
            index += struct.pack(f"<{len(pairs)}Q", *pairs)
        self._file.write(chunk + index)
        self._chunks.append(
            ChunkIndex(
                chunk_length=len(chunk),
                chunk_start_offset=at,
                compression=compression,
                compressed_size=len(stored),
                message_end_time=end,
                message_index_length=len(index),
                message_index_offsets=offsets,
                message_start_time=start,
                uncompressed_size=len(content),
            )
        )
        first = not any(self._counts.values())
        self._start, self._end = (start, end) if first else (min(start, self._start), max(end, self._end))
        for channel, pairs in self._times.items():
            self._counts[channel] += len(pairs) // 2

    def finish(self) -> None:
        """Write what there is, and the summary that lets readers find their way. Raises OSError."""
        self.flush()
        self._file.write(_bytes(DataEnd(0)))
        at = self._file.tell()
        groups: list[tuple[Opcode, Sequence[McapRecord]]] = [
            (Opcode.CHANNEL, self._channels),
            (Opcode.STATISTICS, [self._statistics()]),
            (Opcode.CHUNK_INDEX, self._chunks),
        ]
        summary, offsets = b"", b""
        for opcode, records in groups:
            group = b"".join(map(_bytes, records))
            if group:
                offsets += _bytes(SummaryOffset(opcode, at + len(summary), len(group)))
            summary += group
        footer = Footer(at, at + len(summary), 0)
        footer.summary_crc = zlib.crc32(summary + offsets + _bytes(footer)[:-4])
        self._file.write(summary + offsets + _bytes(footer) + MCAP0_MAGIC)
        self._file.flush()

    def _statistics(self) -> Statistics:
        return Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=self._counts,
            chunk_count=len(self._chunks),
            message_count=sum(self._counts.values()),
            message_end_time=self._end,
            message_start_time=self._start,
            metadata_count=0,
            schema_count=0,
        )


def _bytes(record: McapRecord) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    return bytes(builder.end())  # type: ignore[no-untyped-call]
