"""When descriptors run out, a start is refused with EMFILE, and nothing aborts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# In a program that may abort: starts DEVICE with every number of free descriptors, and prints how many starts succeeded.
EVERY_COUNT = """
import errno, os, resource, sys, zmq
from zdev_background import CurveServer, ProcessDevice, ThreadDevice, ThreadProxySteerable, create_key

def thread():
    device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("ipc://*")
    return device

def own_context():
    device = thread()
    device.io_threads = 3
    return device

def steerable():
    device = ThreadProxySteerable(zmq.ROUTER, zmq.DEALER, zmq.PUB, zmq.REP)
    for bind in (device.bind_in, device.bind_out, device.bind_mon, device.bind_ctrl):
        bind("tcp://127.0.0.1:*")
    device.connect_in("tcp://127.0.0.1:9")
    device.context_factory = zmq.Context
    return device

def secure():
    device = own_context()
    create_key(sys.argv[2], "server")
    device.secure_in(CurveServer(sys.argv[2] + "/server.key_secret", "any"))
    return device

def random_port():
    device = thread()
    device.bind_in_to_random_port("tcp://127.0.0.1")
    return device

def process():
    device = ProcessDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.start_method = "fork"
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    return device

make = globals()[sys.argv[1]]
kept = [] if make is random_port else [make()]
limit = 256
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
started = 0
for free in range(45):
    occupied = [os.open(os.devnull, os.O_RDONLY) for _ in range(limit - len(os.listdir("/proc/self/fd")) + 1 - free)]
    try:
        device = kept[0] if kept else make()
        device.file_limit = None
        device.start()
        started += 1
    except zmq.ZMQError as error:
        assert error.errno == errno.EMFILE and "ulimit -n" in str(error), error
    finally:
        for each in occupied:
            os.close(each)
    if not started:
        continue
    device.stop()
print(started)
"""


@pytest.mark.parametrize("kind", ["thread", "own_context", "steerable", "secure", "random_port", "process"])
def test_with_any_number_of_free_descriptors_a_start_succeeds_or_raises(kind: str, tmp_path: Path) -> None:
    program = [sys.executable, "-W", "ignore", "-c", EVERY_COUNT, kind, str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


RAISED = """
import logging, resource, sys, zmq
from zdev_background import ThreadDevice
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
device.bind_in("tcp://127.0.0.1:*")
device.bind_out("tcp://127.0.0.1:*")
device.file_limit = eval(sys.argv[1])
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(message)s")
with device:
    pass
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], hard)
"""


@pytest.mark.parametrize(("limit", "expected"), [(512, "512"), (128, "256"), (None, "256"), (10**9, "hard")])
def test_a_start_raises_the_limit_to_file_limit_and_never_lowers_it(limit: int | None, expected: str) -> None:
    program = [sys.executable, "-c", RAISED, repr(limit)]
    lines = subprocess.run(program, capture_output=True, text=True, timeout=50, check=True).stdout.splitlines()
    soft, hard = lines[-1].split()
    assert soft == (hard if expected == "hard" else expected)
    said = [line for line in lines if line.startswith("raised the limit of open files from 256 to ")]
    assert len(said) == (soft != "256")
