"""The options that zdev sets on its sockets by default. Those that the user or the context sets take precedence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import zmq

DEFAULT_SOCKET_OPTIONS: Mapping[int, int] = MappingProxyType(
    {
        zmq.MAXMSGSIZE: 2**30,
        zmq.HANDSHAKE_IVL: 10_000,
        zmq.TCP_KEEPALIVE: 1,
        zmq.TCP_KEEPALIVE_IDLE: 60,
        zmq.TCP_KEEPALIVE_INTVL: 10,
        zmq.TCP_KEEPALIVE_CNT: 6,
    }
)
"""Default options of every socket, read only. Options that the user or the context sets take precedence.

libzmq itself sets no limits, except for a handshake timeout of 30 s. MAXMSGSIZE is in bytes: a peer that announces a larger frame
is disconnected. HANDSHAKE_IVL is in ms: a peer that has not completed the handshake in time is disconnected. TCP_KEEPALIVE_IDLE
and TCP_KEEPALIVE_INTVL are in seconds: a host that vanishes is noticed within two minutes.

ZMTP heartbeats and TCP_MAXRT stay off: both disconnect a receiver that is only full or paused, and lose the messages that its
connection held."""

DEFAULT_LINGER = 1000  # ms; libzmq's default, no limit, would keep a device from ending while a peer is away
LONGEST_SUBSCRIPTION = 65_536  # bytes

_SUBSCRIPTIONS_ONLY: dict[int, int] = {zmq.MAXMSGSIZE: LONGEST_SUBSCRIPTION}
DEFAULT_OPTIONS_BY_TYPE: Mapping[int, Mapping[int, int]] = MappingProxyType(
    {
        zmq.ROUTER: {zmq.ROUTER_MANDATORY: 1},
        zmq.PUB: _SUBSCRIPTIONS_ONLY,
        zmq.XPUB: _SUBSCRIPTIONS_ONLY,
        zmq.SUB: {zmq.LINGER: 0},
        zmq.XSUB: {zmq.LINGER: 0, zmq.SNDHWM: 0},
    }
)
"""Default options by socket type, read only, which replace those of `DEFAULT_SOCKET_OPTIONS` and a LINGER of 1000 ms.

ROUTER has ROUTER_MANDATORY, so that a reply to a client that has left or is full is counted; by default libzmq drops it silently.
PUB and XPUB have a small MAXMSGSIZE, in bytes: their peers send subscriptions only, and libzmq crashes on a topic of 200 kB. SUB
and XSUB have no LINGER, since they send subscriptions only, which end with the connection. XSUB has no SNDHWM, beyond which libzmq
drops subscriptions silently."""

# Types that distribute messages. Without IMMEDIATE, libzmq counts each `connect` as a receiver, even while it is not connected.
_DISTRIBUTING = (zmq.DEALER, zmq.PUSH, zmq.REQ)


def default_options(socket_type: int, *, connects: bool = False) -> dict[int, int]:
    """Return the default options of a socket.

    Args:
        socket_type: Such as zmq.ROUTER.
        connects: Whether the socket connects to peers that it sends messages to.
    """
    own = DEFAULT_OPTIONS_BY_TYPE.get(socket_type, {})
    immediate: dict[int, int] = {zmq.IMMEDIATE: 1} if connects and socket_type in _DISTRIBUTING else {}
    return {**DEFAULT_SOCKET_OPTIONS, zmq.LINGER: DEFAULT_LINGER, **own, **immediate}
