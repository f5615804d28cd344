"""Which commands this zdev was given, by whom and with which outcome: a line in the log before, and one after."""

from __future__ import annotations

import logging
import socket
import struct

from .protocol import Reply, Request

LONGEST = 500  # characters of what a client sent

logger = logging.getLogger("zdev.service.audit")

_CREDENTIALS = struct.Struct("3i")


def credentials(connected: socket.socket) -> tuple[int, int, int] | None:
    """Process, user and group at the other end of a Unix socket, as the kernel noted them; None where it does not, outside Linux."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    found = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(found)
    return pid, uid, gid


def peer_of(connected: socket.socket) -> str:
    """The client, for the log; its process may have ended since."""
    if (found := credentials(connected)) is None:
        return "somebody"
    pid, uid, gid = found
    return f"uid {uid}, gid {gid}, pid {pid}"


def log_command(peer: str, request: Request) -> None:
    logger.info("control: %s: %s", peer, _command(request))


def log_outcome(peer: str, request: Request, reply: Reply) -> None:
    outcome = "refused" if reply.status else "done"
    logger.info("control: %s: %s: %s: %s", peer, _command(request), outcome, _line("; ".join(reply.lines)))


def log_invalid(peer: str, why: str) -> None:
    logger.warning("control: %s: invalid request: %s", peer, _line(why))


def _command(request: Request) -> str:
    return request.verb if request.device is None else f"{request.verb} {_line(request.device)}"


def _line(text: str) -> str:
    """The text on one line: a client cannot add lines to the log."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:LONGEST])
