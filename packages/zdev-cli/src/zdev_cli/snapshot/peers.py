"""The peers of a device at one moment, as `zdev peers --json` and /peers show them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from .._words import Role
from .view import View

if TYPE_CHECKING:
    from zdev_background import Peer


class PeerView(View, frozen=True, kw_only=True):
    """A connection of a device, or an endpoint that it connects to and has no connection with."""

    device: str
    number: int
    """Names the connection for `zdev kick`; 0: there is no connection."""
    role: Role
    state: str
    """See docs/cli/peers.md."""
    address: str
    """Of the peer, like tcp://10.0.0.7:40312; over ipc its process, like pid:1234."""
    endpoint: str
    """The endpoint of the device that it connected to, or that the device connects to."""
    user: str = ""
    """Name or key by which it authenticated."""
    routing_id: str = ""
    """As text, or in hexadecimal after 0x if it has bytes that are not printable."""
    socket_type: str = ""
    protocol: str = ""
    since: float | None = None
    """When the connection began, in seconds since 1970; null: there is no connection."""
    age: float | None = None
    """Seconds since then."""
    messages_received: int = 0
    bytes_received: int = 0
    """With framing and handshake."""
    messages_sent: int = 0
    bytes_sent: int = 0
    """With framing and handshake."""
    waiting: int = 0
    """Messages that wait to be sent to it."""
    in_flight: int = 0
    """Requests without a reply, asked by this client of a ROUTER or sent to this worker."""
    malformed: int = 0
    """Messages from it that were dropped for that reason."""
    unroutable: int = 0
    """Messages from it that were dropped because their receiver is unknown or has left."""
    overflowed: int = 0
    """Messages to it that were dropped because it was full."""
    denied: int = 0
    """Messages and subscriptions from it that its rights do not allow."""
    subscriptions: int = 0
    failure: str = ""
    """Why the last attempt to connect failed, or the last connection ended."""
    retry_in: float | None = None
    """Seconds until the next attempt to connect."""

    @property
    def dropped(self) -> int:
        return self.malformed + self.unroutable + self.overflowed + self.denied


def peer_view(device: str, peer: Peer, now: float) -> PeerView:
    """Return a peer of a device as it is shown. now: time.time()."""
    facts = asdict(peer) | {"device": device, "routing_id": id_text(peer.routing_id)}
    facts["since"] = None if peer.since is None else round(peer.since, 3)
    facts["age"] = None if peer.since is None else round(max(0.0, now - peer.since), 1)
    facts["retry_in"] = None if peer.retry_in is None else round(peer.retry_in, 1)
    return PeerView(**facts)


def id_text(routing_id: bytes) -> str:
    """Return a routing id as text, or in hexadecimal like 0x006b8b4567 if it is not printable ASCII."""
    is_text = all(0x21 <= byte <= 0x7E for byte in routing_id) and not routing_id.startswith(b"0x")
    return routing_id.decode("ascii") if is_text else f"0x{routing_id.hex()}"
