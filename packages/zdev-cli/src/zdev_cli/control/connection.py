"""A client's connection to the control socket, which takes a request and gets an answer, each a line of JSON."""

from __future__ import annotations

import logging
import socket as sockets
import struct

from .._failure import Status
from .protocol import Reply, Request

REQUEST_BYTES = 65536  # of the longest request
DESCRIPTORS = 200  # in one message; the kernel takes 253


class Connection:
    """A non-blocking socket, who is at its other end, and what is to be received or sent. For one thread."""

    def __init__(self, socket: sockets.socket, peer: str, deadline: float) -> None:
        self.socket = socket
        self.peer = peer
        self.deadline = deadline
        """Of time.monotonic(): for the request to come, or the answer to be read; infinite while its command runs."""
        self.reply = b""
        """The part of the reply that is still to be sent."""
        self.attached: list[sockets.socket] = []
        """Sockets that are still to be sent with it."""
        self.stays = False
        """Whether another request may follow."""
        self.ends_with_process = False
        """Whether it is closed by the end of the process, by which the client knows of that."""
        self._received = bytearray()

    def receive(self) -> bytes | None:
        """Return the request once its line is complete, or ended by the client's shutdown; None while more is expected.

        Raises ValueError when it is too long, OSError when the connection is lost.
        """
        try:
            part = self.socket.recv(REQUEST_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        self._received += part
        line, end, _ = bytes(self._received).partition(b"\n")
        if len(line) > REQUEST_BYTES:
            raise ValueError(f"longer than {REQUEST_BYTES} bytes")
        if end:
            self._received.clear()
        return line if end or not part else None

    def send(self) -> None:
        """Send as much of `reply` as the connection takes. Raises OSError when it is lost."""
        batch = self.attached[:DESCRIPTORS]
        try:
            if batch:  # with one byte: the reader gets no more in one call
                sent = sockets.send_fds(self.socket, [self.reply[:1]], [each.fileno() for each in batch])
            else:
                sent = self.socket.send(self.reply)
        except (BlockingIOError, InterruptedError):
            return
        self.reply = self.reply[sent:]
        self._detach(batch)

    def forget_attached(self) -> None:
        """Close the sockets that were not sent."""
        self._detach(list(self.attached))

    def _detach(self, batch: list[sockets.socket]) -> None:
        for each in batch:
            self.attached.remove(each)
            each.close()


LONGEST = 500  # characters of what a client sent

logger = logging.getLogger("zdev.service.audit")

_CREDENTIALS = struct.Struct("3i")


def credentials(connected: sockets.socket) -> tuple[int, int, int] | None:
    """Return process, user and group at the other end of a Unix socket, as noted by the kernel; None outside Linux."""
    if not hasattr(sockets, "SO_PEERCRED"):
        return None
    found = connected.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(found)
    return pid, uid, gid


def peer_of(connected: sockets.socket) -> str:
    """Describe the client for the log; its process may have ended since."""
    if (found := credentials(connected)) is None:
        return "somebody"
    pid, uid, gid = found
    return f"uid {uid}, gid {gid}, pid {pid}"


_OUTCOMES = {
    Status.OK: ("done", logging.INFO),
    Status.DRAIN_TIMED_OUT: ("drain cut short", logging.WARNING),
    Status.INTERNAL: ("failed", logging.ERROR),
}


def log_command(peer: str, request: Request) -> None:
    """Log that a command begins. At the level info, only its outcome is logged."""
    _log(logging.DEBUG, peer, request, "begins")


def log_outcome(peer: str, request: Request, reply: Reply) -> None:
    """Log a command that has ended, without the lines of a reload, which logs them itself."""
    outcome, level = _OUTCOMES.get(Status(reply.status), (_refused(request), logging.WARNING))
    _log(level, peer, request, outcome, "" if request.verb == "reload" else "; ".join(reply.lines))


def _refused(request: Request) -> str:
    return "not all done" if request.all or request.devices else "refused"


def log_invalid(peer: str, why: str) -> None:
    logger.warning("control: %s: invalid request: %s", peer, why[:LONGEST], extra={"who": peer})


def _log(level: int, peer: str, request: Request, outcome: str, text: str = "") -> None:
    worker = None if request.worker is None else f"worker {request.worker}"
    flags = ("--all" * request.all, "--dry-run" * request.dry_run, "--now" * request.now)
    words = (request.verb, request.device, *request.devices, request.peer, worker, *filter(None, flags))
    command = " ".join(str(each)[:LONGEST] for each in words if each is not None)[:LONGEST]
    fields = {"command": command, "who": peer, "outcome": outcome, "device": request.device and request.device[:LONGEST]}
    parts = (peer, command, outcome, text[:LONGEST])
    logger.log(level, "control: %s", ": ".join(each for each in parts if each), extra=fields)
