"""`zdev tap` shows the messages that were asked for, as they were asked for."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest
import zmq
from patience import PATIENCE

from zdev_cli.traffic.matching import Match, bytes_of, field_of

if TYPE_CHECKING:
    from conftest import Program

Start = Callable[..., "Program"]
Mon = tuple["zmq.Socket[bytes]", str]
DOCUMENT = {"user": {"id": 7, "name": "anna", "admin": True}, "items": ["pen", 2.5, None], "7": b"\0\xff"}


@pytest.fixture
def mon(bound: Callable[..., Mon]) -> Mon:
    """A mon socket and its endpoint. It is an XPUB, so that it receives when someone subscribes."""
    return bound(zmq.XPUB)


def test_one_direction_is_all_that_the_device_has_to_copy(zdev: Start, mon: Mon) -> None:
    tap = zdev("tap", mon[1], "--direction", "out", "--limit", "1")
    assert mon[0].recv() == b"\1out"
    for prefix in (b"in", b"outer", b"out"):
        mon[0].send_multipart([prefix, b"x"])
    assert tap.status() == 0
    (line,) = tap.out.rest()
    assert line.endswith('out  1 frame   1 B  "x"')


@pytest.mark.parametrize(
    "wanted",
    [("--match", "lo w"), ("--match", "0x6c6f20"), ("--field", "user.id=7"), ("--match", "use", "--field", "items.0=pen")],
)
def test_only_what_matches_is_shown_and_counted(zdev: Start, mon: Mon, wanted: tuple[str, ...]) -> None:
    tap = zdev("tap", mon[1], "--limit", "2", *wanted)
    assert mon[0].recv() == b"\1"
    document = msgspec.json.encode({"user": {"id": 7}, "items": ["pen"]})
    for i in range(2):
        mon[0].send_multipart([b"in", b"hallo", b'{"user": {"id": 8}}'])
        mon[0].send_multipart([b"in", b"%d" % i, b"hello world", document])
    assert tap.status() == 0
    lines = tap.out.rest()
    assert [f'"{i}" "hello world" {{"user":{{"id":7}},"items":["pen"]}}' in line for i, line in enumerate(lines)] == [
        True,
        True,
    ]


def test_when_nothing_matched_it_says_how_much_came(zdev: Start, mon: Mon) -> None:
    tap = zdev("tap", mon[1], "--match", "gold", "--timeout", "2")
    assert mon[0].recv() == b"\1"
    mon[0].send_multipart([b"in", b"sand"])
    assert tap.status() == 69
    assert tap.err.rest()[-1] == f"zdev: 1 message from {mon[1]}, but none matched"


def test_json_is_one_line_per_message(zdev: Start, mon: Mon) -> None:
    tap = zdev("tap", mon[1], "--json", "--limit", "1")
    assert mon[0].recv() == b"\1"
    mon[0].send_multipart([b"in", b"\0\xff", b"", "größer".encode()])
    shown = json.loads(tap.out.next())
    assert (shown.pop("time")[-1], shown) == (
        "Z",
        {
            "direction": "in",
            "frames": [
                {"size": 2, "encoding": "base64", "value": "AP8="},
                {"size": 0, "encoding": "utf-8", "value": ""},
                {"size": 8, "encoding": "utf-8", "value": "größer"},
            ],
        },
    )


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_it_wants_none(zdev_path: str, mon: Mon, no_color: str, coloured: bool) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
    command = [zdev_path, "tap", mon[1], "--limit", "1"]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment) as tap:
        try:
            assert mon[0].recv() == b"\1"
            mon[0].send_multipart([b"in", b"hello"])
            assert tap.wait(PATIENCE) == 0
        finally:
            tap.kill()
    line = os.read(ours, 1000)
    os.close(theirs)
    os.close(ours)
    assert b"hello" in line
    assert (b"\x1b[" in line) is coloured


@pytest.mark.parametrize("frame", [msgspec.json.encode(DOCUMENT), msgspec.msgpack.encode(DOCUMENT)])
@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("user.id=7", True),
        ("user.id=7.0", True),
        ("user.id=8", False),
        ("user.id=true", False),
        ("user.admin=true", True),
        ("user.admin=1", False),
        ("user.name=anna", True),
        ('user.name="anna"', True),
        ("user.name=ann", False),
        ("user.name.first=anna", False),
        ("items.0=pen", True),
        ("items.1=2.5", True),
        ("items.2=null", True),
        ("items.3=pen", False),
        ("items.x=pen", False),
        ('items=["pen",2.5,null]', True),
        ("nothing=1", False),
    ],
)
def test_a_field_is_found_by_its_path_and_value(frame: bytes, field: str, found: bool) -> None:
    assert Match(fields=[field_of(field)]).accepts([b"in", b"", b"id", frame]) is found


@pytest.mark.parametrize("frame", [b"", b"{", b"[]", b"{}", b"\x81", b"\x91\xc1", b"[" * 10**5 + b"]" * 10**5, b"\x91" * 10**5])
def test_no_frame_is_too_odd_for_a_field(frame: bytes) -> None:
    assert not Match(fields=[field_of("a=1")]).accepts([b"in", frame])


def test_bytes_of_msgpack_and_its_keys_that_are_not_text_are_found() -> None:
    frame = msgspec.msgpack.encode({7: b"\0\xff", b"key": {"": 1}})
    for field in ("7=0x00ff", "7=0x00FF"):
        assert Match(fields=[field_of(field)]).accepts([b"in", frame])
    assert not Match(fields=[field_of("key.x=1")]).accepts([b"in", frame])


def test_the_prefix_is_not_a_frame_to_match() -> None:
    assert not Match(words=[bytes_of("in")]).accepts([b"in", b"out"])
