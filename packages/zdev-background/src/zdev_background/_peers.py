"""The peers of a device, as the wire engine shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ._spec import Role

PeerState = Literal["handshake", "up", "blocked", "held", "connecting", "retrying", "disconnected"]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A connection of a device, or an endpoint that it connects to and has no connection with. See `Device.peers`.

    Attributes:
        number: Names the connection for `Device.kick`. Unique in one run; 0: there is no connection.
        role: The role of the socket.
        state: "handshake": connected, but no message may pass yet. "up". "blocked": SNDHWM messages wait for it, and it gets no
            more until it reads. "held": its messages cannot be delivered, so that the device does not read from it.
            "connecting". "retrying": to be tried again, in `retry_in` seconds. "disconnected": not tried again.
        address: Address of the peer, like tcp://10.0.0.7:40312; over ipc its process, like pid:1234.
        endpoint: The endpoint of the device that it connected to, or that the device connects to.
        user: Name or key by which it authenticated.
        routing_id: Routing ID by which a ROUTER addresses it.
        socket_type: Its socket type, like DEALER; empty before the end of the handshake.
        protocol: Like ZMTP 3.1; empty before the end of the handshake.
        since: When the connection began, in seconds since 1970.
        messages_received: Messages from it that the device took.
        bytes_received: Bytes from it, with framing and handshake.
        messages_sent: Messages handed to the network for it.
        bytes_sent: Bytes handed to the network for it, with framing and handshake.
        waiting: Messages that wait to be sent to it.
        in_flight: Requests without a reply, asked by this client of a ROUTER or sent to this worker.
        malformed: Messages from it that were dropped for that reason.
        unroutable: Messages from it that were dropped because their receiver is unknown or has left.
        overflowed: Messages to it that were dropped because it was full.
        denied: Messages and subscriptions from it that its rights do not allow.
        subscriptions: Its subscriptions at a PUB or XPUB, as far as its rights allow them.
        failure: Why the last attempt to connect failed, or the last connection ended.
        retry_in: Seconds until the next attempt to connect.
    """

    number: int
    role: Role
    state: PeerState
    address: str
    endpoint: str
    user: str
    routing_id: bytes
    socket_type: str
    protocol: str
    since: float | None
    messages_received: int
    bytes_received: int
    messages_sent: int
    bytes_sent: int
    waiting: int
    in_flight: int
    malformed: int
    unroutable: int
    overflowed: int
    denied: int
    subscriptions: int
    failure: str
    retry_in: float | None
