"""The sockets of a running device before it is loaded: whether they answer, use the given keys, and have no other traffic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import zmq
from zmq import Event
from zmq.utils import z85
from zmq.utils.monitor import recv_monitor_message

from .._failure import Failure, Status, status_of
from .._words import Role
from ..traffic.link import NEEDED, handshake_failed

if TYPE_CHECKING:
    from zdev_background import Security

LISTEN = 0.2  # seconds in which no message of another peer may arrive

_REFUSED = Event.DISCONNECTED | handshake_failed()  # a peer that rejects the socket type only disconnects


def credentials(security: Security | None, secured: list[Role]) -> dict[str, str]:
    """Return the arguments of a `Load` that connects with these keys, or this password, to the sockets in `secured`."""
    if security is None or not secured:
        return {}
    options = security.wire_options()
    if security.mechanism == "PLAIN":
        found = {"name": options["plain_username"], "password": options["plain_password"]}
    else:
        secret = z85.encode(options["curve_secretkey"])
        server = z85.encode(options["curve_serverkey"])
        found = {"key": zmq.curve_public(secret), "secret_key": secret, "server_key": server}
    return {name: value.decode() for name, value in found.items()} | {"secured": " ".join(secured)}


def reach(role: Role, endpoint: str, type_name: str, timeout: float, security: Security | None, advice: str) -> bool:
    """Connect once, as a peer of this type. Return whether the socket there uses the keys or password of `security`.

    Raises Failure when none answers within `timeout` seconds, it rejects the connection, or a message of another peer arrives;
    `advice` says what to do about other peers.
    """
    refusals: list[_RefusedError] = []
    for tried in (security, None) if security else (None,):
        try:
            _visit(role, endpoint, type_name, timeout, tried, advice)
        except _RefusedError as error:
            refusals.append(error)
        else:
            return tried is not None
    raise refusals[0]


class _RefusedError(Failure):
    """The socket there ended the handshake."""


def _visit(role: Role, endpoint: str, type_name: str, timeout: float, security: Security | None, advice: str) -> None:
    where = f"--{role} {endpoint}"
    with zmq.Context() as context, context.socket(zmq.SocketType[type_name]) as socket, _events(socket) as events:
        socket.linger = 0
        if security:
            security.protect(socket, "")
        if type_name == "SUB":
            socket.subscribe(b"")
        try:
            socket.connect(endpoint)
        except zmq.ZMQError as error:
            text = f"--{role}: cannot connect to {endpoint}: {zmq.strerror(error.errno or 0)}"
            raise Failure(text, status_of(error.errno)) from error
        _shake_hands(events, where, type_name, monotonic() + timeout, security)
        if role != "in" and socket.poll(int(LISTEN * 1000)):
            lost = "" if type_name == "SUB" else " (and is lost)"
            raise Failure(f"{where}: a message of another peer arrived{lost}: {advice}", Status.UNAVAILABLE)


@contextmanager
def _events(socket: zmq.Socket[bytes]) -> Iterator[zmq.Socket[bytes]]:
    with socket.get_monitor_socket(Event.CONNECTED | Event.HANDSHAKE_SUCCEEDED | _REFUSED) as events:
        try:
            yield events
        finally:
            socket.disable_monitor()


def _shake_hands(events: zmq.Socket[bytes], where: str, type_name: str, deadline: float, security: Security | None) -> None:
    while events.poll(max(0, int((deadline - monotonic()) * 1000))):
        event = recv_monitor_message(events)["event"]
        if event == Event.HANDSHAKE_SUCCEEDED:
            return
        if event & _REFUSED:
            what = f"the socket there does not accept a {type_name}"
            check = "check TYPE, and that --in and --out are not swapped"
            more = f"it may have rejected the {security.mechanism} credentials" if security else NEEDED
            raise _RefusedError(f"{where}: {what}: {check}; {more}", Status.UNAVAILABLE)
    raise Failure(f"{where}: no answer: check that the device is running and that this is its endpoint", Status.UNAVAILABLE)
