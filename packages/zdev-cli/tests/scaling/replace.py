"""Every replica is drained and replaced under load: each request is answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .network import Host, Network
from .programs import Client, Keys, Zdev, start_worker, until

CLIENTS, WORKERS = "orders-each", "orders-workers"  # the names of docs/deploy/kubernetes/services.yaml


class Fleet:
    """Clients on two hosts, workers on two, and replicas, as Kubernetes would run them: it changes what names mean."""

    def __init__(self, network: Network, folder: Path, *, hosts: int, curve: bool = True) -> None:
        self._network, self._folder = network, folder
        self._switch = network.switch("switch")
        self.keys = Keys(folder / "keys")
        self._toml = self.keys.deployed()
        self._idle = [network.host(f"device{number}", self._switch) for number in range(hosts)]
        self.client_hosts = [network.host(f"client{number}", self._switch) for number in range(2)]
        self._worker_hosts = [network.host(f"worker{number}", self._switch) for number in range(2)]
        self.replicas: list[Zdev] = []
        self._draining: list[Zdev] = []
        self._count = 0
        self._curve = curve
        if not curve:
            self._toml = f"{self._toml.partition('[device.in.curve]')[0]}insecure = true\n"

    @property
    def credentials(self) -> Keys | None:
        return self.keys if self._curve else None

    def start_workers(self, each: int, work: float = 0.0) -> None:
        for host in self._worker_hosts * each:
            start_worker(host, f"{WORKERS}:5560", self.credentials, work)

    def start_clients(self, **options: int) -> list[Client]:
        return [Client(host, f"{CLIENTS}:5559", self.credentials, **options) for host in self.client_hosts]

    def limit(self, megabits: float) -> None:
        for host in self._idle:
            self._network.limit(host, megabits)

    def start(self) -> Zdev:
        host = self._idle.pop(0)
        self._tell(starting=host)
        self._count += 1
        self.replicas.append(Zdev(host, self._folder / f"zdev{self._count}", self._toml))
        self._tell()
        return self.replicas[-1]

    def stop(self, replica: Zdev) -> tuple[float, int]:
        """Clients hear no more of it; workers do until it has ended."""
        self.replicas.remove(replica)
        self._draining.append(replica)
        self._tell()
        drained = replica.drain()
        self._draining.remove(replica)
        self._idle.append(replica.host)
        self._tell()
        return drained

    def _tell(self, starting: Host | None = None) -> None:
        ready = [each.host for each in self.replicas]
        draining = [each.host for each in self._draining]
        self._network.name({CLIENTS: ready, WORKERS: [*ready, *draining, *([starting] if starting else [])]})


def replace(network: Network, folder: Path, *, answers: int, count: int = 2, work: float = 0.002) -> dict[str, Any]:
    """Of two replicas `count`, one after the other, are replaced by a new one; between the steps each client gets `answers`."""
    fleet = Fleet(network, folder, hosts=3)
    for _ in range(2):
        fleet.start()
    fleet.start_workers(2, work)
    clients = fleet.start_clients(window=16)
    drains = []
    _more(clients, answers)
    for old in fleet.replicas[:count]:
        new = fleet.start()
        until(lambda new=new: new.view().out.messages_sent > 0, lambda: "the new replica gets no request")  # type: ignore[misc]
        _more(clients, answers)
        drains.append(fleet.stop(old))
        _more(clients, answers)
    return _account(clients, drains)


def _more(clients: Sequence[Client], answers: int) -> None:
    """Until each has so many answers more."""
    wanted = [(client, client.answered + answers) for client in clients]
    until(
        lambda: all(client.answered >= number for client, number in wanted),
        lambda: f"no answers: {[c.lines[-1] for c in clients]}",
    )


def _account(clients: Sequence[Client], drains: Sequence[tuple[float, int]]) -> dict[str, Any]:
    for client in clients:
        client.cease()
    ends = [client.end() for client in clients]
    return {
        "asked": sum(end["asked"] for end in ends),
        "answered": sum(end["answered"] for end in ends),
        "asked again": sum(end["again"] for end in ends),
        "second answers": sum(end["ignored"] for end in ends),
        "slowest answer": f"{max(end['slowest'] for end in ends):.2f} s",
        "drains": ", ".join(f"{seconds:.2f} s (status {status})" for seconds, status in drains),
        "unanswered": sum(end["asked"] - end["answered"] for end in ends),
        "not drained": sum(status != 0 for _, status in drains),
    }
