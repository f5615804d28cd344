"""One monitor message as one line that a human can read."""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from datetime import datetime

_FRAMES_SHOWN = 8
_CHARACTERS_SHOWN = 48
_ELLIPSIS = "…"


def message_line(message: Sequence[bytes], when: datetime) -> str:
    """Time, direction, number of frames, their sizes in bytes, and the frames themselves.

    message: [prefix, frame, frame, ...] as a device's mon socket sends it; the prefix is the direction.
    The line holds printable characters only, whatever the peers sent, and its length is bounded.
    """
    prefix, *frames = message
    noun = "frame " if len(frames) == 1 else "frames"
    clock = f"{when:%H:%M:%S}.{when.microsecond // 1000:03}"
    shown = " ".join(_readable(frame) for frame in frames[:_FRAMES_SHOWN])
    more = f" {_ELLIPSIS}" if len(frames) > _FRAMES_SHOWN else ""
    return f"{clock}  {_direction(prefix):<3}  {len(frames)} {noun}  {_sizes(frames)} B  {shown}{more}".rstrip()


def _direction(prefix: bytes) -> str:
    """The bare word where the prefix is one, as `in` and `out` are; else as any frame."""
    word = prefix[:_CHARACTERS_SHOWN].decode("ascii", "replace")
    return word if word.isidentifier() and len(prefix) <= _CHARACTERS_SHOWN else _readable(prefix)


def _sizes(frames: Sequence[bytes]) -> str:
    sizes = "+".join(str(len(frame)) for frame in frames[:_FRAMES_SHOWN]) or "0"
    if len(frames) <= _FRAMES_SHOWN:
        return sizes
    return f"{sizes}+{_ELLIPSIS} = {sum(len(frame) for frame in frames)}"


def _readable(frame: bytes) -> str:
    """The frame in quotes if it is text, else in hex; cut when long."""
    head = frame[: 4 * _CHARACTERS_SHOWN]  # a UTF-8 character has at most 4 bytes
    text = _text(head, complete=len(head) == len(frame))
    if text is None:
        cut = _CHARACTERS_SHOWN // 2
        return f"0x{frame[:cut].hex()}" + (_ELLIPSIS if len(frame) > cut else "")
    cut_off = len(text) > _CHARACTERS_SHOWN or len(head) < len(frame)
    return json.dumps(text[:_CHARACTERS_SHOWN], ensure_ascii=False) + (_ELLIPSIS if cut_off else "")


def _text(head: bytes, *, complete: bool) -> str | None:
    """The bytes as text, or None if they are none; an incomplete head may end inside a character."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=complete)
    except UnicodeDecodeError:
        return None
    return text if all(character.isprintable() or character in "\n\r\t" for character in text) else None
