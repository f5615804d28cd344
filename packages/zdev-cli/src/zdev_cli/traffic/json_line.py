"""One monitor message as one line for a program: a JSON object that holds the message exactly."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from .decoded import Form, Undecodable, json_value, msgpack_value, plain


def json_line(message: Sequence[bytes], when: datetime, form: Form = "auto") -> str:
    """{"time": ..., "direction": ..., "frames": [{"size": ..., "encoding": ..., "value": ...}, ...]}.

    encoding is utf-8 where the bytes are such, else base64; hex when that is asked for. With json or msgpack, a frame that is
    one has what it means in `decoded`, beside its exact value. A prefix that is no UTF-8 is `prefix`, like a frame.
    """
    prefix, *frames = message
    shown: dict[str, object] = {
        "time": when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "direction": prefix.decode("utf-8", "backslashreplace"),
    }
    if _text(prefix) is None:
        shown["prefix"] = _exact(prefix, form)
    return json.dumps(shown | {"frames": [_frame(frame, form) for frame in frames]}, allow_nan=False)


def _exact(frame: bytes, form: Form) -> dict[str, object]:
    text = None if form == "hex" else _text(frame)
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


def _text(frame: bytes) -> str | None:
    try:
        return frame.decode()
    except UnicodeDecodeError:
        return None
