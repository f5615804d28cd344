"""What another replica adds, where the network of a replica's host is what bounds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .network import Network
from .programs import Client, until
from .replace import Fleet

MEGABITS = 20.0  # a second, to and from each device's host; little, so that the processors of this machine have time to spare
SIZE = 4096  # bytes of a request
WINDOW = 64  # requests under way of each client
WARM_UP = 2  # lines of a client, one a second


def throughput(network: Network, folder: Path, *, seconds: int, most: int = 3) -> dict[str, Any]:
    """Answers a second with one replica, with two, and so on."""
    fleet = Fleet(network, folder, hosts=most)
    fleet.limit(MEGABITS)
    fleet.start_workers(2)
    clients: list[Client] = []
    rates: list[float] = []
    for _ in range(most):
        fleet.start()
        clients = clients or fleet.start_clients(window=WINDOW, size=SIZE)
        until(lambda: all(each.view().out.messages_sent for each in fleet.replicas), lambda: "a replica gets no request")
        rates.append(sum(_rate(client, seconds) for client in clients))
    for client in clients:
        client.cease()
    ends = [client.end() for client in clients]
    figures: dict[str, Any] = {f"{number} replicas": f"{rate:,.0f} answers/s" for number, rate in enumerate(rates, 1)}
    return {
        **figures,
        "growth": ", ".join(f"{rate / rates[0]:.2f}" for rate in rates),
        "asked again": sum(end["again"] for end in ends),
        "unanswered": sum(end["asked"] - end["answered"] for end in ends),
    }


def _rate(client: Client, seconds: int) -> float:
    """Answers a second, between two lines of the client, which are a second apart."""
    first = len(client.lines) + WARM_UP
    until(lambda: len(client.lines) > first + seconds, lambda: "the client says nothing")
    begin, end = client.lines[first], client.lines[first + seconds]
    return float((end["answered"] - begin["answered"]) / (end["at"] - begin["at"]))
