"""A monitor message is one line, whatever peers send."""

from __future__ import annotations

from datetime import datetime

import pytest

from zdev_cli import message_line

WHEN = datetime(2026, 1, 2, 3, 4, 5, 67_999)


def shown(frame: bytes) -> str:
    """How one frame looks."""
    return message_line([b"in", frame], WHEN).split(" B  ", 1)[1]


def test_a_line_tells_time_direction_number_sizes_and_frames() -> None:
    line = message_line([b"out", b"\0\x6b\x8b\x45\x67", b"", b"hello world"], WHEN)
    assert line == '03:04:05.067  out  3 frames  5+0+11 B  0x006b8b4567 "" "hello world"'


def test_one_frame_is_singular_and_the_columns_stay() -> None:
    assert message_line([b"in", b"x"], WHEN) == '03:04:05.067  in   1 frame   1 B  "x"'


def test_a_prefix_alone_has_no_frames() -> None:
    assert message_line([b"in"], WHEN) == "03:04:05.067  in   0 frames  0 B"


@pytest.mark.parametrize(
    ("prefix", "direction"), [(b"", '""'), (b"\xff", "0xff"), (b"a b", '"a b"'), (b"requests", "requests")]
)
def test_a_prefix_that_is_no_word_is_shown_as_a_frame(prefix: bytes, direction: str) -> None:
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


def test_many_frames_are_cut_and_their_total_told() -> None:
    assert message_line([b"in", *[b"ab"] * 1000], WHEN) == (
        "03:04:05.067  in   1000 frames  " + "+".join(["2"] * 8) + "+… = 2000 B  " + " ".join(['"ab"'] * 8) + " …"
    )


def test_no_message_makes_a_line_longer_than_a_screen_line_or_six() -> None:
    assert len(message_line([b"\xff" * 10**6] * 10**4, WHEN)) < 700
