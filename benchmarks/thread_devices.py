"""Run a device in a thread of this process: ``python thread_devices.py DEVICE:MAIN PATTERN``.

The process reports and ends like that of devices.py. MAIN selects what its main thread does: idle, other or busy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import import_module, metadata
from typing import Any

import zmq

import zdev_background

HOST = "tcp://127.0.0.1"
ZMQ_DEVICES: Any = import_module("zmq.devices")  # Any: only some of its functions are typed
Ends = tuple[str, str]  # the endpoints of the in and the out socket


def _zdev(device: zdev_background.Device) -> Ends:
    device.bind_in(f"{HOST}:*")
    device.bind_out(f"{HOST}:*")
    if isinstance(device, zdev_background.Proxy):
        device.bind_mon(f"{HOST}:*")
    device.start()
    return device.endpoints["in"][0], device.endpoints["out"][0]


def _pyzmq(device: Any) -> Ends:
    ends = f"{HOST}:{device.bind_in_to_random_port(HOST)}", f"{HOST}:{device.bind_out_to_random_port(HOST)}"
    if isinstance(device, ZMQ_DEVICES.ThreadProxy):
        device.bind_mon_to_random_port(HOST)
    device.start()
    return ends


def _python() -> Ends:
    """Relay in a Python loop, which needs the GIL for each message, to show that the benchmark would notice."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    source, sink = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    for socket in source, sink:
        socket.bind(f"{HOST}:*")

    def relay() -> None:
        while True:
            sink.send(source.recv())

    threading.Thread(target=relay, daemon=True).start()
    return source.getsockopt_string(zmq.LAST_ENDPOINT), sink.getsockopt_string(zmq.LAST_ENDPOINT)


DEVICES: dict[str, Callable[[], Ends]] = {
    "zdev ThreadDevice": lambda: _zdev(zdev_background.ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)),
    "zdev ThreadMonitoredQueue": lambda: _zdev(zdev_background.ThreadMonitoredQueue(zmq.PULL, zmq.PUSH)),
    "pyzmq ThreadDevice": lambda: _pyzmq(ZMQ_DEVICES.ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)),
    "pyzmq ThreadMonitoredQueue": lambda: _pyzmq(ZMQ_DEVICES.ThreadMonitoredQueue(zmq.PULL, zmq.PUSH)),
    "a loop in Python": _python,
}


def _idle() -> None:
    sys.stdin.read()


def _busy() -> None:
    while True:
        pass


def _busy_elsewhere() -> None:
    """Use as much CPU time as a busy main thread, in another process, so without the GIL."""
    with subprocess.Popen([sys.executable, __file__]):  # inherits the driver's pipe as standard input
        sys.stdin.read()


MAINS: dict[str, Callable[[], None]] = {"idle": _idle, "other": _busy_elsewhere, "busy": _busy}


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    if len(sys.argv) == 1:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        _busy()
    device, _, main_does = sys.argv[1].partition(":")
    ends = DEVICES[device]()
    versions = {name: metadata.version(name) for name in ("zdev-background", "pyzmq")}
    print(
        json.dumps({"in": ends[0], "out": ends[1], "versions": versions | {"libzmq of pyzmq": zmq.zmq_version()}}), flush=True
    )
    if main_does == "busy":
        threading.Thread(target=_end_with_parent, daemon=True).start()
    MAINS[main_does]()
    os._exit(0)


if __name__ == "__main__":
    main()
