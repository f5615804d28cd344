"""Detect the content of a frame: text, JSON, msgpack, or bytes."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Literal

Form = Literal["auto", "utf-8", "json", "msgpack", "hex"]
FORMS: tuple[Form, ...] = ("auto", "utf-8", "json", "msgpack", "hex")


class Undecodable(Exception):
    """The frame is not of this form."""


def json_value(frame: bytes) -> object:
    """The value of a frame that is JSON. Raises Undecodable."""
    import msgspec

    try:
        return msgspec.json.decode(frame)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise Undecodable from error


def msgpack_value(frame: bytes) -> object:
    """The value of a frame that is msgpack from its first byte to its last. Raises Undecodable."""
    import msgspec

    try:
        return msgspec.msgpack.decode(frame)
    except (msgspec.MsgspecError, RecursionError, ValueError, TypeError, OverflowError) as error:
        raise Undecodable from error


def structure(frame: bytes) -> object:
    """The object or array that a frame is in JSON, or the map or array in msgpack. Raises Undecodable."""
    if looks_like_json(frame):
        return json_value(frame)
    if looks_like_msgpack(frame):
        return msgpack_value(frame)
    raise Undecodable


def looks_like_json(frame: bytes) -> bool:
    """Whether it may be an object or array: worth an attempt to decode it."""
    ends = frame[:64].lstrip()[:1] + frame[-64:].rstrip()[-1:]
    return ends in (b"{}", b"[]")


def looks_like_msgpack(frame: bytes) -> bool:
    """Whether it may be a map or array that is not empty; an empty one is a single byte, which says little."""
    return len(frame) > 1 and (0x80 <= frame[0] <= 0x9F or 0xDC <= frame[0] <= 0xDF)


def text_value(head: bytes, *, complete: bool = True) -> str | None:
    """Bytes as text that can be printed, or None; an incomplete head may end inside a character."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=complete)
    except UnicodeDecodeError:
        return None
    return text if all(character.isprintable() or character in "\n\r\t" for character in text) else None


def plain(value: object) -> object:
    """A decoded value in terms of JSON: bytes and what else JSON has not as text, keys as text."""
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
