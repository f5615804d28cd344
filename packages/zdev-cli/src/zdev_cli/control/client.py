"""The client side: programs that ask a running zdev."""

from __future__ import annotations

import os
import socket as sockets
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .._failure import Failure, Status
from .._words import printable
from .lookup import find

if TYPE_CHECKING:
    from .protocol import Reply, Request

ANSWER_TIMEOUT = 10.0  # seconds; what takes longer says so

_Command = TypeVar("_Command", bound=Callable[..., Any])


class NotRunning(Failure):
    """Nobody listens at the control socket, or the zdev ended before it answered."""


class Ended(NotRunning):
    """The zdev ended before it answered. Its process may still be there, and listen."""


class Refusal(Failure):
    """The answer of a running zdev that could not do all that was asked."""

    @property
    def report(self) -> str:
        """Faults of a file as they are, for editors; a list of what was done, too."""
        text = str(self)
        return text if self.status == Status.CONFIGURATION or "\n" in text else super().report


def control_option(command: _Command) -> _Command:
    """--control PATH."""
    text = (
        "Control socket of the running zdev, as printed by zdev run. "
        "Default: ZDEV_CONTROL, then control.endpoint of ./zdev.toml, then this user's socket."
    )
    return click.option("--control", metavar="PATH", type=click.Path(), help=text)(command)


class Dialog:
    """A connection to a running zdev.

    Args:
        control: The value of --control; None: see `find`.
        timeout: Seconds for each step.

    Raises:
        Failure: No zdev answers, or it could not do what was asked.
    """

    def __init__(self, control: str | None = None, timeout: float = ANSWER_TIMEOUT) -> None:
        self.path, self._source = find(control)
        self.socket = sockets.socket(sockets.AF_UNIX)
        try:
            with self._explaining():
                self.limit(timeout)
                self.socket.connect(str(self.path))
                _check_owner(self.socket, self.path)
        except BaseException:
            self.socket.close()
            raise

    def limit(self, timeout: float) -> None:
        """Set the seconds that each step may take from now on."""
        self._timeout = timeout
        _limit(self.socket, timeout)

    def ask(self, request: Request, *, waits: bool = False, descriptors: list[int] | None = None) -> Reply:
        """Return the answer.

        waits: without limit. descriptors: takes those that come with the answer, for the caller to close.
        """
        import msgspec

        with self._explaining():
            self.socket.sendall(msgspec.json.encode(request) + b"\n")
            if waits:
                _limit(self.socket, 0)
            answer = self._receive(descriptors)
        if not answer.endswith(b"\n"):
            raise Ended(f"the zdev at {self.path} ended before it answered", Status.UNAVAILABLE)
        try:
            reply = _decoded(answer)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            text = f"the zdev at {self.path} gave an answer that this one cannot read: {error} (do their versions differ?)"
            raise Failure(text, Status.UNAVAILABLE) from error
        if reply.status != Status.OK:
            raise Refusal("\n".join(reply.lines), Status(reply.status))
        return reply

    def await_end(self) -> None:
        """Wait until the process of the zdev has ended, after it answered a shutdown."""
        _limit(self.socket, 0)
        with suppress(OSError):
            while self.socket.recv(1):
                pass

    def _receive(self, descriptors: list[int] | None) -> bytes:
        """Return a line, or what came of it before the connection was lost."""
        parts: list[bytes] = []
        with suppress(ConnectionResetError):
            while part := _part(self.socket, descriptors):
                parts.append(part)
                if part.endswith(b"\n"):
                    break
        return b"".join(parts)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, ConnectionRefusedError) as error:
            why = "there is no such socket" if isinstance(error, FileNotFoundError) else "nobody listens there"
            advice = '(start one with zdev run -c FILE; "zdev run TYPE" has no control socket; or set --control)'
            text = f"cannot reach zdev at {self.path} ({self._source}): {why} {advice}"
            raise NotRunning(text, Status.UNAVAILABLE) from None
        except BlockingIOError:  # what a time limit of the kernel ends in
            text = f"the zdev at {self.path} has not answered within {self._timeout:g} s"
            raise Failure(text, Status.UNAVAILABLE) from None
        except OSError as error:
            raise Failure(f"control socket {self.path}: {error.strerror}", Status.UNAVAILABLE) from error


def ask(request: Request, control: str | None = None, timeout: float | None = ANSWER_TIMEOUT) -> Reply:
    """Return the answer of a running zdev.

    Args:
        request: What to ask.
        control: The value of --control; None: see `find`.
        timeout: Seconds for each step; None: wait for the answer without limit.

    Raises:
        Failure: No zdev answers, or it could not do what was asked.
    """
    dialog = Dialog(control, ANSWER_TIMEOUT if timeout is None else timeout)
    with dialog.socket:
        return dialog.ask(request, waits=timeout is None)


def _decoded(answer: bytes) -> Reply:
    """Return the reply, in whose texts nothing steers the terminal: root may ask the program of another user."""
    import msgspec

    from .protocol import Reply

    if answer.isascii() and b"\\" not in answer and b"\x7f" not in answer:
        return msgspec.json.decode(answer, type=Reply)
    found: object = msgspec.json.decode(answer)
    if isinstance(found, dict):
        found = {name: value if name == "hand_over" else _printable(value) for name, value in found.items()}
    return msgspec.convert(found, Reply)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printable(each) for each in value]
    return {_printable(name): _printable(each) for name, each in value.items()} if isinstance(value, dict) else value


def _part(socket: sockets.socket, descriptors: list[int] | None) -> bytes:
    if descriptors is None:
        return socket.recv(65536)
    from .connection import DESCRIPTORS

    part, received, _, _ = sockets.recv_fds(socket, 65536, DESCRIPTORS)
    for each in received:
        os.set_inheritable(each, False)
    descriptors += received
    return part


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
    """Return the names of devices that begin like this, for the completion of a shell."""
    from .protocol import Request

    try:
        snapshot = ask(Request(verb="status"), context.params.get("control"), timeout=1.0).snapshot
    except Failure:
        return []
    return [each.name for each in snapshot.devices if each.name.startswith(incomplete)] if snapshot else []


def _check_owner(connected: sockets.socket, path: Path) -> None:
    """Check that this user, or root, runs the server: others may have made the socket first. Root may ask any server."""
    from .connection import credentials

    if (found := credentials(connected)) is None:
        return
    _, owner, _ = found
    if os.geteuid() not in (0, owner) and owner != 0:
        text = f"control socket {path}: another user (uid {owner}) answers there: set yours with --control"
        raise Failure(text, Status.UNAVAILABLE)
