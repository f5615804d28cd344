"""A monitor message is one line, whatever peers send."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zdev_cli import message_line
from zdev_cli.traffic.line import Look, json_line

WHEN = datetime(2026, 1, 2, 3, 4, 5, 67_999)


def shown(frame: bytes, look: Look | None = None) -> str:
    """How one frame looks."""
    return message_line([b"in", frame], WHEN, look or Look()).split(" B  ", 1)[1]


def test_a_line_shows_time_direction_number_sizes_and_frames() -> None:
    line = message_line([b"out", b"\0\x6b\x8b\x45\x67", b"", b"hello world"], WHEN)
    assert line == '03:04:05.067  out  3 frames  5+0+11 B  0x006b8b4567 "" "hello world"'


def test_one_frame_is_singular_and_the_columns_stay() -> None:
    assert message_line([b"in", b"x"], WHEN) == '03:04:05.067  in   1 frame   1 B  "x"'


def test_a_prefix_alone_has_no_frames() -> None:
    assert message_line([b"in"], WHEN) == "03:04:05.067  in   0 frames  0 B"


@pytest.mark.parametrize(
    ("prefix", "direction"), [(b"", '""'), (b"\xff", "0xff"), (b"a b", '"a b"'), (b"requests", "requests")]
)
def test_a_prefix_that_is_not_a_word_is_shown_as_a_frame(prefix: bytes, direction: str) -> None:
    assert message_line([prefix, b"x"], WHEN).split("  ")[1].strip() == direction


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (b"", '""'),
        ("größer: 日本".encode(), '"größer: 日本"'),
        (b'{"a": "b\\c"}', r'"{\"a\": \"b\\c\"}"'),
        (b"two\nlines\tand\r", r'"two\nlines\tand\r"'),
        (b"0x00", '"0x00"'),
        (b"\0", "0x00"),
        (b"caf\xe9", "0x636166e9"),
        (b"\x1b[31mred", "0x1b5b33316d726564"),  # a terminal would obey
        ("\u202eright to left".encode(), "0xe280ae7269676874" + b" to left".hex()),
        (b"\xe2\x82", "0xe282"),  # the euro sign without its end
    ],
)
def test_text_is_quoted_and_everything_else_hex(frame: bytes, text: str) -> None:
    assert shown(frame) == text


def test_long_text_is_cut() -> None:
    assert shown(b"x" * 48) == f'"{"x" * 48}"'
    assert shown(b"x" * 49) == f'"{"x" * 48}"…'


def test_long_text_is_never_cut_inside_a_character() -> None:
    for odd in range(4):
        text = "a" * odd + "€" * 500
        assert shown(text.encode()) == f'"{text[:48]}"…'


def test_long_binary_is_cut() -> None:
    assert shown(b"\xff" * 24) == "0x" + "ff" * 24
    assert shown(b"\xff" * 25) == "0x" + "ff" * 24 + "…"


def test_many_frames_are_cut_and_their_total_reported() -> None:
    assert message_line([b"in", *[b"ab"] * 1000], WHEN) == (
        "03:04:05.067  in   1000 frames  " + "+".join(["2"] * 8) + "+… = 2000 B  " + " ".join(['"ab"'] * 8) + " …"
    )


def test_no_message_makes_a_line_longer_than_a_screen_line_or_six() -> None:
    assert len(message_line([b"\xff" * 10**6] * 10**4, WHEN)) < 700


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (b'{"user": {"id": 7}}\n', '{"user":{"id":7}}'),
        (b"[1, 2.5, null]", "[1,2.5,null]"),
        (b'{"a":"\\u001b[31m \\u202e"}', r'{"a":"\u001b[31m \u202e"}'),  # a terminal would obey
        (b"{not json}", '"{not json}"'),
        (b"7", '"7"'),  # as likely text
        (msgspec.msgpack.encode({"id": 7, "raw": b"\0"}), 'msgpack:{"id":7,"raw":"0x00"}'),
        (msgspec.msgpack.encode([1, "\x1b"]), r'msgpack:[1,"\u001b"]'),
        (msgspec.msgpack.encode({"id": 7}) + b"\0", "0x81a269640700"),  # it ends too late
        (b"\x80", "0x80"),  # an empty map, as likely a byte
    ],
)
def test_json_and_msgpack_are_shown_as_what_they_mean(frame: bytes, text: str) -> None:
    assert shown(frame) == text


@pytest.mark.parametrize(
    ("form", "frame", "text"),
    [
        ("hex", b"hello", "0x68656c6c6f"),
        ("utf-8", b"caf\xe9\x1b[31m", r'"caf\xe9\u001b[31m"'),
        ("utf-8", b'{"a": 1}', '"{"a": 1}"'),
        ("json", b"7", "7"),
        ("json", b"seven", '"seven"'),
        ("msgpack", b"\x80", "msgpack:{}"),
        ("msgpack", b"\xc1", "0xc1"),
    ],
)
def test_a_form_can_be_asked_for(form: str, frame: bytes, text: str) -> None:
    assert shown(frame, Look(form)) == text  # type: ignore[arg-type]


def test_nothing_is_cut_when_all_is_asked_for() -> None:
    look = Look(full=True)
    assert shown(b"x" * 5000, look) == f'"{"x" * 5000}"'
    assert shown(b"\xff" * 5000, look) == f"0x{'ff' * 5000}"
    assert "…" not in message_line([b"in", *[b"ab"] * 100], WHEN, look)


def test_colours_change_nothing_else() -> None:
    message = [b"in", b"\0\1\2\3\4", b"", b"hello"]
    coloured = message_line(message, WHEN, Look(colours=True))
    assert "\x1b[36min " in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == message_line(message, WHEN)


forms = st.sampled_from(["auto", "utf-8", "json", "msgpack", "hex"])
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
).map(msgspec.msgpack.encode)


@given(st.lists(st.binary() | st.text().map(str.encode) | documents, min_size=1), forms, st.booleans())
def test_a_line_is_printable_whatever_peers_send(message: list[bytes], form: str, full: bool) -> None:
    assert message_line(message, WHEN, Look(form, full)).isprintable()  # type: ignore[arg-type]


@given(st.lists(st.binary() | st.text().map(str.encode) | documents, min_size=1), forms)
def test_a_json_line_holds_the_message_exactly(message: list[bytes], form: str) -> None:
    line = json_line(message, WHEN.replace(tzinfo=UTC), form)  # type: ignore[arg-type]
    parsed = json.loads(line)
    assert line.isascii()
    assert parsed["time"] == "2026-01-02T03:04:05.067999Z"
    exact = {"utf-8": str.encode, "base64": b64decode, "hex": bytes.fromhex}
    frames = [exact[frame["encoding"]](frame["value"]) for frame in parsed["frames"]]
    prefix = parsed.get("prefix")
    assert [exact[prefix["encoding"]](prefix["value"]) if prefix else parsed["direction"].encode(), *frames] == message
    assert [frame["size"] for frame in parsed["frames"]] == [len(frame) for frame in message[1:]]


def test_a_json_line_shows_what_a_frame_means_if_asked() -> None:
    frame = msgspec.msgpack.encode({"id": 7})
    parsed = json.loads(json_line([b"in", frame, b"\xc1"], WHEN, "msgpack"))
    assert [each.get("decoded") for each in parsed["frames"]] == [{"id": 7}, None]
