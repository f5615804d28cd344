"""Whether to send traffic here."""

from __future__ import annotations

from msgspec import Struct

from ..snapshot import DeviceView, Snapshot

_NOT_READY = ("starting", "waiting", "failed")


class Readiness(Struct, frozen=True):
    """The answer of /readyz."""

    ready: bool
    reasons: list[str]
    """Why not, a device each."""


def readiness(snapshot: Snapshot) -> Readiness:
    if snapshot.ready:
        return Readiness(ready=True, reasons=[])
    reasons = [_reason(device) for device in snapshot.devices if device.error or device.state in _NOT_READY]
    return Readiness(ready=False, reasons=reasons or ["zdev is starting or about to end"])


def _reason(device: DeviceView) -> str:
    return f"{device.name}: {device.state}" + (f": {device.trouble}" if device.trouble else "")
