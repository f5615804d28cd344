"""The side of the programs that ask a running zdev."""

from __future__ import annotations

import os
import socket as sockets
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .._failure import Failure, Status
from .place import path_of

if TYPE_CHECKING:
    import zmq

    from .protocol import Reply, Request

ANSWER_TIMEOUT = 10.0  # seconds; what takes longer says so

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Refusal(Failure):
    """What the running zdev answered when it could not do all that it was asked."""

    @property
    def report(self) -> str:
        """Faults of a file as they are, for editors; a list of what was done, too."""
        text = str(self)
        return text if self.status == Status.CONFIGURATION or "\n" in text else super().report


def control_option(command: _Command) -> _Command:
    """--control PATH."""
    text = "Control socket of the running zdev, as it tells at its start. Unless told, that of this user."
    return click.option("--control", metavar="PATH", envvar="ZDEV_CONTROL", help=text)(command)


def ask(request: Request, control: str | None = None, timeout: float | None = ANSWER_TIMEOUT) -> Reply:
    """The answer of the zdev whose control socket is at `control`. timeout: in seconds; None: wait for ever.

    Raises Failure when none answers, and when it could not do what was asked.
    """
    import msgspec
    import zmq

    from .protocol import Reply

    path = path_of(control)
    _check_there(path)
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.connect(f"ipc://{path}")
        socket.send(msgspec.json.encode(request))
        _await_answer(socket, path, timeout)
        reply = msgspec.json.decode(socket.recv(), type=Reply)
    if reply.status != Status.OK:
        raise Refusal("\n".join(reply.lines), Status(reply.status))
    return reply


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
        raise Failure(f"device {target} has no mon socket to look into: {advice}", Status.UNAVAILABLE)
    if mon.type not in ("PUB", "XPUB") or not mon.binds:
        raise Failure(
            f"device {target}: its mon is a {mon.type} that others can't subscribe to: bind a PUB", Status.UNAVAILABLE
        )
    return mon.binds[0].replace("://0.0.0.0:", "://127.0.0.1:").replace("://[::]:", "://[::1]:")


def _await_answer(socket: zmq.Socket[bytes], path: Path, timeout: float | None) -> None:
    import zmq

    with socket.get_monitor_socket(zmq.EVENT_DISCONNECTED) as ended:
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(ended, zmq.POLLIN)
        ready = dict(poller.poll(None if timeout is None else int(timeout * 1000)))
        socket.disable_monitor()
    if not ready:
        raise Failure(f"the zdev at {path} has not answered within {timeout:g} s", Status.UNAVAILABLE)
    if socket not in ready:
        raise Failure(f"the zdev at {path} ended before it answered", Status.UNAVAILABLE)


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


def _check_there(path: Path) -> None:
    """libzmq would wait for a zdev that may never come."""
    try:
        with sockets.socket(sockets.AF_UNIX) as probe:
            probe.settimeout(ANSWER_TIMEOUT)
            probe.connect(str(path))
            _check_owner(probe, path)
    except (FileNotFoundError, ConnectionRefusedError):
        text = f"no zdev answers at {path}: start one with zdev run -c FILE (zdev run TYPE has none), or name another with --control"
        raise Failure(text, Status.UNAVAILABLE) from None
    except OSError as error:
        raise Failure(f"control socket {path}: {error.strerror}", Status.UNAVAILABLE) from error


def _check_owner(probe: sockets.socket, path: Path) -> None:
    """Where everybody may make directories, another user may have been first. Root may ask whom it likes."""
    if not hasattr(sockets, "SO_PEERCRED"):
        return
    _, owner, _ = struct.unpack("3i", probe.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, struct.calcsize("3i")))
    if os.geteuid() not in (0, owner) and owner != 0:
        text = f"control socket {path}: another user (uid {owner}) answers there: name yours with --control"
        raise Failure(text, Status.UNAVAILABLE)
