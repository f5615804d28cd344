"""ZeroMQ devices at C++ speed, on pyzmq's sockets."""

import sys

from ._core import ConnectStatus, Device, FlowStatistics, Outcome, RoleStatistics, State, Statistics, libzmq
from ._functions import monitored_queue, proxy, proxy_steerable, queue

if sys.platform == "linux":
    from ._core import WireDevice, WireSocket, WireWorkers, wire_has_curve, wire_refusal

__all__ = [
    "ConnectStatus",
    "Device",
    "FlowStatistics",
    "Outcome",
    "RoleStatistics",
    "State",
    "Statistics",
    "libzmq",
    "monitored_queue",
    "proxy",
    "proxy_steerable",
    "queue",
]

if sys.platform == "linux":
    __all__ += ["WireDevice", "WireSocket", "WireWorkers", "wire_has_curve", "wire_refusal"]
