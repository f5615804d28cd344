"""The options that zdev sets on the sockets it makes, unless the device's user or the context sets them."""

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
"""Options of every socket that zdev makes, unless its user or the context sets them. libzmq's own defaults are no limits, except
for a handshake timeout of 30 s.

MAXMSGSIZE, in bytes: a peer that announces a larger frame is disconnected. HANDSHAKE_IVL, in ms: a peer that has not completed
the handshake by then is disconnected. TCP_KEEPALIVE_IDLE and INTVL, in seconds, and CNT, in probes: a host that vanished is
noticed within two minutes.

ZMTP heartbeats and TCP_MAXRT are left off: both take a receiver that is only full, or paused, for a dead one, and lose the
messages that its connection held."""

DEFAULT_LINGER = 1000  # ms; with libzmq's own, for ever, a device could not end while a peer is away
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
"""Options of the sockets of one type, in place of `DEFAULT_SOCKET_OPTIONS` and of a LINGER of 1000 ms.

ROUTER_MANDATORY: a reply to a client that has left, or is full, is counted; without it libzmq drops the reply silently.
MAXMSGSIZE of PUB and XPUB: their peers send subscriptions, and libzmq crashes on a topic of 200 kB. LINGER of SUB and XSUB: they
send subscriptions only, which end with the connection. SNDHWM of XSUB: libzmq drops subscriptions beyond it silently."""

# Types that spread messages over their receivers. Without IMMEDIATE, libzmq counts each `connect` as a receiver, connected or not.
_SPREADING = (zmq.DEALER, zmq.PUSH, zmq.REQ)


def default_options(socket_type: int, *, connects: bool = False) -> dict[int, int]:
    """Return the options of a socket of this type that sends messages on.

    Args:
        socket_type: Its type, like zmq.ROUTER.
        connects: Whether it connects to its receivers.
    """
    own = DEFAULT_OPTIONS_BY_TYPE.get(socket_type, {})
    immediate: dict[int, int] = {zmq.IMMEDIATE: 1} if connects and socket_type in _SPREADING else {}
    return {**DEFAULT_SOCKET_OPTIONS, zmq.LINGER: DEFAULT_LINGER, **own, **immediate}
