"""The cases that are measured: each is a load on a device, or a state of a device without load."""

from __future__ import annotations

from dataclasses import dataclass

NATIVE = ("native-monitored-queue", "native-queue", "native-zmq-proxy")  # relay between the sockets of one process
ZDEV = ("zdev-monitored-queue", "zdev-queue", "libzmq-monitored-queue")
TWO_WAYS = (*ZDEV, "native-wire", "trial", "pyzmq-monitored-queue", "zmq-proxy", "pyomq-proxy")


@dataclass(frozen=True)
class Case:
    """A load, given as options of load.cpp, or a state (see states.py), which has no unit.

    Attributes:
        monitor: `fast` or `frozen`: adds a subscriber on the monitor or capture socket.
        transport: `tcp`, `ipc`, or `inproc`, where the device is a thread of the load generator's process.
        curve: Whether all sockets use CURVE.
        latency: Whether the result is the median time, where lower is better.
        peers: The peers to measure. Default: all that support the pattern.
        quick_peers: The peers to measure in a quick run. Default: `peers`.
        rounds: The largest number of rounds, for cases that take long or vary little.
    """

    pattern: str
    size: int = 64
    frames: int = 1
    window: int = 1
    clients: int = 1
    workers: int = 1
    subscribers: int = 1
    topics: int = 0
    monitor: str = ""
    transport: str = "tcp"
    curve: bool = False
    unit: str = "messages"
    latency: bool = False
    quick: bool = False
    peers: tuple[str, ...] = ()
    quick_peers: tuple[str, ...] = ()
    rounds: int = 1000

    @property
    def is_state(self) -> bool:
        return not self.unit


def _state(pattern: str, *peers: str) -> Case:
    return Case(pattern, unit="", quick=True, peers=peers, rounds=3)


STATES = {
    "idle": _state(
        "idle", "zdev-monitored-queue", "libzmq-monitored-queue", "zmq-proxy", "pyzmq-monitored-queue", "pyomq-proxy"
    ),
    "paused": _state("paused", "zdev-monitored-queue"),
    "no-backend": _state("no-backend", "zdev-monitored-queue", "zmq-proxy", "pyzmq-monitored-queue"),
    "growth": _state("growth", "zdev-monitored-queue", "zmq-proxy"),
}
# With 256,000 requests in flight, the first replies take ten seconds and the process a gigabyte.
WITH_WORKERS = "clients-1-window-256-workers-8"  # also measured with a queue that knows its workers
CROWDED_PEERS = ("zdev-monitored-queue", "native-wire", "trial", "zmq-proxy", "pyomq-proxy")


def _clients() -> dict[str, Case]:
    """Vary the clients, the workers, and the requests that each client keeps in flight."""
    found = {}
    for workers in (1, 8):
        for window in (1, 256):
            for clients in (1, 10, 100, 1000):
                name = f"clients-{clients}-window-{window}" + ("" if workers == 1 else f"-workers-{workers}")
                crowded = clients * window > 100_000
                found[name] = Case(
                    "clients",
                    window=window,
                    clients=clients,
                    workers=workers,
                    unit="round trips",
                    quick=workers == 1 and clients in {1, 1000} and not crowded,
                    peers=CROWDED_PEERS if crowded else (*TWO_WAYS, "native-workers") if name == WITH_WORKERS else TWO_WAYS,
                    quick_peers=("zdev-monitored-queue", "zmq-proxy"),
                    rounds=3 if crowded else 1000,
                )
    return found


def _all() -> dict[str, Case]:
    cases = {f"stream-{size}": Case("stream", size, quick=size in {64, 4096}) for size in SIZES}
    cases |= {f"stream-5x{size}": Case("stream", size, frames=5) for size in (64, 4096)}
    curve_peers = ("zdev-monitored-queue", "libzmq-monitored-queue", "zmq-proxy", "direct")
    cases |= {f"stream-curve-{size}": Case("stream", size, curve=True, peers=curve_peers) for size in (64, 4096)}
    cases["monitor-fast"] = Case("stream", monitor="fast", quick=True)
    cases["monitor-frozen"] = Case("stream", monitor="frozen", quick=True, peers=(*ZDEV, "native-wire", "zmq-proxy", *NATIVE))
    cases["round-trips"] = Case("round-trips", quick=True, unit="round trips", window=256)
    cases["round-trips-5x64"] = Case("round-trips", frames=5, unit="round trips", window=256)
    cases["round-trips-4096"] = Case("round-trips", 4096, unit="round trips", window=256)
    cases["round-trips-monitor-fast"] = Case("round-trips", monitor="fast", unit="round trips", window=256)
    cases["latency"] = Case("request-reply", unit="round trips", latency=True, quick=True)
    cases |= _clients()
    cases["router-router"] = Case("router-router", unit="round trips", window=256)
    cases |= {f"fan-out-{n}": Case("fan-out", subscribers=n, unit="deliveries") for n in (1, 8, 64)}
    cases |= {
        f"topics-{topics}": Case("fan-out", subscribers=min(topics, 64), topics=topics, unit="messages")
        for topics in (10, 100_000)
    }
    for transport in ("ipc", "inproc"):
        peers = (*NATIVE, "direct") if transport == "inproc" else ()
        cases |= {f"stream-{transport}-{size}": Case("stream", size, transport=transport, peers=peers) for size in (64, 4096)}
        cases[f"round-trips-{transport}"] = Case(
            "round-trips", window=256, unit="round trips", transport=transport, peers=peers
        )
    return cases | STATES


SIZES = (16, 64, 256, 1024, 4096, 16384, 65536, 1048576)
CASES = _all()
