"""Try to reach the endpoints that devices connect to. Nothing is sent to them."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from time import monotonic

from .diagnostics import Path, PendingDiagnostic, endpoint_path, socket_path
from .endpoints import address_of
from .model import Config

TIMEOUT = 2.0  # seconds for a connection and the greeting of its peer
THREADS = 64

_GREETING = 10  # bytes that a ZMTP peer sends at once: RFC 23, "signature"


def unreachable(config: Config) -> Iterator[PendingDiagnostic]:
    """Report the endpoints of a valid configuration that cannot be reached, or where no ZeroMQ socket answers.

    Those that a device of the configuration binds are left out: it may not run. So are those behind a proxy, and transports
    other than tcp and ipc.
    """
    bound = [address for _, endpoint, connects in _uses(config) if not connects and (address := address_of(endpoint))]
    targets = {}
    for path, endpoint, connects in _uses(config):
        address = address_of(endpoint)
        if connects and address and address.transport in ("tcp", "ipc") and not any(map(address.reaches, bound)):
            targets[path] = endpoint
    reasons = _tried(list(dict.fromkeys(targets.values())))
    for path, endpoint in targets.items():
        if reason := reasons[endpoint]:
            yield PendingDiagnostic(path, f"{endpoint} {reason}")


def _uses(config: Config) -> Iterator[tuple[Path, str, bool]]:
    """Yield each endpoint with its path, and whether it is a connect."""
    for index, device in enumerate(config.devices().values()):
        for role, each in device.sockets.items():
            here = socket_path(index, role)
            yield from ((here, endpoint, False) for endpoint in each.binds)
            if not any(name.upper() == "SOCKS_PROXY" for name in each.options):
                numbers = [None] if isinstance(each.connect, str) else range(len(each.connects))
                paths = (endpoint_path(here, "connect", number) for number in numbers)
                yield from ((path, endpoint, True) for path, endpoint in zip(paths, each.connects, strict=True))
        if device.workers and (dead := device.workers.dead_letter):
            yield ("device", index, "workers", "dead_letter"), dead.removeprefix(">"), dead.startswith(">")


def _tried(endpoints: list[str]) -> dict[str, str]:
    """Return why each cannot be reached; empty: it can. A name that takes long to resolve does not delay the others."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for each in endpoints:
        waiting.put(each)

    def work() -> None:
        while not waiting.empty():
            endpoint = waiting.get()
            done.put((endpoint, _try(endpoint)))

    for _ in endpoints[:THREADS]:
        threading.Thread(target=work, name="zdev probe", daemon=True).start()
    found = dict.fromkeys(endpoints, f"does not answer within {TIMEOUT:g} s")
    deadline = monotonic() + TIMEOUT * (1 + len(endpoints) // THREADS) + 0.5
    for _ in endpoints:
        try:
            endpoint, reason = done.get(timeout=max(0.0, deadline - monotonic()))
        except queue.Empty:
            break
        found[endpoint] = reason
    return found


def _try(endpoint: str) -> str:
    """Connect, and wait for the beginning of a greeting."""
    deadline = monotonic() + TIMEOUT
    try:
        with _connected(endpoint) as connection:
            received = b""
            while len(received) < _GREETING and (left := deadline - monotonic()) > 0:
                connection.settimeout(left)
                if not (part := connection.recv(4096)):  # all: unread bytes would make the close a reset
                    return "closes connections at once (it may limit them, or not be a ZeroMQ socket)"
                received += part
    except TimeoutError:
        return f"does not answer within {TIMEOUT:g} s"
    except OSError as error:
        return f"is not reachable: {(error.strerror or str(error)).lower()}"
    is_greeting = len(received) >= _GREETING and received[0] == 0xFF and received[_GREETING - 1] & 1
    return "" if is_greeting else "is not a ZeroMQ socket: it sent something other than a ZMTP greeting"


def _connected(endpoint: str) -> socket.socket:
    transport, _, address = endpoint.partition("://")
    if transport == "tcp":
        host, _, port = address.rpartition(";")[2].rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), TIMEOUT)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(TIMEOUT)
    try:
        connection.connect(f"\0{address[1:]}" if address[0] == "@" else address)
    except OSError:
        connection.close()
        raise
    return connection
