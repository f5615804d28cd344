"""Whatever is said to a device's TCP port, the device goes on, and other peers do not notice."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from zdev_background import ProcessDevice

from .victim import Victim
from .zmtp import COMMAND, GREETING, HELLO, MORE, command, frame, ready, say, say_after_handshake

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
def test_bytes_that_are_not_zmtp_harm_nobody(victim: Victim, noise: bytes) -> None:
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


@pytest.mark.parametrize("name", [b"SUBSCRIBE", b"CANCEL"])
def test_a_subscription_command_reaches_no_worker(
    device: ProcessDevice, victim: Victim, eventually: Callable[[Callable[[], Any]], None], name: bytes
) -> None:
    with say_after_handshake(victim.endpoint, command(name, b"topic")):
        if device.engine == "libzmq":  # wire ignores commands that mean nothing here
            eventually(lambda: device.statistics().in_.malformed == 1)
        victim.serves()
        assert (
            device.statistics().in_.messages_received
            == device.statistics().in_.messages_sent + device.statistics().in_.malformed
        )
