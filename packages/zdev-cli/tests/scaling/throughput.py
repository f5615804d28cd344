"""The throughput that another replica adds, where the network of its host is the limit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .network import Network
from .programs import Client, until
from .replace import Fleet

MEGABITS = 10.0  # a second, to and from each device's host; little, so that the processors of this machine have time to spare
SIZE = 4096  # bytes of a request
WINDOW = 32  # requests under way of each client
WARM_UP = 2  # lines of a client, one a second


def throughput(network: Network, folder: Path, *, seconds: int, megabits: float = MEGABITS, most: int = 3) -> dict[str, Any]:
    """Answers a second with one replica, with two, and so on. megabits: 0 is as much as this machine can."""
    fleet = Fleet(network, folder, hosts=most)
    if megabits:
        fleet.limit(megabits)
    fleet.start_workers(2)
    clients: list[Client] = []
    rates: list[float] = []
    for _ in range(most):
        fleet.start()
        clients = clients or fleet.start_clients(window=WINDOW, size=SIZE)
        until(lambda: all(each.view().out.messages_sent for each in fleet.replicas), lambda: "a replica gets no request")
        rates.append(_rate(clients, seconds))
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


def _rate(clients: Sequence[Client], seconds: int) -> float:
    """Answers a second, between two lines of each client, which come once a second."""
    firsts = [len(client.lines) + WARM_UP for client in clients]
    until(
        lambda: all(len(client.lines) > first + seconds for client, first in zip(clients, firsts, strict=True)),
        lambda: "a client says nothing",
    )
    spans = [(client.lines[first], client.lines[first + seconds]) for client, first in zip(clients, firsts, strict=True)]
    return sum(float((end["answered"] - begin["answered"]) / (end["at"] - begin["at"])) for begin, end in spans)
