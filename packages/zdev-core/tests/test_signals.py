"""Signals in the main thread: Ctrl-C and handlers, idle and under full load. Each test runs a separate program."""

from __future__ import annotations

import json
import signal
import statistics
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Child

# A program with a device. `announce` prints a line, from another thread, when the device runs and is as busy as required.
# The load is a ring: out is connected to in, so messages circulate for ever, as fast as the device relays them.
PROGRAM = """
import json, os, signal, sys, threading, time
import zmq, zdev_core

context = zmq.Context()
ins, outs = context.socket(zmq.PULL), context.socket(zmq.PUSH)
ins.bind("inproc://in")
loaded = sys.argv[1] == "under load"
if loaded:
    outs.connect("inproc://in")
    for i in range(100):
        outs.send(b"%d" % i)
device = zdev_core.Device(ins, outs)

def announce():
    moved = device.statistics().in_.messages_sent + 10_000
    while device.statistics().state is not zdev_core.State.ACTIVE or (
        loaded and device.statistics().in_.messages_sent < moved
    ):
        time.sleep(0.001)
    print("running", flush=True)

def announced():
    threading.Thread(target=announce).start()
"""

each_load = pytest.mark.parametrize("load", ["idle", "under load"])


@each_load
def test_ctrl_c_ends_the_run_within_100_ms(child: Callable[..., Child], load: str) -> None:
    program = child(
        PROGRAM
        + """
while True:
    try:
        announced()
        device.run()
    except KeyboardInterrupt:
        print(time.monotonic(), flush=True)
""",
        load,
    )
    delays = []
    for _ in range(7):
        assert program.line() == "running"
        sent = time.monotonic()  # the clock of the machine, shared by its processes
        program.process.send_signal(signal.SIGINT)
        delays.append(float(program.line()) - sent)
    print(f"{load}: KeyboardInterrupt after {[f'{1000 * delay:.1f} ms' for delay in delays]}")
    assert max(delays) < 2
    assert statistics.median(delays) < 0.1


@each_load
def test_nothing_is_lost_when_the_device_runs_again_after_ctrl_c(child: Callable[..., Child], load: str) -> None:
    # Idle: out has room for a few messages only, so the device keeps the next one pending. Under load it sometimes keeps one.
    program = child(
        PROGRAM
        + """
sink = context.socket(zmq.PULL)
if not loaded:
    source = context.socket(zmq.PUSH)
    source.sndhwm, ins.rcvhwm, outs.sndhwm, sink.rcvhwm = 0, 0, 1, 1
    source.connect("inproc://in")
    sink.bind("inproc://sink")
    outs.connect("inproc://sink")
    for i in range(100):
        source.send(b"%d" % i)

    def announce():
        def pending():
            seen = device.statistics().in_
            return seen.messages_received - seen.messages_sent
        while pending() != 1 or device.statistics().state is not zdev_core.State.ACTIVE:
            time.sleep(0.001)
        print("running", flush=True)

for _ in range(3):
    try:
        announced()
        device.run()
    except KeyboardInterrupt:
        print("interrupted", flush=True)

if loaded:  # open the ring: messages sent to the sink no longer circulate
    sink.bind("inproc://sink")
    outs.connect("inproc://sink")
got = []
def read():
    while len(got) < 100 and sink.poll(5000):
        got.append(int(sink.recv()))
    device.stop()
threading.Thread(target=read).start()
device.run()
print(json.dumps(sorted(got) if loaded else got))
context.destroy(linger=0)
""",
        load,
    )
    for _ in range(3):
        assert program.line() == "running"
        program.process.send_signal(signal.SIGINT)
        assert program.line() == "interrupted"
    assert json.loads(program.result()) == list(range(100))


@each_load
def test_a_handler_runs_and_the_device_continues(child: Callable[..., Child], load: str) -> None:
    program = child(
        PROGRAM
        + """
calls = 0
def handler(number, frame):
    global calls
    calls += 1
    os.write(1, b"%a\\n" % (threading.current_thread() is threading.main_thread()))  # print would not be reentrant
    if calls == 3:
        device.stop()
signal.signal(signal.SIGUSR1, handler)
announced()
print(device.run())
context.destroy(linger=0)
""",
        load,
    )
    assert program.line() == "running"
    for _ in range(3):
        program.process.send_signal(signal.SIGUSR1)
        assert program.line() == "True"
    assert program.result() == "Outcome.STOPPED\n"


@each_load
@pytest.mark.parametrize("role", ["in", "out"])
def test_a_handler_that_closes_a_socket_ends_the_run(child: Callable[..., Child], load: str, role: str) -> None:
    program = child(
        PROGRAM
        + """
signal.signal(signal.SIGUSR1, lambda number, frame: (ins if sys.argv[2] == "in" else outs).close(0))
announced()
try:
    device.run()
except zmq.ZMQError as error:
    print(error.errno == zmq.ENOTSOCK, error)
context.destroy(linger=0)
""",
        load,
        role,
    )
    assert program.line() == "running"
    program.process.send_signal(signal.SIGUSR1)
    assert program.result() == f"True the {role} socket is closed\n"


@each_load
def test_a_device_in_a_thread_leaves_signals_to_the_main_thread(child: Callable[..., Child], load: str) -> None:
    program = child(
        PROGRAM
        + """
thread = threading.Thread(target=device.run)
thread.start()
try:
    announced()
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    print(device.statistics().state)
device.stop()
thread.join(10)
print(thread.is_alive())
context.destroy(linger=0)
""",
        load,
    )
    assert program.line() == "running"
    program.process.send_signal(signal.SIGINT)
    assert program.result() == "State.ACTIVE\nFalse\n"


def test_a_function_can_be_called_again_after_ctrl_c_and_the_program_ends(child: Callable[..., Child]) -> None:
    program = child(
        PROGRAM
        + """
client, worker = context.socket(zmq.PUSH), context.socket(zmq.PULL)
client.connect("inproc://in")
outs.bind("inproc://out")
worker.connect("inproc://out")

def exchange():
    while True:
        client.send(b"message")
        worker.recv()
        print("running", flush=True)
        resume.acquire()

resume = threading.Semaphore(0)
threading.Thread(target=exchange, daemon=True).start()
for _ in range(2):
    try:
        zdev_core.queue(ins, outs)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        resume.release()
""",
        "idle",
    )
    for _ in range(2):
        assert program.line() == "running"
        program.process.send_signal(signal.SIGINT)
        assert program.line() == "interrupted"
    program.result()


# Interrupts a call of `queue` while a message is pending, for which out has no room.
FUNCTION = (
    PROGRAM
    + """
import warnings
warnings.simplefilter("ignore", ResourceWarning)  # of sockets that are not closed
del device
source, sink = context.socket(zmq.PUSH), context.socket(zmq.PULL)
source.sndhwm, ins.rcvhwm, outs.sndhwm, sink.rcvhwm = 0, 0, 1, 1
source.linger = outs.linger = 0
source.connect("inproc://in")
sink.bind("inproc://sink")
outs.connect("inproc://sink")
for i in range(100):
    source.send(b"%d" % i)

made = []
def noted(*args, **options):
    made.append(zdev_core.Device(*args, **options))
    return made[-1]
zdev_core._functions.Device = noted

def announce():
    while not made or made[0].statistics().in_.pending != 1:
        time.sleep(0.001)
    print("running", flush=True)

announced()
try:
    zdev_core.queue(ins, outs)
except KeyboardInterrupt:
    print("interrupted", flush=True)
made.clear()
"""
)


def test_a_function_called_again_sends_the_pending_message_first(child: Callable[..., Child]) -> None:
    program = child(
        FUNCTION
        + """
got = []
def read():
    while len(got) < 100 and sink.poll(5000):
        got.append(int(sink.recv()))
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=read).start()
try:
    zdev_core.queue(ins, outs)
except KeyboardInterrupt:
    print(json.dumps(got))
context.destroy(linger=0)
""",
        "idle",
    )
    assert program.line() == "running"
    program.process.send_signal(signal.SIGINT)
    assert program.line() == "interrupted"
    assert json.loads(program.result()) == list(range(100))


def test_a_pending_message_of_a_function_keeps_no_socket_open(child: Callable[..., Child]) -> None:
    program = child(
        FUNCTION
        + """
assert len(zdev_core._functions._interrupted) == 1
del ins, outs
source.close()
sink.close()
context.term()
print("terminated", flush=True)
others = [zmq.Context.instance().socket(kind) for kind in (zmq.PULL, zmq.PUSH)]
zdev_core._functions._device_for((*others, None, None, None, None))
print(zdev_core._functions._interrupted)
""",
        "idle",
    )
    assert program.line() == "running"
    program.process.send_signal(signal.SIGINT)
    assert program.line() == "interrupted"
    assert program.line() == "terminated"
    assert program.result() == "[]\n"


def test_a_run_that_ends_while_the_interpreter_finalizes_is_harmless(child: Callable[..., Child]) -> None:
    program = child(
        PROGRAM
        + """
class Late:
    def __del__(self, device=device, sleep=time.sleep):
        device.stop()  # the thread now waits for the GIL, which a finalizing interpreter never releases
        sleep(0.1)

thread = threading.Thread(target=device.run, daemon=True)
thread.start()
announce()
sys.late = Late()
""",
        "idle",
    )
    assert program.result() == "running\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")
def test_a_wait_for_peers_that_ends_while_the_interpreter_finalizes_is_harmless(child: Callable[..., Child]) -> None:
    program = child(
        """
import sys, threading, time, zmq
from zdev_core import WireDevice, WireSocket

class Late:
    def __del__(self, sleep=time.sleep):
        sleep(0.5)  # the thread now waits for the GIL, which a finalizing interpreter never releases

ins, outs = (WireSocket(kind, binds=["tcp://127.0.0.1:*"]) for kind in (zmq.PULL, zmq.PUSH))
device = WireDevice(ins, outs)
threading.Thread(target=device.await_peer, args=(0.3,), daemon=True).start()
sys.late = Late()
print("running", flush=True)
"""
    )
    assert program.result() == "running\n"
