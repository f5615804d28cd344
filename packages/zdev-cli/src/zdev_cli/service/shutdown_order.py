"""The order in which devices that feed one another are stopped, so that no message between them is lost."""

from __future__ import annotations

from collections.abc import Collection
from graphlib import CycleError, TopologicalSorter

from ..config import DeviceConfig, SocketConfig
from ..config.endpoints import address_of


def stages(devices: Collection[DeviceConfig]) -> list[list[str]]:
    """Return the names of devices that can be stopped together, beginning with those that feed others.

    A drained device waits for replies that come through the device it feeds.
    """
    feeding = {each.name: {other.name for other in devices if _feeds(other, each)} for each in devices}
    sorter = TopologicalSorter(feeding)
    try:
        sorter.prepare()
    except CycleError:  # which a validated file does not have
        return [list(feeding)]
    found = []
    while sorter.is_active():
        found.append(list(sorter.get_ready()))
        sorter.done(*found[-1])
    return found


def _feeds(one: DeviceConfig, other: DeviceConfig) -> bool:
    return one is not other and (_reaches(one.out, other.in_) or _reaches(other.in_, one.out))


def _reaches(connecting: SocketConfig, bound: SocketConfig) -> bool:
    """Return whether an endpoint that one connects to is bound by the other."""
    there = [address for endpoint in bound.binds if (address := address_of(endpoint))]
    here = [address for endpoint in connecting.connects if (address := address_of(endpoint))]
    return any(each.reaches(address) for each in here for address in there)
