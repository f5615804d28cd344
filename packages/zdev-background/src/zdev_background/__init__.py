"""ZeroMQ devices in background threads and processes, with the interface of `zmq.devices`."""

from zdev_core import ConnectStatus, FlowStatistics, Outcome, RoleStatistics, State, Statistics, monitored_queue

from . import basedevice, monitoredqueue, monitoredqueuedevice, proxydevice, proxysteerabledevice
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
from ._keys import create_key, read_public_key
from ._limits import Limits
from ._open_files import raise_file_limit
from ._peers import Peer
from ._plan import Connections, Ending, Engine
from ._requests import Durations, Requests, Worker
from ._restart import RestartHooks, RestartPolicy
from ._rights import Rights
from ._security import CurveClient, CurveServer, PlainClient, PlainServer, Security
from ._socket_options import DEFAULT_OPTIONS_BY_TYPE, DEFAULT_SOCKET_OPTIONS
from ._spec import Role, SocketSpec
from ._workers import Workers

__all__ = [
    "DEFAULT_OPTIONS_BY_TYPE",
    "DEFAULT_SOCKET_OPTIONS",
    "ConnectStatus",
    "Connections",
    "CurveClient",
    "CurveServer",
    "Device",
    "Durations",
    "Ending",
    "Engine",
    "FlowStatistics",
    "Limits",
    "MonitoredQueue",
    "Outcome",
    "Peer",
    "PlainClient",
    "PlainServer",
    "ProcessDevice",
    "ProcessMonitoredQueue",
    "ProcessProxy",
    "ProcessProxySteerable",
    "Proxy",
    "ProxySteerable",
    "Requests",
    "RestartHooks",
    "RestartPolicy",
    "Rights",
    "Role",
    "RoleStatistics",
    "Security",
    "SocketSpec",
    "State",
    "Statistics",
    "ThreadDevice",
    "ThreadMonitoredQueue",
    "ThreadProxy",
    "ThreadProxySteerable",
    "Worker",
    "Workers",
    "basedevice",
    "create_key",
    "monitored_queue",
    "monitoredqueue",
    "monitoredqueuedevice",
    "proxydevice",
    "proxysteerabledevice",
    "raise_file_limit",
    "read_public_key",
]
