"""Who told this zdev to do what, and what came of it: a line in the log before, and one after."""

from __future__ import annotations

import logging

import zmq

from .protocol import Reply, Request

LONGEST = 500  # characters of what others say

logger = logging.getLogger("zdev.service.audit")


def who_sent(frame: zmq.Frame) -> str:
    """The user and process that connected, as the kernel told libzmq then; the process may have ended since."""
    try:
        _, uid, gid, pid = str(frame.get("Peer-Address")).rsplit(":", 3)  # of ipc: HOST:UID:GID:PID
    except (zmq.ZMQError, ValueError):
        return "somebody"  # not on Linux
    return f"uid {uid}, gid {gid}, pid {pid}"


def log_command(who: str, request: Request) -> None:
    logger.info("control: %s: %s", who, _what(request))


def log_outcome(who: str, request: Request, reply: Reply) -> None:
    outcome = "refused" if reply.status else "done"
    logger.info("control: %s: %s: %s: %s", who, _what(request), outcome, _line("; ".join(reply.lines)))


def log_nonsense(who: str, why: str) -> None:
    logger.warning("control: %s: refused what is no request: %s", who, _line(why))


def _what(request: Request) -> str:
    return request.verb if request.device is None else f"{request.verb} {_line(request.device)}"


def _line(text: str) -> str:
    """Nobody can write lines of his own into the log."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:LONGEST])
