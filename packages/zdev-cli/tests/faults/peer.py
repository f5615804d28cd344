"""A peer: a separate process that sends numbered messages, answers them or takes them, and keeps an account."""

from __future__ import annotations

import ctypes
import os
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from .account import CEASE, END, GO, Account

KINDS = {
    "client": zmq.DEALER,
    "worker": zmq.DEALER,
    "source": zmq.PUSH,
    "sink": zmq.PULL,
    "publisher": zmq.PUB,
    "subscriber": zmq.SUB,
}
SENDERS = ("client", "source", "publisher")
RECEIVERS = ("worker", "sink", "subscriber")

HEADER = struct.Struct("<III")  # the sender of the request, its number, the peer that answered
BURST = 50  # messages sent or read in a turn
WAIT = 0.01  # seconds that a turn without work takes
GIVE_UP = 2.0  # seconds after which an answer is no longer waited for
BEHIND = 0.1  # seconds that a pace may be behind, and catch up
CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Job:
    """rate, reads: messages sent and read a second, 0: as many as go; window: requests under way; size: bytes of a body.

    request_ids: requests have an id and a delimiter in front of their content.
    """

    number: int
    role: str
    endpoint: str
    account: Path
    rate: float = 0.0
    reads: float = 0.0
    window: int = 100
    size: int = 100
    request_ids: bool = False
    options: dict[int, int] = field(default_factory=dict)
    network: str = ""  # a network namespace; none: that of who started it


class Pace:
    """So many times a second, or 0: at any time."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._next = time.monotonic()

    def wait(self) -> float:
        """Seconds until the next one is due."""
        return max(0.0, self._next - time.monotonic()) if self._gap else 0.0

    def step(self) -> None:
        self._next = max(self._next + self._gap, time.monotonic() - BEHIND)


class Peer:
    def __init__(self, job: Job, socket: zmq.Socket[bytes], account: Account) -> None:
        self._job, self._socket, self._account = job, socket, account
        self._sends = job.role in SENDERS
        self._sending, self._reading = Pace(job.rate), Pace(job.reads)
        self._bodies = [bytes([number]) * job.size for number in range(256)]
        self._open: dict[int, float] = {}  # requests under way, and when each was sent
        self._answer: list[bytes] | None = None  # one that has found no room yet
        self.answered = 0

    def run(self) -> None:
        while (order := self._account.order) != END:
            moved = order == GO and self._sends and self._send_some()
            if order == CEASE:
                self._reading = Pace(0)
            moved = (self._job.role not in ("source", "publisher") and self._read_some()) or moved
            if not moved:
                self._wait(order)
            self._account.note_turn()

    def _wait(self, order: int) -> None:
        waits = [WAIT, self._sending.wait() or WAIT if self._sends and order != CEASE else WAIT]
        if self._job.role in ("source", "publisher") or self._answer or self._reading.wait():
            time.sleep(min(waits))
        else:
            self._socket.poll(round(min(waits) * 1000))

    def _send_some(self) -> bool:
        now = time.monotonic()
        for number in [number for number, sent in self._open.items() if now - sent > GIVE_UP]:
            del self._open[number]
        for _ in range(BURST):
            if len(self._open) >= self._job.window or self._sending.wait():
                return False
            if not self._send_one():
                return False
        return True

    def _send_one(self) -> bool:
        number = self._account.sent
        envelope = [HEADER.pack(0, number, 0), b""] if self._job.request_ids else []
        frames = [*envelope, HEADER.pack(self._job.number, number, 0), self._bodies[number & 255]]
        self._account.sent = number + 1
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            self._account.sent = number
            self._account.note_refused()
            return False
        self._sending.step()
        if self._job.role == "client":
            self._open[number] = time.monotonic()
        return True

    def _read_some(self) -> bool:
        try:
            for _ in range(BURST):
                if self._answer and not self._send_answer():
                    return False
                if self._reading.wait():
                    return False
                self._take(self._socket.recv_multipart(zmq.NOBLOCK))
                self._reading.step()
        except zmq.Again:
            return False
        return True

    def _take(self, frames: list[bytes]) -> None:
        *envelope, header, body = frames if len(frames) > 1 else [b"", b""]
        is_client = self._job.role == "client"
        if len(header) != HEADER.size or len(envelope) != (self._job.role == "worker") + 2 * self._job.request_ids:
            self._account.note_wrong()
            return
        origin, number, answerer = HEADER.unpack(header)
        if is_client and self._job.request_ids and HEADER.unpack(envelope[0])[1] != number:
            self._account.note_wrong()
            return
        if body != body[:1] * len(body) or body[:1] != bytes([number & 255]) or (is_client and origin != self._job.number):
            self._account.note_wrong()
            return
        self._account.note_got(answerer if is_client else origin, number)
        self._open.pop(number, None)
        if envelope and not is_client:
            self._answer = [*envelope, HEADER.pack(origin, number, self._job.number), body]
            self._send_answer()

    def _send_answer(self) -> bool:
        assert self._answer
        try:
            self._socket.send_multipart(self._answer, zmq.NOBLOCK)
        except zmq.Again:
            self._account.note_refused()
            return False
        self._answer = None
        self._account.sent += 1
        return True


def work(job: Job) -> None:
    """Be this peer, until its account orders the end."""
    if job.network:
        enter(job.network)
    account = Account(job.account)
    with zmq.Context() as context, context.socket(KINDS[job.role]) as socket:
        socket.linger = 0
        for option, value in job.options.items():
            socket.setsockopt(option, value)
        if job.role == "subscriber":
            socket.subscribe(b"")
        socket.connect(job.endpoint)
        Peer(job, socket, account).run()


def enter(network: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/run/netns", network).open() as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), network)
