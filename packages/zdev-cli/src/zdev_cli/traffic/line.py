"""One monitor message as one line: for people, or for programs as a JSON object that holds the message exactly."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .decoded import (
    Form,
    Undecodable,
    json_value,
    looks_like_json,
    looks_like_msgpack,
    msgpack_value,
    plain,
    text_value,
)

_FRAMES_SHOWN = 8
_CHARACTERS_SHOWN = 48
_DECODED_AT_MOST = 65536  # bytes of a frame that is shown in part: more would be work for nothing
_ELLIPSIS = "…"
_COLOURS = {"time": "2", "in": "36", "out": "35", "": "33", "sizes": "2"}  # of ANSI: faint, cyan, magenta, yellow


@dataclass(frozen=True)
class Look:
    """How messages are shown. full: cut nothing. colours: for a terminal."""

    form: Form = "auto"
    full: bool = False
    colours: bool = False


def message_line(message: Sequence[bytes], when: datetime, look: Look = Look()) -> str:
    """Time, direction, number of frames, their sizes in bytes, and the frames themselves.

    message: [prefix, frame, frame, ...] as a device's mon socket sends it; the prefix is the direction.
    The line holds printable characters only, whatever the peers sent, and its length is bounded unless all is asked for.
    """
    prefix, *frames = message
    way = direction(prefix)
    paint = _painted if look.colours else _unpainted
    clock = paint("time", f"{when:%H:%M:%S}.{when.microsecond // 1000:03}")
    return f"{clock}  {paint(way, f'{way:<3}')}  {frames_line(frames, look)}"


def frames_line(frames: Sequence[bytes], look: Look = Look()) -> str:
    """Number of frames, their sizes in bytes, and the frames themselves."""
    most = len(frames) if look.full else _FRAMES_SHOWN
    noun = "frame " if len(frames) == 1 else "frames"
    paint = _painted if look.colours else _unpainted
    shown = " ".join(_shown(frame, look) for frame in frames[:most])
    more = f" {_ELLIPSIS}" if len(frames) > most else ""
    sizes = paint("sizes", f"{len(frames)} {noun}  {_sizes(frames, most)} B")
    return f"{sizes}  {shown}{more}".rstrip()


def text_line(frames: Sequence[bytes], separator: str) -> str:
    """The frames in full: text with control characters escaped as in JSON, other bytes as 0x and hex."""
    texts = [text_value(frame) for frame in frames]
    return separator.join(
        _hex(frame, 2 * len(frame)) if text is None else printable(text) for frame, text in zip(frames, texts, strict=True)
    )


def direction(prefix: bytes) -> str:
    """The bare word where the prefix is one, as `in` and `out` are; else as any frame."""
    word = prefix[:_CHARACTERS_SHOWN].decode("ascii", "replace")
    return word if word.isidentifier() and len(prefix) <= _CHARACTERS_SHOWN else _readable(prefix)


def _painted(what: str, text: str) -> str:
    return f"\x1b[{_COLOURS.get(what, _COLOURS[''])}m{text}\x1b[0m"


def _unpainted(_what: str, text: str) -> str:
    return text


def _sizes(frames: Sequence[bytes], most: int) -> str:
    sizes = "+".join(str(len(frame)) for frame in frames[:most]) or "0"
    if len(frames) <= most:
        return sizes
    return f"{sizes}+{_ELLIPSIS} = {sum(len(frame) for frame in frames)}"


def _shown(frame: bytes, look: Look) -> str:
    most = max(len(frame), _CHARACTERS_SHOWN) * 8 if look.full else _CHARACTERS_SHOWN
    if look.form == "hex":
        return _hex(frame, most)
    if look.form == "utf-8":
        text = frame[: 4 * most].decode("utf-8", "backslashreplace")
        return _cut(f'"{printable(text[:most])}"', len(text) > most or len(frame) > 4 * most)
    if look.full or len(frame) <= _DECODED_AT_MOST:
        decoded = _structured(frame, look.form)
        if decoded is not None:
            return _cut(decoded[:most], len(decoded) > most)
    return _readable(frame, most)


def _structured(frame: bytes, form: Form) -> str | None:
    """The frame as JSON, with `msgpack:` before what came as that; None when it is neither."""
    attempts: tuple[tuple[bool, str, Callable[[bytes], object]], ...] = (
        (form == "json" or (form == "auto" and looks_like_json(frame)), "", json_value),
        (form == "msgpack" or (form == "auto" and looks_like_msgpack(frame)), "msgpack:", msgpack_value),
    )
    for wanted, label, decode in attempts:
        if wanted:
            try:
                return label + printable(json.dumps(plain(decode(frame)), ensure_ascii=False, separators=(",", ":")))
            except (Undecodable, RecursionError):
                pass
    return None


def _readable(frame: bytes, most: int = _CHARACTERS_SHOWN) -> str:
    """The frame in quotes if it is text, else in hex; cut when long."""
    head = frame[: 4 * most]  # a UTF-8 character has at most 4 bytes
    text = text_value(head, complete=len(head) == len(frame))
    if text is None:
        return _hex(frame, most)
    return _cut(json.dumps(text[:most], ensure_ascii=False), len(text) > most or len(head) < len(frame))


def _hex(frame: bytes, most: int) -> str:
    return _cut(f"0x{frame[: most // 2].hex()}", len(frame) > most // 2)


def _cut(shown: str, cut: bool) -> str:
    return shown + _ELLIPSIS * cut


def printable(text: str) -> str:
    """The text with what a terminal might obey escaped as in JSON: control characters, and those that turn the direction."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def json_line(message: Sequence[bytes], when: datetime, form: Form = "auto") -> str:
    """{"time": ..., "direction": ..., "frames": [{"size": ..., "encoding": ..., "value": ...}, ...]}.

    encoding is utf-8 where the bytes are such, else base64; hex when that is asked for. With json or msgpack, a frame that is
    one has what it means in `decoded`, beside its exact value. A prefix that is not UTF-8 is `prefix`, like a frame.
    """
    prefix, *frames = message
    shown: dict[str, object] = {"direction": prefix.decode("utf-8", "backslashreplace")}
    if _utf8(prefix) is None:
        shown["prefix"] = _exact(prefix, form)
    return json_frames(frames, when, form, **shown)


def json_frames(frames: Sequence[bytes], when: datetime, form: Form = "auto", **more: object) -> str:
    """The same for a message without a direction; `more` is added after the time."""
    time = when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return json.dumps({"time": time, **more, "frames": [_frame(frame, form) for frame in frames]}, allow_nan=False)


def _exact(frame: bytes, form: Form) -> dict[str, object]:
    text = None if form == "hex" else _utf8(frame)
    if text is not None:
        return {"size": len(frame), "encoding": "utf-8", "value": text}
    if form == "hex":
        return {"size": len(frame), "encoding": "hex", "value": frame.hex()}
    return {"size": len(frame), "encoding": "base64", "value": b64encode(frame).decode()}


def _frame(frame: bytes, form: Form) -> dict[str, object]:
    exact = _exact(frame, form)
    if form in ("json", "msgpack"):
        try:
            decoded = plain(json_value(frame) if form == "json" else msgpack_value(frame))
            json.dumps(decoded, allow_nan=False)
        except (Undecodable, ValueError, RecursionError):
            return exact
        exact["decoded"] = decoded
    return exact


def _utf8(frame: bytes) -> str | None:
    try:
        return frame.decode()
    except UnicodeDecodeError:
        return None
