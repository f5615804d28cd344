"""The module that `zmq.devices` has under this name, for code that imports from it."""

from ._devices import MonitoredQueue, ProcessMonitoredQueue, ThreadMonitoredQueue

__all__ = ["MonitoredQueue", "ProcessMonitoredQueue", "ThreadMonitoredQueue"]
