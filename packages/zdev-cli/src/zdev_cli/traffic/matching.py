"""Which messages are wanted: by direction, by bytes, by a field of what they carry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from .decoded import Undecodable, structure


@dataclass(frozen=True)
class Field:
    """A place in a JSON or msgpack frame, like user.id or items.0, and the value wanted there."""

    path: tuple[str, ...]
    text: str

    def is_in(self, frame: bytes) -> bool:
        try:
            value = structure(frame)
            for name in self.path:
                value = _part(value, name)
        except (Undecodable, LookupError):
            return False
        return _same(value, self.text)


@dataclass(frozen=True)
class Match:
    """A filter of messages. directions: any of these must match; words and fields: all must match, each in any frame."""

    directions: Sequence[bytes] = ()
    words: Sequence[bytes] = ()
    fields: Sequence[Field] = ()

    def accepts(self, message: Sequence[bytes]) -> bool:
        """message: [prefix, frame, ...]."""
        if self.directions and message[0] not in self.directions:
            return False
        frames = message[1:]
        return all(any(word in frame for frame in frames) for word in self.words) and all(
            any(field.is_in(frame) for frame in frames) for field in self.fields
        )


def field_of(text: str) -> Field:
    """PATH=VALUE of --field. Raises ValueError."""
    path, separator, value = text.partition("=")
    names = tuple(path.split("."))
    if not separator or not all(names):
        raise ValueError(f"invalid field {text!r}: write PATH=VALUE, like user.id=7")
    return Field(names, value)


def bytes_of(text: str) -> bytes:
    """Text as UTF-8, or the bytes that 0x and hex digits stand for. Raises ValueError."""
    if not text:
        raise ValueError("empty: write text, or bytes like 0x00ff")
    if not text.lower().startswith("0x"):
        return text.encode()
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise ValueError(f"invalid bytes {text!r}: write an even number of hex digits after 0x") from None


def _part(value: object, name: str) -> object:
    """Raises LookupError when nothing has this name or number."""
    if isinstance(value, list) and name.isdecimal():
        return value[int(name)]
    if not isinstance(value, dict):
        raise KeyError(name)
    if name in value:
        return value[name]
    return value[int(name)] if name.isdecimal() else value[name.encode()]


def _same(value: object, text: str) -> bool:
    """Whether the value is written so: 7, 7.0, true, null; text with quotes or without; bytes as text or 0x."""
    if isinstance(value, str):
        return text in (value, json.dumps(value, ensure_ascii=False))
    if isinstance(value, bytes):
        return value == text.encode() or f"0x{value.hex()}" == text.lower()
    try:
        wanted = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if isinstance(value, bool) or isinstance(wanted, bool):  # True == 1 in Python
        return value is wanted
    return bool(value == wanted)
