"""Define the peers, and run one of them as a process: ``python devices.py PEER PATTERN ENDPOINTS [watched] [curve]``.

ENDPOINTS is the endpoint to bind to, where {role} stands for in, out or mon. The process prints one line of JSON with the bound
endpoints, the versions and with `curve` the key of its sockets, and relays until it is killed or its standard input ends. The line `pause` pauses a device of zdev.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import threading
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True)
class Peer:
    """A relay that can be measured.

    Attributes:
        label: The heading of its column.
        kind: `function`, `background`, `native`, or `trial`, the program given by --trial.
        call: By kind: `module.function`, called with the in and out socket; a class of zdev-background; a name that native.cpp
            knows.
        distribution: The Python distribution that it needs.
        monitored: Whether it always has a PUB monitor.
        captures: Whether it has a PUB as capture socket where the load subscribes to it.
        sockets: The module that creates the sockets.
        engine: The engine, if not the one that zdev-background chooses.
        drafts: Whether it runs with the libzmq given by --drafts.
        io_threads: The number of I/O threads, if not the default.
        one_cpu: Whether the device and its I/O thread run on one processor.
        patterns: The patterns it can relay.
    """

    label: str
    kind: str
    call: str
    distribution: str = ""
    monitored: bool = False
    captures: bool = False
    sockets: str = "zmq"
    engine: str = "auto"
    drafts: bool = False
    io_threads: int | None = None
    one_cpu: bool = False
    patterns: tuple[str, ...] = ("stream", "round-trips", "request-reply", "clients", "fan-out", "states")

    def missing(self) -> str | None:
        """Return the distribution that it needs, if that is not installed."""
        return self.distribution if self.distribution and not find_spec(self.distribution.replace("-", "_").lower()) else None

    @property
    def tuned(self) -> bool:
        """Whether this is another peer with other settings: measured in a full run only, and left out of charts."""
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
    "libzmq-monitored-queue": Peer(
        "mq on libzmq", "background", _MONITORED, "zdev-background", monitored=True, patterns=_EVERY, engine="libzmq"
    ),
    "zdev-one-cpu": Peer(
        "zdev mq, 1 CPU", "background", _MONITORED, "zdev-background", monitored=True, patterns=_TUNED, one_cpu=True
    ),
    "zdev-two-io-threads": Peer(
        "zdev mq, 2 I/O", "background", _MONITORED, "zdev-background", monitored=True, patterns=_TUNED, io_threads=2
    ),
    "native-monitored-queue": Peer("C++ mq", "native", "monitored-queue", monitored=True, patterns=_EVERY),
    "native-queue": Peer("C++ q", "native", "queue", patterns=_EVERY),
    "native-wire": Peer("C++ wire mq", "native", "wire", monitored=True, patterns=_EVERY),
    "native-workers": Peer("C++ wire, workers", "native", "workers", monitored=True, patterns=("clients",)),
    "trial": Peer("trial", "trial", "", monitored=True, patterns=("stream", "round-trips", "request-reply", "clients")),
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

# The types of the in and out socket for a pattern of the load generator. Default: ROUTER and DEALER.
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


def _serve_commands(device: Any) -> None:
    """Read commands from standard input, a pipe of the driver: its end means that the driver is gone."""
    for line in sys.stdin:
        if line.strip() == "pause":
            device.pause()
    os._exit(0)


def _report_ready(peer: Peer, endpoints: dict[str, str], curve: str) -> None:
    print(json.dumps({**endpoints, "versions": _versions(peer), "curve": curve}), flush=True)


def _secure(device: Any, folder: str) -> str:
    """Give the in and out socket a new pair of keys, in files of this folder, and return the public one."""
    background = import_module("zdev_background")
    public, secret = background.create_key(folder, "device")
    server = background.CurveServer(secret, "any")
    device.secure_in(server)
    device.secure_out(server)
    return str(background.read_public_key(public).decode())


def _run_background(peer: Peer, types: dict[str, str], endpoints: dict[str, str], curve: bool) -> None:
    zmq, background = import_module("zmq"), import_module("zdev_background")
    numbers = {f"{role}_type": getattr(zmq, name) for role, name in types.items()}
    device = getattr(background, peer.call)(**numbers)
    device.engine = peer.engine
    device.io_threads = peer.io_threads
    if peer.one_cpu:
        device.cpus = {max(os.sched_getaffinity(0))}
    for role, endpoint in endpoints.items():
        getattr(device, f"bind_{role}")(endpoint)
    if types["out"] == "XPUB":
        device.setsockopt_out(zmq.SNDHWM, 0)  # the load paces itself, and nothing may be dropped
        device.setsockopt_in(zmq.SNDHWM, 0)  # nor may subscriptions
    with tempfile.TemporaryDirectory() as folder:
        key = _secure(device, folder) if curve else ""
        device.start()
    _report_ready(peer, {role: bound[0] for role, bound in device.endpoints.items() if bound}, key)
    _serve_commands(device)


def _run_function(peer: Peer, types: dict[str, str], endpoints: dict[str, str], curve: bool) -> None:
    zmq = import_module(peer.sockets)
    module, _, name = peer.call.rpartition(".")
    relay = getattr(import_module(module), name)
    threading.Thread(target=_serve_commands, args=[None], daemon=True).start()
    context = zmq.Context()
    sockets = {role: context.socket(getattr(zmq, kind)) for role, kind in types.items()}
    if types["out"] == "XPUB":
        sockets["in"].setsockopt(zmq.SNDHWM, 0)
        sockets["out"].setsockopt(zmq.SNDHWM, 0)
    public, secret = zmq.curve_keypair() if curve else (b"", b"")
    for role, socket in sockets.items():
        if curve:
            socket.curve_secretkey, socket.curve_publickey, socket.curve_server = secret, public, True
        socket.bind(endpoints[role])
    bound = {role: socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode() for role, socket in sockets.items()}
    _report_ready(peer, bound, public.decode())
    relay(*sockets.values())


def main() -> None:
    name, pattern, template, *words = sys.argv[1:]
    peer = PEERS[name]
    types = dict(zip(("in", "out"), socket_types(pattern), strict=True))
    if peer.has_monitor("watched" in words):
        types["mon"] = "PUB"
    endpoints = {role: template.format(role=role) for role in types}
    (_run_background if peer.kind == "background" else _run_function)(peer, types, endpoints, "curve" in words)


if __name__ == "__main__":
    main()
