"""The peers, and one of them as a process: ``python devices.py PEER PATTERN ENDPOINTS [watched]``.

ENDPOINTS is what to bind to, with {role} where in, out or mon belongs. The process prints one line of JSON with the endpoints
and versions, and relays until it is killed or its standard input ends. A line `pause` there pauses a device of zdev.
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
from typing import Any


@dataclass(frozen=True)
class Peer:
    """A way to relay.

    call: `module.function`, called with the in and out socket; or `module.class` of zdev-background; or the name that
    native.cpp knows. monitored: has a PUB monitor always; captures: only where someone listens.
    """

    label: str  # heads a column
    kind: str  # "function", "background" or "native"
    call: str
    distribution: str = ""  # what must be installed
    monitored: bool = False
    captures: bool = False
    sockets: str = "zmq"  # the module that makes the sockets
    drafts: bool = False  # runs with the libzmq of --drafts
    io_threads: int | None = None
    one_cpu: bool = False  # runs on one processor, with its I/O thread
    patterns: tuple[str, ...] = ("stream", "round-trips", "request-reply", "clients", "fan-out", "states")

    def missing(self) -> str | None:
        """The distribution that must be installed first."""
        return self.distribution if self.distribution and not find_spec(self.distribution.replace("-", "_").lower()) else None

    @property
    def tuned(self) -> bool:
        """Whether this is another again, with other settings: measured in a full run only, and left out of charts."""
        return self.drafts or self.one_cpu or self.io_threads is not None

    def has_monitor(self, watched: bool) -> bool:
        return self.monitored or (self.captures and watched)


DIRECT = "direct"  # no device: the limit of the load generator and of libzmq
_EVERY = (*Peer.patterns, "router-router")
_MONITORED = "ThreadMonitoredQueue"
_TUNED = ("stream", "round-trips", "request-reply")

PEERS = {
    "zdev-monitored-queue": Peer("zdev mq", "background", _MONITORED, "zdev-background", monitored=True, patterns=_EVERY),
    "zdev-queue": Peer("zdev q", "background", "ThreadDevice", "zdev-background", patterns=_EVERY),
    "zdev-one-cpu": Peer(
        "zdev mq, 1 CPU", "background", _MONITORED, "zdev-background", monitored=True, patterns=_TUNED, one_cpu=True
    ),
    "zdev-two-io-threads": Peer(
        "zdev mq, 2 I/O", "background", _MONITORED, "zdev-background", monitored=True, patterns=_TUNED, io_threads=2
    ),
    "native-monitored-queue": Peer("C++ mq", "native", "monitored-queue", monitored=True, patterns=_EVERY),
    "native-queue": Peer("C++ q", "native", "queue", patterns=_EVERY),
    "native-wire": Peer("C++ wire", "native", "wire", monitored=True, patterns=_EVERY),
    "drafts-monitored-queue": Peer(
        "C++ mq, drafts", "native", "monitored-queue", monitored=True, drafts=True, patterns=("stream",)
    ),
    "pyzmq-monitored-queue": Peer(
        "pyzmq mq", "function", "zmq.devices.monitored_queue", monitored=True, patterns=(*_EVERY[:4], *_EVERY[5:])
    ),
    "zmq-proxy": Peer("zmq.proxy", "function", "zmq.proxy", captures=True),
    "native-zmq-proxy": Peer("C++ proxy", "native", "zmq-proxy", captures=True),
    "pyomq-proxy": Peer("pyomq", "function", "pyomq.proxy", "pyomq", captures=True, sockets="pyomq"),
}

# The types of the in and out socket that a pattern of the load generator needs; else ROUTER and DEALER.
SOCKET_TYPES = {"stream": ("PULL", "PUSH"), "fan-out": ("XSUB", "XPUB"), "router-router": ("ROUTER", "ROUTER")}


def socket_types(pattern: str) -> tuple[str, str]:
    return SOCKET_TYPES.get(pattern, ("ROUTER", "DEALER"))


def _versions(peer: Peer) -> dict[str, str]:
    found = {"python": platform.python_version()}
    if peer.distribution:
        found[peer.distribution] = metadata.version(peer.distribution)
    if peer.sockets == "zmq":
        found |= {"pyzmq": metadata.version("pyzmq"), "libzmq of pyzmq": import_module("zmq").zmq_version()}
    return found


def _obey(device: Any) -> None:
    """Standard input is a pipe of the driver: its end means that the driver is gone."""
    for line in sys.stdin:
        if line.strip() == "pause":
            device.pause()
    os._exit(0)


def _say(peer: Peer, endpoints: dict[str, str]) -> None:
    print(json.dumps({**endpoints, "versions": _versions(peer)}), flush=True)


def _run_background(peer: Peer, types: dict[str, str], where: dict[str, str]) -> None:
    zmq, background = import_module("zmq"), import_module("zdev_background")
    numbers = {f"{role}_type": getattr(zmq, name) for role, name in types.items()}
    device = getattr(background, peer.call)(**numbers)
    device.io_threads = peer.io_threads
    if peer.one_cpu:
        device.cpus = {max(os.sched_getaffinity(0))}
    for role, endpoint in where.items():
        getattr(device, f"bind_{role}")(endpoint)
    if types["out"] == "XPUB":
        device.setsockopt_out(zmq.SNDHWM, 0)  # the load paces itself, and nothing may be dropped
    device.start()
    _say(peer, {role: bound[0] for role, bound in device.endpoints.items() if bound})
    _obey(device)


def _run_function(peer: Peer, types: dict[str, str], where: dict[str, str]) -> None:
    zmq = import_module(peer.sockets)
    module, _, name = peer.call.rpartition(".")
    relay = getattr(import_module(module), name)
    threading.Thread(target=_obey, args=[None], daemon=True).start()
    context = zmq.Context()
    sockets = {role: context.socket(getattr(zmq, kind)) for role, kind in types.items()}
    if types["out"] == "XPUB":
        sockets["out"].setsockopt(zmq.SNDHWM, 0)
    for role, socket in sockets.items():
        socket.bind(where[role])
    _say(peer, {role: socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode() for role, socket in sockets.items()})
    relay(*sockets.values())


def main() -> None:
    name, pattern, endpoints, *watched = sys.argv[1:]
    peer = PEERS[name]
    types = dict(zip(("in", "out"), socket_types(pattern), strict=True))
    if peer.has_monitor(bool(watched)):
        types["mon"] = "PUB"
    where = {role: endpoints.format(role=role) for role in types}
    (_run_background if peer.kind == "background" else _run_function)(peer, types, where)


if __name__ == "__main__":
    main()
