"""The client side: programs that ask a running zdev."""

from __future__ import annotations

import os
import socket as sockets
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .._failure import Failure, Status
from .socket_path import path_of

if TYPE_CHECKING:
    from .protocol import Reply, Request

ANSWER_TIMEOUT = 10.0  # seconds; what takes longer says so

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Refusal(Failure):
    """The answer of a running zdev that could not do all that was asked."""

    @property
    def report(self) -> str:
        """Faults of a file as they are, for editors; a list of what was done, too."""
        text = str(self)
        return text if self.status == Status.CONFIGURATION or "\n" in text else super().report


def control_option(command: _Command) -> _Command:
    """--control PATH."""
    text = "Control socket of the running zdev, as printed by zdev run. Default: this user's socket."
    return click.option("--control", metavar="PATH", envvar="ZDEV_CONTROL", help=text)(command)


def ask(request: Request, control: str | None = None, timeout: float | None = ANSWER_TIMEOUT) -> Reply:
    """The answer of the zdev whose control socket is at `control`. timeout: in seconds; None: wait without limit.

    Raises Failure when none answers, and when it could not do what was asked.
    """
    import msgspec

    from .protocol import Reply

    path = path_of(control)
    try:
        with sockets.socket(sockets.AF_UNIX) as socket:
            answer = _exchange(socket, path, msgspec.json.encode(request), timeout)
    except (FileNotFoundError, ConnectionRefusedError):
        text = f'cannot reach zdev at {path}: start one with zdev run -c FILE ("zdev run TYPE" has no control socket), or set --control'
        raise Failure(text, Status.UNAVAILABLE) from None
    except BlockingIOError:  # what a time limit of the kernel ends in
        limit = ANSWER_TIMEOUT if timeout is None else timeout
        raise Failure(f"the zdev at {path} has not answered within {limit:g} s", Status.UNAVAILABLE) from None
    except OSError as error:
        raise Failure(f"control socket {path}: {error.strerror}", Status.UNAVAILABLE) from error
    if not answer.endswith(b"\n"):
        raise Failure(f"the zdev at {path} ended before it answered", Status.UNAVAILABLE)
    try:
        reply = msgspec.json.decode(answer, type=Reply)
    except msgspec.MsgspecError as error:
        text = f"the zdev at {path} gave an answer that this one cannot read: {error} (do their versions differ?)"
        raise Failure(text, Status.UNAVAILABLE) from error
    if reply.status != Status.OK:
        raise Refusal("\n".join(reply.lines), Status(reply.status))
    return reply


def _exchange(socket: sockets.socket, path: Path, request: bytes, timeout: float | None) -> bytes:
    """All that comes upon a request. Raises OSError; BlockingIOError when a step takes longer than `timeout`."""
    _limit(socket, ANSWER_TIMEOUT if timeout is None else timeout)
    socket.connect(str(path))
    _check_owner(socket, path)
    socket.sendall(request + b"\n")
    if timeout is None:
        _limit(socket, 0)
    parts: list[bytes] = []
    with suppress(ConnectionResetError):
        while part := socket.recv(65536):
            parts.append(part)
    return b"".join(parts)


def _limit(socket: sockets.socket, seconds: float) -> None:
    """Have the kernel end what takes longer; 0: no limit. A time limit of Python's would not wait at all for a full backlog."""
    whole, fraction = divmod(seconds, 1)
    value = struct.pack("@ll", int(whole), int(fraction * 1e6))
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVTIMEO, value)
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDTIMEO, value)


def monitor_of(target: str, control: str | None = None) -> str:
    """The endpoint of a mon socket: `target` itself, or that of the device of this name in the running zdev."""
    if "://" in target:
        return target
    from .protocol import Request

    snapshot = ask(Request(verb="status", device=target), control).snapshot
    device = snapshot.device(target) if snapshot else None
    mon = next((each for each in device.sockets if each.role == "mon"), None) if device else None
    if mon is None:
        advice = f'add [device.mon] with bind = "tcp://127.0.0.1:*" below it in {snapshot and snapshot.config}, and zdev reload'
        raise Failure(f'device "{target}" has no mon socket: {advice}', Status.UNAVAILABLE)
    if mon.type not in ("PUB", "XPUB") or not mon.binds:
        raise Failure(
            f'device "{target}": cannot subscribe to its mon socket: it is a {mon.type}, or not bound (bind a PUB)',
            Status.UNAVAILABLE,
        )
    return mon.binds[0].replace("://0.0.0.0:", "://127.0.0.1:").replace("://[::]:", "://[::1]:")


def device_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """For the completion of a shell."""
    from .protocol import Request

    try:
        snapshot = ask(
            Request(verb="status"), context.params.get("control") or os.environ.get("ZDEV_CONTROL"), timeout=1.0
        ).snapshot
    except Failure:
        return []
    return [each.name for each in snapshot.devices if each.name.startswith(incomplete)] if snapshot else []


def _check_owner(connected: sockets.socket, path: Path) -> None:
    """Refuse a socket of another user, who may have made the directory first. Root may use any socket."""
    from .connection import credentials

    if (found := credentials(connected)) is None:
        return
    _, owner, _ = found
    if os.geteuid() not in (0, owner) and owner != 0:
        text = f"control socket {path}: another user (uid {owner}) answers there: set yours with --control"
        raise Failure(text, Status.UNAVAILABLE)
