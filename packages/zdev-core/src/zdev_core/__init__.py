"""ZeroMQ devices at C++ speed, on pyzmq's sockets."""

from ._core import Device, FlowStatistics, Outcome, State, Statistics, libzmq
from ._functions import monitored_queue, proxy, proxy_steerable, queue

__all__ = [
    "Device",
    "FlowStatistics",
    "Outcome",
    "State",
    "Statistics",
    "libzmq",
    "monitored_queue",
    "proxy",
    "proxy_steerable",
    "queue",
]
