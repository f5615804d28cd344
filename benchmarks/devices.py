"""The peers, and one of them as a process: ``python devices.py PEER PATTERN``.

The process binds its sockets to free ports of 127.0.0.1, prints one line of JSON with the endpoints and versions, and relays
until it is killed or its standard input ends.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec


@dataclass(frozen=True)
class Peer:
    """A way to relay: `module`.`function` called with the in and out socket, and a PUB nobody listens to if `monitored`."""

    label: str  # heads a column
    module: str
    function: str
    distribution: str
    monitored: bool = False
    sockets: str = "zmq"  # the module that makes the sockets

    def missing(self) -> str | None:
        """The distribution that must be installed first."""
        return None if find_spec(self.module.partition(".")[0]) else self.distribution


DIRECT = "direct"  # no device: the limit of the load generator and of libzmq

PEERS = {
    "zdev-monitored-queue": Peer("zdev mq", "zdev_core", "monitored_queue", "zdev-core", monitored=True),
    "zdev-queue": Peer("zdev q", "zdev_core", "queue", "zdev-core"),
    "pyzmq-monitored-queue": Peer("pyzmq mq", "zmq.devices", "monitored_queue", "pyzmq", monitored=True),
    "zmq-proxy": Peer("zmq.proxy", "zmq", "proxy", "pyzmq"),
    "pyomq-proxy": Peer("pyomq", "pyomq", "proxy", "pyomq", sockets="pyomq"),
}

# The types of the in and out socket that a pattern of the load generator needs.
SOCKET_TYPES = {"stream": ("PULL", "PUSH"), "round-trips": ("ROUTER", "DEALER"), "request-reply": ("ROUTER", "DEALER")}


def _versions(peer: Peer) -> dict[str, str]:
    found = {"python": platform.python_version(), peer.distribution: metadata.version(peer.distribution)}
    if peer.sockets == "zmq":
        found |= {"pyzmq": metadata.version("pyzmq"), "libzmq of pyzmq": import_module("zmq").zmq_version()}
    return found


def _end_with_parent() -> None:
    """Standard input is a pipe that the driver never writes to: its end means that the driver is gone."""
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    peer = PEERS[sys.argv[1]]
    zmq = import_module(peer.sockets)
    relay = getattr(import_module(peer.module), peer.function)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    context = zmq.Context()
    types = (*SOCKET_TYPES[sys.argv[2]], *(["PUB"] if peer.monitored else []))
    sockets = [context.socket(getattr(zmq, name)) for name in types]
    for socket in sockets:
        socket.bind("tcp://127.0.0.1:*")
    endpoints = [socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode() for socket in sockets]
    print(json.dumps({"in": endpoints[0], "out": endpoints[1], "versions": _versions(peer)}), flush=True)
    relay(*sockets)


if __name__ == "__main__":
    main()
