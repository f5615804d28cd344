"""The devices of a configuration: started, stopped, or brought in line with another configuration."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from typing import NamedTuple, TypeVar

from .._failure import Failure, Status
from ..config import DeviceConfig
from ..config.given_sockets import GivenSockets
from ..config.topology import shutdown_order
from .endings import Ended
from .live import Change
from .managed import Managed

T = TypeVar("T")


class Applied(NamedTuple):
    """The result of a reload, or of the end of all devices."""

    lines: list[str]
    is_drained: bool
    """Whether all devices that ended were drained completely."""


class Supervisor:
    """All methods may be called from any thread; `apply` from one at a time.

    Args:
        devices: Their configurations by name.
        given: The listening sockets that serve their binds where they suit.
    """

    def __init__(self, devices: Mapping[str, DeviceConfig], given: GivenSockets) -> None:
        self._given = given
        self._devices = {name: Managed(config, given) for name, config in devices.items()}
        self._lock = threading.Lock()
        self.is_ending = False

    @property
    def devices(self) -> list[Managed]:
        """The devices in the order of the file."""
        return list(self._devices.values())

    def find(self, name: str) -> Managed:
        """Return the device of this name. Raises Failure with the available names."""
        if device := self._devices.get(name):
            return device
        near = get_close_matches(name, self._devices, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise Failure(f'unknown device "{name}" ({hint}available: {", ".join(self._devices) or "none"})', Status.USAGE)

    def chosen(self, names: Collection[str] | None) -> list[Managed]:
        """Return the devices of these names, or all. Raises Failure as `find`."""
        return self.devices if names is None else [self.find(name) for name in dict.fromkeys(names)]

    def begin(self) -> None:
        """Start all, without waiting."""
        for device in self.devices:
            device.begin()

    def apply(self, wanted: Mapping[str, DeviceConfig]) -> Applied:
        """Bring the devices in line: change what can be changed live, and restart others.

        All that end are ended before any is started, since one may take over an endpoint of another.
        """
        before = self._devices
        removed, changed, released = self._differing(wanted)
        idle = {device for device in changed if not device.is_wanted}
        changes = {device: device.configure(wanted[device.name], released) for device in changed}
        for device in removed:
            device.retire()
        ending = [*removed, *(device for device in changed if changes[device].how == "restart")]
        ended = _drain(ending, by_operator=False)
        with self._lock:
            if self.is_ending:
                raise Failure("cannot reload: zdev is shutting down", Status.UNAVAILABLE)
            self._devices = {name: before.get(name) or Managed(config, self._given) for name, config in wanted.items()}
        starting = [each for each in self.devices if each.name not in before or (each in ended and each not in idle)]
        started = in_parallel(_started, starting)
        lines = [f"{each.name}: {_done(each, started, ended, changes.get(each))}" for each in self.devices]
        lines += [f"{each.name}: removed, {ended[each].text}" for each in removed]
        return Applied(lines, all(each.is_drained for each in ended.values()))

    def preview(self, wanted: Mapping[str, DeviceConfig]) -> list[str]:
        """Return what `apply` would do, one line for each device. Whether new endpoints can be bound only `apply` finds out."""
        removed, changed, released = self._differing(wanted)
        changes = {each.name: each.preview(wanted[each.name], released) for each in changed}
        lines = {name: changes.get(name, "unchanged" if name in self._devices else "would be added") for name in wanted}
        lines |= {each.name: "would be drained and removed" for each in removed}
        return [f"{name}: {text}" for name, text in lines.items()]

    def _differing(self, wanted: Mapping[str, DeviceConfig]) -> tuple[list[Managed], list[Managed], set[str]]:
        """Return the devices that are removed, those that change, and the places that both release."""
        before = self._devices
        removed = [device for name, device in before.items() if name not in wanted]
        changed = [before[name] for name, config in wanted.items() if name in before and before[name].config != config]
        released = {place for device in (*removed, *changed) for place in device.released_by(wanted.get(device.name))}
        return removed, changed, released

    def retire_all(self) -> None:
        """Start no device any more."""
        with self._lock:
            self.is_ending = True
            devices = self.devices
        for device in devices:
            device.retire()

    def end_all(self, *, drain: bool) -> Applied:
        """Drain or stop all, after `retire_all`."""
        ended = _drain(self.devices, by_operator=True) if drain else self.stop_all()
        are_drained = all(each.is_drained and (drain or not each.pending) for each in ended.values())
        return Applied([f"{device.name}: {each.text}" for device, each in ended.items()], are_drained)

    def stop_all(self) -> dict[Managed, Ended]:
        """Stop all immediately."""
        return in_parallel(lambda device: device.end(drain=False), self.devices)


def in_parallel(call: Callable[[Managed], T], devices: Collection[Managed]) -> dict[Managed, T]:
    """Return the result of `call` for each device, each in a thread."""
    with ThreadPoolExecutor(max(1, len(devices)), "zdev change") as pool:
        return dict(zip(devices, pool.map(call, devices), strict=True))


def in_order(call: Callable[[Managed], T], devices: Collection[Managed], *, receivers_first: bool = False) -> dict[Managed, T]:
    """Return the result of `call` for each device: one group after the other, first the devices that feed others, or last."""
    by_name = {device.name: device for device in devices}
    order = shutdown_order([device.running_config for device in devices])
    results: dict[Managed, T] = {}
    for names in reversed(order) if receivers_first else order:
        results |= in_parallel(call, [by_name[name] for name in names])
    return results


def _drain(devices: Collection[Managed], *, by_operator: bool) -> dict[Managed, Ended]:
    """Drain and stop them."""
    return in_order(lambda device: device.end(drain=True, by_operator=by_operator), devices)


def _started(device: Managed) -> str:
    try:
        return device.start().removeprefix(f"{device.name}: ")
    except Failure as failure:
        return str(failure).removeprefix(f"{device.name}: ")


def _done(device: Managed, started: Mapping[Managed, str], ended: Mapping[Managed, Ended], change: Change | None) -> str:
    if change and change.how != "restart":
        done = "changed live" if change.how == "live" else "unchanged"
        return f"{done}: {change.text}" if change.text else "changed, without an effect"
    if device not in ended:
        return started.get(device, "unchanged")
    what = started.get(device)
    if what is None:
        return f"changed, {ended[device].text}"
    why = f" ({change.text})" if change and change.text else ""
    return f"{'restarted' if what == 'started' else what}{why}, {ended[device].text}"
