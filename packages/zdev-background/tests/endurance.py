"""Starts and stops devices over and over, and prints memory and descriptors: `python endurance.py [THREADS [PROCESSES]]`.

No test of the suite, for it takes a minute or two.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path

import zmq

from zdev_background import ProcessMonitoredQueue, ThreadMonitoredQueue


def resident() -> int:
    """Memory of this process, in KiB."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0])


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def cycles(kind: type[ThreadMonitoredQueue | ProcessMonitoredQueue], count: int) -> None:
    device = kind(zmq.ROUTER, zmq.DEALER, zmq.PUB)
    for bind in (device.bind_in, device.bind_out, device.bind_mon):
        bind("tcp://127.0.0.1:*")
    begin = time.monotonic()
    for done in range(count + 1):
        if done % max(1, count // 10) == 0:
            gc.collect()
            time.sleep(0.2)  # libzmq closes some descriptors a little later
            took = time.monotonic() - begin
            print(f"{kind.__name__} {done:6} cycles {resident():8} KiB {descriptors():4} descriptors {took:7.1f} s", flush=True)
        device.start()
        device.stop()


if __name__ == "__main__":
    counts = [int(each) for each in sys.argv[1:]] + [10_000, 200][len(sys.argv) - 1 :]
    cycles(ThreadMonitoredQueue, counts[0])
    cycles(ProcessMonitoredQueue, counts[1])
