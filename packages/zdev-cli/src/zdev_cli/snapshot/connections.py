"""The connections of a socket in a snapshot."""

from __future__ import annotations

from typing import Annotated

from .view import Counts, Metric, View, metrics_of


def _refused(reason: str) -> Metric:
    return Metric("zdev_connections_refused_total", "Connections refused before the end of their handshake.", reason)


def _closed(reason: str) -> Metric:
    return Metric("zdev_connections_closed_total", "Connections that the device closed, by reason.", reason)


def _undelivered(reason: str) -> Metric:
    return Metric("zdev_peer_messages_dropped_total", "Messages that a connection did not get.", reason)


class ConnectionsView(View, frozen=True, kw_only=True):
    """The connections of a socket, over all runs since zdev started: the counters never decrease."""

    connections: int = 0
    """Connections now, past their handshake."""
    shaking_hands: int = 0
    """Connections now in their handshake. This and the next two may be a second old."""
    blocked: int = 0
    """Connections now whose peer has SNDHWM messages waiting, and gets no more until it reads."""
    held: int = 0
    """Connections now that are not read, because their messages cannot be delivered."""
    accepted: Annotated[int, Metric("zdev_connections_accepted_total", "Incoming connections.")] = 0
    connected: Annotated[int, Metric("zdev_connections_established_total", "Outgoing connections that were established.")] = 0
    connect_failures: Annotated[int, Metric("zdev_connect_failures_total", "Attempts to connect that failed.")] = 0
    accept_pauses: Annotated[
        int, Metric("zdev_accept_pauses_total", "Times that no connection was accepted for want of a descriptor.")
    ] = 0
    refused_version: Annotated[int, _refused("version")] = 0
    """The peer speaks ZMTP 1.0 or 2.0."""
    refused_mechanism: Annotated[int, _refused("mechanism")] = 0
    """The peer uses another security mechanism."""
    refused_authentication: Annotated[int, _refused("authentication")] = 0
    """The peer's key or password is not known, or was forged."""
    refused_handshakes: Annotated[int, _refused("handshakes")] = 0
    """Too many handshakes were under way from the peer's address."""
    refused_socket_type: Annotated[int, _refused("socket_type")] = 0
    """The peer's socket type cannot talk to this one."""
    refused_routing_id: Annotated[int, _refused("routing_id")] = 0
    """The peer's routing id is in use."""
    refused_malformed: Annotated[int, _refused("malformed")] = 0
    """The peer does not speak ZMTP, or its handshake is invalid."""
    refused_by_peer: Annotated[int, _refused("by_peer")] = 0
    """The peer ended the handshake with an error."""
    refused_resources: Annotated[int, _refused("resources")] = 0
    """zdev had no memory or descriptor for the peer."""
    refused_max_connections: Annotated[int, _refused("max_connections")] = 0
    """The socket had as many connections as its max_connections."""
    refused_max_connections_per_address: Annotated[int, _refused("max_connections_per_address")] = 0
    """The address had as many connections as the socket's max_connections_per_address."""
    refused_max_connections_per_key: Annotated[int, _refused("max_connections_per_key")] = 0
    """The key or user had as many connections as the socket's max_connections_per_key."""
    framing_errors: Annotated[int, _closed("framing_error")] = 0
    """The peer sent an invalid frame or command."""
    worker_protocol_errors: Annotated[int, _closed("worker_protocol_error")] = 0
    """The peer broke the protocol of the workers: Paranoid Pirate or Majordomo."""
    limits_exceeded: Annotated[int, _closed("limit_exceeded")] = 0
    """A frame, message or subscription was beyond a limit."""
    credentials_withdrawn: Annotated[int, _closed("credentials_withdrawn")] = 0
    """The key or password of the peer was withdrawn."""
    handshake_timeouts: Annotated[int, _closed("handshake_timeout")] = 0
    """The handshake took longer than HANDSHAKE_IVL."""
    heartbeat_timeouts: Annotated[int, _closed("heartbeat_timeout")] = 0
    """The peer was silent for too long."""
    idle_timeouts: Annotated[int, _closed("idle_timeout")] = 0
    """No message had passed for the socket's idle_timeout."""
    kicked: Annotated[int, _closed("kicked")] = 0
    """An operator ended it: zdev kick."""
    messages_lost: Annotated[int, _undelivered("lost")] = 0
    """Messages received and not delivered, because the receiver left or the run ended."""
    drain_discards: Annotated[int, _undelivered("drain")] = 0
    """Messages that arrived during a drain of requests, and were not forwarded."""
    departed_copies: Annotated[int, _undelivered("subscriber_left")] = 0
    """Copies that waited for a subscriber of this PUB or XPUB that left."""
    subscriber_drops: Annotated[int, _undelivered("subscriber_full")] = 0
    """Copies not sent because a subscriber of this PUB or XPUB had SNDHWM messages waiting."""
    publisher_drops: Annotated[int, _undelivered("publisher_full")] = 0
    """Copies not sent because a publisher of this XSUB had SNDHWM messages waiting."""
    denied_messages: Annotated[int, _undelivered("denied")] = 0
    """Messages dropped because the rights of their peer do not allow their topic."""
    denied_subscriptions: Annotated[
        int, Metric("zdev_subscriptions_denied_total", "Subscriptions of which the rights of their peer allow no part.")
    ] = 0
    unmatched: Annotated[
        int, Metric("zdev_messages_unmatched_total", "Messages that no peer of a PUB or XPUB had subscribed to.")
    ] = 0


class PeerCounts(Counts, frozen=True, kw_only=True):
    """How many peers a socket has in each state; see docs/cli/peers.md."""

    handshake: int = 0
    up: int = 0
    blocked: int = 0
    held: int = 0
    connecting: int = 0
    retrying: int = 0


PEER_STATES = PeerCounts.__struct_fields__


class ConnectView(View, frozen=True, kw_only=True):
    """An endpoint that a socket connects to."""

    endpoint: str
    connected: bool
    failure: str = ""
    """Why the last attempt failed, or the last connection ended; empty while it is connected."""
    retry_in: float | None = None
    """Seconds until the next attempt; null: connected, under way, or not tried again."""

    @property
    def state(self) -> str:
        """Its state as a peer, unless it is connected. An endpoint that failed before is retrying during an attempt, too."""
        return "retrying" if self.failure else "connecting"

    def __str__(self) -> str:
        retrying = "" if self.retry_in is None else f", retrying in {self.retry_in:.1f} s"
        return f"{self.endpoint} {self.failure or 'not connected yet'}{retrying}"


PRESENT = ("connections", "shaking_hands", "blocked", "held")
"""The fields of ConnectionsView that are about the present, and no counters."""
CONNECTION_METRICS = metrics_of(ConnectionsView)
"""By field of ConnectionsView."""
