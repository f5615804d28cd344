"""What zdev sets on the sockets that it makes, so that no stranger and no vanished host costs more than a bounded amount."""

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
"""Options of every socket that zdev makes, unless its user or the context sets them otherwise. libzmq by itself has none of them
but a handshake of 30 s.

MAXMSGSIZE, in bytes: who declares a larger frame is cut off. HANDSHAKE_IVL, in ms: who has not shaken hands by then is cut off.
TCP_KEEPALIVE and what follows, in seconds, seconds and probes: a host that vanished is noticed in two minutes.

Neither ZMTP's heartbeats nor TCP_MAXRT are among them: both take a receiver that is only full, or paused, for a dead one, and
lose what its connection held."""
