"""ZeroMQ devices in background threads and processes, with the interface of `zmq.devices`."""

from zdev_core import FlowStatistics, Outcome, State, Statistics, monitored_queue

from . import monitoredqueue
from ._device import Device
from ._devices import (
    MonitoredQueue,
    ProcessDevice,
    ProcessMonitoredQueue,
    ProcessProxy,
    ProcessProxySteerable,
    Proxy,
    ProxySteerable,
    ThreadDevice,
    ThreadMonitoredQueue,
    ThreadProxy,
    ThreadProxySteerable,
)
from ._spec import Role, SocketSpec

__all__ = [
    "Device",
    "FlowStatistics",
    "MonitoredQueue",
    "Outcome",
    "ProcessDevice",
    "ProcessMonitoredQueue",
    "ProcessProxy",
    "ProcessProxySteerable",
    "Proxy",
    "ProxySteerable",
    "Role",
    "SocketSpec",
    "State",
    "Statistics",
    "ThreadDevice",
    "ThreadMonitoredQueue",
    "ThreadProxy",
    "ThreadProxySteerable",
    "monitored_queue",
    "monitoredqueue",
]
