"""How a multipart message is kept in an MCAP file: the message encoding `zmtp-multipart`.

The data of an MCAP message is its frames one after the other, each after its size in bytes as an unsigned 32-bit or, with the
marker 0xffffffff before it, 64-bit little-endian number. The direction is that of the channel, in the channel's metadata:

    prefix   the first frame of the monitor message, as hex digits; where it is missing, the data begins with that frame
    format   this description in one line
    source   the endpoint that was watched
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

NAME = "zmtp-multipart"
FORMAT = "frames in order, each after its size as uint32 little-endian (0xffffffff: as uint64, which follows)"
LARGEST_EXPANDED = 16 * 2**20
"""Bytes to which a compressed chunk may expand. The recorder stores a larger one, such as that of a larger message, as it is."""
_LARGE = 0xFFFF_FFFF
_size = struct.Struct("<I")
_large_size = struct.Struct("<IQ")


def parts_of(frames: Sequence[bytes]) -> list[bytes]:
    """What, one after the other, is the data of one MCAP message."""
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
