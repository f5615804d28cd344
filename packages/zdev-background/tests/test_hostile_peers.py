"""Whatever is said to a device's TCP port, the device goes on, other peers do not notice, and what it took is given back."""

from __future__ import annotations

import itertools
import random
import resource
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import zmq

from zdev_background import ProcessDevice

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors and memory are read from /proc")

Connect = Callable[..., "zmq.Socket[bytes]"]
Eventually = Callable[[Callable[[], Any]], None]
MB = 1_000_000

# ZMTP 3.0, rfc.zeromq.org/spec/23
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
MORE, LONG, COMMAND = 1, 2, 4


def frame(body: bytes, flags: int = 0, length: int | None = None) -> bytes:
    """A frame; `length`: a declared one, instead of the true."""
    size = len(body) if length is None else length
    if size > 255 or flags & LONG:
        return bytes([flags | LONG]) + struct.pack(">Q", size) + body
    return bytes([flags, size]) + body


def command(name: bytes, body: bytes = b"") -> bytes:
    return frame(bytes([len(name)]) + name + body, COMMAND)


def ready(socket_type: bytes) -> bytes:
    properties = {b"Socket-Type": socket_type, b"Identity": b""}
    return command(b"READY", b"".join(bytes([len(n)]) + n + struct.pack(">I", len(v)) + v for n, v in properties.items()))


def connection(endpoint: str) -> socket.socket:
    host, port = endpoint.removeprefix("tcp://").split(":")
    made = socket.create_connection((host, int(port)), timeout=10)
    made.settimeout(10)
    return made


def is_closed(made: socket.socket, timeout: float = 10.0) -> bool:
    """Whether the other end closes the connection in time, whatever it says before."""
    made.settimeout(timeout)
    try:
        while made.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


HELLO = GREETING + ready(b"DEALER")


class Victim:
    """A device in a process of its own, with a client and a worker that mean well."""

    def __init__(self, connect: Connect, device: ProcessDevice) -> None:
        launcher = device.launcher
        assert launcher is not None
        assert not isinstance(launcher, threading.Thread)
        assert launcher.pid is not None
        self.pid = launcher.pid
        self.endpoint = device.endpoints["in"][0]
        self._client = connect(zmq.REQ, self.endpoint)
        self._worker = connect(zmq.REP, device.endpoints["out"][0])
        self._numbers = itertools.count()

    def serves(self, times: int = 1) -> None:
        """Fail unless requests come back with the replies that are theirs."""
        for number in itertools.islice(self._numbers, times):
            request = [b"question", b"", b"%d" % number]
            self._client.send_multipart(request)
            while (asked := self._worker.recv_multipart()) != request:  # what others say may be a message
                self._worker.send_multipart(asked)
            self._worker.send_multipart([*request, b"answer"])
            assert self._client.recv_multipart() == [*request, b"answer"]

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def memory(self) -> int:
        """Resident, in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.fixture
def device() -> Iterator[ProcessDevice]:
    device = ProcessDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    yield device
    device.stop()


@pytest.fixture
def victim(connect: Connect, device: ProcessDevice, eventually: Eventually) -> Iterator[Victim]:
    """The test may do what it likes to it: afterwards it still serves, and holds no more descriptors than before."""
    device.start()
    victim = Victim(connect, device)
    victim.serves(10)
    before = victim.descriptors()
    yield victim
    victim.serves(10)
    eventually(lambda: victim.descriptors() <= before)


def say(endpoint: str, *words: bytes) -> socket.socket:
    """Connect and send, as far as the other end takes it."""
    made = connection(endpoint)
    with suppress(OSError):
        for word in words:
            made.sendall(word)
    return made


def say_after_handshake(endpoint: str, *words: bytes) -> socket.socket:
    """The same after a handshake: what comes before the device's READY, libzmq takes for a wrong handshake, and hangs up."""
    made = say(endpoint, HELLO)
    heard = b""
    while len(heard) < len(GREETING) + 2 or len(heard) < len(GREETING) + 2 + heard[len(GREETING) + 1]:
        heard += made.recv(1000)
    with suppress(OSError):
        for word in words:
            made.sendall(word)
    return made


NOISE = {
    "http": b"GET / HTTP/1.1\r\nHost: device\r\n\r\n",
    "tls": bytes.fromhex("16030100 2e01000 02a0303".replace(" ", "")) + bytes(60),
    "zeros": bytes(100_000),
    "ones": b"\xff" * 100_000,
    "random": random.Random(1).randbytes(100_000),
    "a ZMTP 1.0 message": b"\x01\x00\x05\x00hello" * 100,
    "a ZMTP 2.0 greeting": b"\xff" + bytes(7) + b"\x01\x7f\x01\x05\x00\x00",
    "an unknown mechanism": GREETING.replace(b"NULL", b"NOPE"),
    "a mechanism with a server": GREETING.replace(b"NULL", b"PLAIN") + command(b"HELLO", b"\x01a\x01b"),
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE.keys())
def test_what_is_no_zmtp_harms_nobody(victim: Victim, noise: bytes) -> None:
    for _ in range(10):
        with say(victim.endpoint, noise):
            victim.serves()


def test_a_handshake_may_be_cut_at_every_byte(victim: Victim) -> None:
    for length in range(len(HELLO) + 1):
        say(victim.endpoint, HELLO[:length]).close()
    victim.serves()


def test_a_handshake_may_be_wrong_in_every_byte(victim: Victim) -> None:
    for at in range(len(HELLO)):
        wrong = bytearray(HELLO)
        wrong[at] ^= 0xFF
        say(victim.endpoint, bytes(wrong)).close()
    victim.serves()


EARLY = {
    "a message": frame(b"hello"),
    "READY of a type that cannot connect here": ready(b"PUB"),
    "READY of no type": command(b"READY"),
    "READY with a property cut short": command(b"READY", b"\x0bSocket-Type\xff\xff\xff\xffDEALER"),
    "READY and at once a message": ready(b"DEALER") + frame(b"hello"),
    "ERROR": command(b"ERROR", b"\x03why"),
    "ERROR cut short": command(b"ERROR", b"\xffwhy"),
    "PING": command(b"PING", bytes(10)),
}
LATE = {
    "READY": ready(b"DEALER"),
    "ERROR": command(b"ERROR", b"\x03why"),
    "HELLO": command(b"HELLO", b"\x01a\x01b"),
    "SUBSCRIBE": command(b"SUBSCRIBE", b"topic"),
    "PING with a context too long": command(b"PING", b"\x00\x01" + bytes(200)),
    "PING cut short": command(b"PING"),
    "PONG": command(b"PONG", bytes(16)),
    "an unknown command": command(b"NONSENSE", bytes(100)),
    "an empty command": frame(b"", COMMAND),
    "a command of many frames": frame(b"\x04PING", COMMAND | MORE) + frame(b"rest"),
    "a command in a message": frame(b"begin", MORE) + command(b"NONSENSE") + frame(b"end"),
    "unknown flags": b"\xf8\x05hello",
    "a message without an end": frame(b"begin", MORE),
    "a message without an envelope": frame(b"hello"),
}


@pytest.mark.parametrize("words", EARLY.values(), ids=EARLY.keys())
def test_what_comes_before_the_handshake_harms_nobody(victim: Victim, words: bytes) -> None:
    with say(victim.endpoint, GREETING + words):
        victim.serves()


@pytest.mark.parametrize("words", LATE.values(), ids=LATE.keys())
def test_commands_out_of_place_harm_nobody(victim: Victim, words: bytes) -> None:
    with say_after_handshake(victim.endpoint, words):
        victim.serves()


@pytest.mark.parametrize("length", [2**31, 2**33, 2**40, 2**62, 2**63, 2**64 - 1])
def test_a_huge_declared_length_takes_no_memory(victim: Victim, length: int) -> None:
    before = victim.memory()
    with ExitStack() as connections:
        for _ in range(20):
            connections.enter_context(say_after_handshake(victim.endpoint, frame(b"little", LONG, length)))
        victim.serves(10)
        assert victim.memory() - before < 20 * MB


def test_a_thousand_silent_connections_take_a_descriptor_each_and_little_memory(victim: Victim) -> None:
    before = victim.memory()
    with ExitStack() as connections:
        for _ in range(1000):
            connections.enter_context(connection(victim.endpoint))
        victim.serves(10)
        assert victim.memory() - before < 50 * MB


def test_who_does_not_finish_the_handshake_in_time_is_cut_off(device: ProcessDevice, request: pytest.FixtureRequest) -> None:
    device.setsockopt_in(zmq.HANDSHAKE_IVL, 200)
    victim: Victim = request.getfixturevalue("victim")
    with connection(victim.endpoint) as silent, say(victim.endpoint, HELLO[:70]) as half:
        assert is_closed(silent)
        assert is_closed(half)


def test_where_no_descriptor_is_left_those_who_are_connected_go_on(victim: Victim, eventually: Eventually) -> None:
    _, hard = resource.prlimit(victim.pid, resource.RLIMIT_NOFILE)
    limit = victim.descriptors() + 50
    resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, (limit, hard))
    with ExitStack() as connections:
        for _ in range(100):  # some wait in the queue of the listening socket
            connections.enter_context(connection(victim.endpoint))
        eventually(lambda: victim.descriptors() >= limit)
        victim.serves(100)


def test_a_message_beyond_maxmsgsize_costs_its_sender_the_connection(
    device: ProcessDevice, request: pytest.FixtureRequest
) -> None:
    device.setsockopt_in(zmq.MAXMSGSIZE, 1000)
    victim: Victim = request.getfixturevalue("victim")
    with say_after_handshake(victim.endpoint, frame(bytes(1001))) as sender:
        assert is_closed(sender)
    assert device.statistics().in_.malformed == 0


def test_endless_frames_are_gathered_by_libzmq_until_the_peer_leaves(
    device: ProcessDevice, request: pytest.FixtureRequest, eventually: Eventually
) -> None:
    """Neither MAXMSGSIZE, which is of a frame, nor RCVHWM, which counts messages, bounds a message of many frames."""
    device.setsockopt_in(zmq.MAXMSGSIZE, 1000)
    device.setsockopt_in(zmq.RCVHWM, 1)
    victim: Victim = request.getfixturevalue("victim")
    before = victim.memory()
    for size, count in [(1000, 30_000), (1, 600_000)] * 4:
        frames = frame(bytes(size), MORE) * count
        received = device.statistics().in_.frames_received
        with say_after_handshake(victim.endpoint, frames):
            eventually(lambda: victim.memory() - before > 25 * MB)
            assert device.statistics().in_.frames_received == received
            victim.serves()
            grown = victim.memory() - before
        print(f"{len(frames) / MB:.1f} MB in frames of {size} bytes: {grown / MB:.0f} MB more memory")
        assert grown < 200 * MB  # not more each time: what a peer left behind is used again
