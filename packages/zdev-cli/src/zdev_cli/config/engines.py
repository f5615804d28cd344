"""The engine that each device of a file would have on this machine. Nothing is opened to find out."""

from __future__ import annotations

from collections.abc import Iterator

import zmq

from zdev_background import Engine

from .build import device_of
from .diagnostics import Path, PendingDiagnostic
from .model import Config, DeviceConfig


def engine_of(device: DeviceConfig) -> Engine:
    """Return the engine of a device, which has its defaults filled in, and why.

    Raises:
        zmq.ZMQError: It insists on the wire engine, which does not support all that it asks for.
    """
    return device_of(device).choose_engine()


def impossible_engines(config: Config) -> Iterator[PendingDiagnostic]:
    """Report the devices that need the wire engine and cannot have it. Everything else must be valid."""
    for index, device in enumerate(config.devices().values()):
        try:
            engine = engine_of(device)
        except zmq.ZMQError as error:
            path: Path = ("device", index, "engine")
            text = str(error).removeprefix(f"{device.name}: ")
            if config.device[index].engine is None:
                needs_wire = device.workers and device.engine != "wire"
                path, text = (("device", index, "workers"), text) if needs_wire else (("defaults", "engine"), str(error))
            yield PendingDiagnostic(path, text, depends_on=(("device", index), ("defaults",)))
            continue
        if device.ready_when == "connected" and engine != "wire":
            text = f'"connected" needs the wire engine, as libzmq does not show its connects: {engine.reason}'
            own = config.device[index].ready_when is not None
            path = ("device", index, "ready_when") if own else ("defaults", "ready_when")
            yield PendingDiagnostic(path, text, depends_on=(("device", index), ("defaults",)))
