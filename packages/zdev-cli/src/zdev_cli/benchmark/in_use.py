"""The other peers of a running device, as the zdev that runs it sees them."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic, sleep

from zdev_background._endpoints import address_of

from .._failure import Failure, Status
from .._words import Role
from ..control.client import ask
from ..control.protocol import Request
from ..snapshot import DeviceView
from .cases import Case, Endpoints

SETTLE = 3.0  # seconds until the rate of a device no longer shows traffic that has ended


class RunningDevice:
    """A device of the zdev at `control`. advice: what to do if it has other peers."""

    def __init__(self, name: str, engine: str, control: str | None, advice: str) -> None:
        self._name = name
        self._engine = engine
        self._control = control
        self._advice = advice

    def refuse_use(self) -> None:
        """Raise Failure if the device has peers; on the libzmq engine, which does not know them, if messages pass."""
        if self._engine == "wire":
            self.refuse_others({"in": 0, "out": 0})
            return
        deadline = monotonic() + SETTLE
        while rate := self._rate():
            if monotonic() >= deadline:
                raise self._failure(f"{rate:,.0f} messages per second pass through it")
            sleep(0.2)

    def refuse_others(self, expected: dict[Role, int]) -> None:
        """Raise Failure if a socket has more peers than expected. Only for the wire engine."""
        if self._engine != "wire":
            return
        peers = ask(Request(verb="peers", device=self._name), self._control).peers or []
        found = []
        for role, count in expected.items():
            addresses = [each.address for each in peers if each.role == role and each.number and each.state != "handshake"]
            others = len(addresses) - count
            if others > 0:
                whose = f" ({', '.join(addresses[:3])}{', ...' if others > 3 else ''})" if count == 0 else ""
                found.append(f"{role} has {others:,} other {'peer' if others == 1 else 'peers'}{whose}")
        if found:
            raise self._failure(", ".join(found))

    def _rate(self) -> float:
        snapshot = ask(Request(verb="status", device=self._name), self._control).snapshot
        device = snapshot.device(self._name) if snapshot else None
        return sum(each.messages_per_second for each in device.directions.values()) if device else 0.0

    def _failure(self, use: str) -> Failure:
        return Failure(f'device "{self._name}" is in use: {use}: {self._advice}', Status.UNAVAILABLE)


def running_device(endpoints: Endpoints, control: str | None, advice: str) -> RunningDevice | None:
    """Return the device with these sockets; None if no zdev that can be asked has it."""
    snapshot = None
    with suppress(Failure):
        snapshot = ask(Request(verb="status"), control).snapshot
    for device in snapshot.devices if snapshot else ():
        if all(_binds(device, role, endpoints[role]) for role in ("in", "out")):
            return RunningDevice(device.name, device.engine, control, advice)
    return None


def _binds(device: DeviceView, role: Role, endpoint: str) -> bool:
    wanted = address_of(endpoint)
    bound = [address_of(each) for socket in device.sockets if socket.role == role for each in socket.binds]
    return wanted is not None and any(each is not None and wanted.reaches(each) for each in bound)


def peers_of_load(case: Case) -> dict[Role, int]:
    """Return how many peers the load itself has at each socket."""
    return {
        "in": case.clients if case.pattern == "clients" else 1,
        "out": case.clients if case.pattern == "fan-out" else 1,
    }
