"""The module that `zmq.devices` has under this name, for code that imports from it."""

from ._device import Device
from ._devices import ProcessDevice, ThreadDevice

__all__ = ["Device", "ProcessDevice", "ThreadDevice"]
