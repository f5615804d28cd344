"""Run a device in a thread, as a process of the benchmark: ``python thread_devices.py DEVICE:MAIN PATTERN``.

The process works like that of devices.py, except that the device runs in a thread of it; MAIN selects the work of its main thread.
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
PEER: Any = import_module("zmq.devices")  # only some of its functions have types
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
    if isinstance(device, PEER.ThreadProxy):
        device.bind_mon_to_random_port(HOST)
    device.start()
    return ends


def _python() -> Ends:
    """Relay in Python, which needs the GIL for each message, to show what the GIL costs."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    near, far = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    for socket in near, far:
        socket.bind(f"{HOST}:*")

    def relay() -> None:
        while True:
            far.send(near.recv())

    threading.Thread(target=relay, daemon=True).start()
    return near.getsockopt_string(zmq.LAST_ENDPOINT), far.getsockopt_string(zmq.LAST_ENDPOINT)


DEVICES: dict[str, Callable[[], Ends]] = {
    "zdev ThreadDevice": lambda: _zdev(zdev_background.ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)),
    "zdev ThreadMonitoredQueue": lambda: _zdev(zdev_background.ThreadMonitoredQueue(zmq.PULL, zmq.PUSH)),
    "pyzmq ThreadDevice": lambda: _pyzmq(PEER.ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)),
    "pyzmq ThreadMonitoredQueue": lambda: _pyzmq(PEER.ThreadMonitoredQueue(zmq.PULL, zmq.PUSH)),
    "a loop in Python": _python,
}


def _idle() -> None:
    sys.stdin.read()


def _busy() -> None:
    while True:
        pass


def _busy_elsewhere() -> None:
    """Use as much processor time as a busy main thread, without holding the GIL."""
    with subprocess.Popen([sys.executable, __file__]):  # its standard input, too, is the driver's pipe
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
