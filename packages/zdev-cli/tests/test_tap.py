"""`zdev tap` prints what passes, one line per message, and ends at a signal, or when nobody reads its output."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import zmq
from patience import PATIENCE

if TYPE_CHECKING:
    from conftest import Program

ANY = "tcp://127.0.0.1:*"
Start = Callable[..., "Program"]
Connected = Callable[..., "zmq.Socket[bytes]"]
Refused = Callable[..., tuple[int, str]]
Mon = tuple["zmq.Socket[bytes]", str]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]
CLOCK = r"\d\d:\d\d:\d\d\.\d\d\d  "


@pytest.fixture
def mon(bound: Bound) -> Mon:
    """A mon socket and its endpoint. It is an XPUB, so that it receives when someone subscribes."""
    return bound(zmq.XPUB)


def test_it_shows_what_passes_a_monitored_queue(zdev: Start, connected: Connected) -> None:
    sockets = ("--bind-in", ANY, "--bind-out", ANY, "--bind-mon", ANY)
    at = zdev("run", "monitored-queue", *sockets).endpoints(3)
    client, worker = connected(zmq.REQ, at["in"], routing_id=b"anna"), connected(zmq.REP, at["out"])
    tap = zdev("tap", at["mon"])
    assert tap.err.next() == f"connected to {at['mon']}"

    def exchange(text: bytes) -> None:
        client.send(text)
        worker.send(worker.recv().upper())
        assert client.recv() == text.upper()

    deadline = monotonic() + PATIENCE
    while not tap.out.waiting():  # a subscription takes a moment to arrive
        assert monotonic() < deadline
        exchange(b"is it on?")
    exchange(b"hello")
    while "hello" not in (line := tap.out.next()):
        pass
    assert re.fullmatch(CLOCK + r'in   3 frames  4\+0\+5 B  "anna" "" "hello"', line)
    assert re.fullmatch(CLOCK + r'out  3 frames  4\+0\+5 B  "anna" "" "HELLO"', tap.out.next())


def test_every_line_comes_at_once(zdev: Start, mon: Mon) -> None:
    tap = zdev("tap", mon[1])
    assert mon[0].recv() == b"\1"
    for i in range(3):
        mon[0].send_multipart([b"in", b"%d" % i])
        assert tap.out.next().endswith(f'in   1 frame   1 B  "{i}"')


def test_it_ends_after_the_limit(zdev: Start, mon: Mon) -> None:
    tap = zdev("tap", mon[1], "--limit", "2")
    assert mon[0].recv() == b"\1"
    for _ in range(5):
        mon[0].send_multipart([b"in", b"x"])
    assert tap.status() == 0
    assert len(tap.out.rest()) == 2


def test_it_ends_after_the_timeout_with_what_it_got(zdev: Start, mon: Mon) -> None:
    tap = zdev("tap", mon[1], "--timeout", "2")
    assert mon[0].recv() == b"\1"
    mon[0].send_multipart([b"in", b"x"])
    assert tap.status() == 0
    assert len(tap.out.rest()) == 1


def test_a_timeout_with_nothing_is_unavailable(zdev: Start, mon: Mon) -> None:
    tap = zdev("tap", mon[1], "--timeout", "0.1")
    assert tap.status() == 69
    assert tap.out.rest() == []
    assert tap.err.rest()[-1].startswith(f"zdev: no message from {mon[1]} within 0.1 s: check that the device is running")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_status_0(zdev: Start, mon: Mon, number: int) -> None:
    tap = zdev("tap", mon[1])
    assert tap.err.next() == f"connected to {mon[1]}"
    tap.send(number)
    assert tap.status() == 0
    assert tap.err.rest() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_under_load_too(zdev: Start, mon: Mon, number: int) -> None:
    tap = zdev("tap", mon[1])
    assert mon[0].recv() == b"\1"
    tap.send(number)
    deadline = monotonic() + PATIENCE
    while tap.process.poll() is None:
        assert monotonic() < deadline
        mon[0].send_multipart([b"in", b"x" * 100])
    assert tap.status() == 0


def test_it_ends_quietly_when_its_reader_has_seen_enough(zdev_path: str, mon: Mon) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(["head", "-n", "1"], stdin=pipe, stdout=pipe, text=True) as head:
        tap = subprocess.Popen([zdev_path, "tap", mon[1]], stdout=head.stdin, stderr=pipe, text=True)
        try:
            assert mon[0].recv() == b"\1"
            mon[0].send_multipart([b"in", b"x"])
            line, _ = head.communicate(timeout=PATIENCE)  # and no message comes any more
            _, errors = tap.communicate(timeout=PATIENCE)
        finally:
            tap.kill()
    assert line.endswith('"x"\n')
    assert errors == f"connected to {mon[1]}\n"
    assert tap.returncode == 0


def test_it_waits_for_a_device_that_comes_later_or_again(zdev: Start, bound: Bound, free: str) -> None:
    tap = zdev("tap", free)
    for _ in range(2):
        assert tap.err.next() == f"not connected to {free}: retrying"
        mon, _at = bound(zmq.XPUB, free)
        assert tap.err.next() == f"connected to {free}"
        assert mon.recv() == b"\1"
        mon.send_multipart([b"in", b"x"])
        assert tap.out.next().endswith('"x"')
        mon.close()


@pytest.mark.parametrize("kind", [zmq.ROUTER, zmq.REP, zmq.PUSH, zmq.SUB])
def test_what_cannot_be_a_monitor_is_reported(refused: Refused, bound: Bound, kind: int) -> None:
    _, at = bound(kind)
    status, line = refused("tap", at)
    assert status == 69
    assert line.startswith(f"zdev: {at} is not a mon endpoint: no PUB or XPUB accepted the connection")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Missing argument 'DEVICE|ENDPOINT'"),
        (("127.0.0.1:5561",), "write transport://address"),
        (("tcp://127.0.0.1:99999",), "1 to 65535"),
        (("tcp://127.0.0.1:*",), "cannot connect to tcp://127.0.0.1:*"),
        (("tpc://127.0.0.1:5561",), "unknown transport tpc: did you mean tcp://?"),
        (("tcp://127.0.0.1:5561", "--limit", "0"), "'--limit'"),
        (("tcp://127.0.0.1:5561", "--timeout", "-1"), "'--timeout'"),
        (("tcp://127.0.0.1:5561", "--match", "0xf"), "invalid bytes '0xf': write an even number of hex digits after 0x"),
        (("tcp://127.0.0.1:5561", "--field", "id"), "invalid field 'id': write PATH=VALUE, like user.id=7"),
        (("tcp://127.0.0.1:5561", "--as", "xml"), "'xml' is not one of"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(refused: Refused, arguments: tuple[str, ...], words: str) -> None:
    status, line = refused("tap", *arguments)
    assert status == 64
    assert words in line
