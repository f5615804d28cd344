"""The processors that a device's threads run on."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import DEADLINE, both, bound

from zdev_background import Device, ThreadDevice

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="threads are not bound to processors here")


def streamer(kind: type[Device], **settings: Any) -> Any:
    device = bound(kind(zmq.STREAMER, zmq.PULL, zmq.PUSH))
    for name, value in settings.items():
        setattr(device, name, value)
    return device


def relays(device: Device, connect: Callable[..., zmq.Socket[bytes]]) -> bool:
    source, sink = connect(zmq.PUSH, *device.endpoints["in"]), connect(zmq.PULL, *device.endpoints["out"])
    source.send(b"x")
    return sink.recv() == b"x"


def threads(pid: int) -> dict[int, str]:
    """The names of a process's threads, by id. A thread of an earlier test may end between the listing and the reading."""
    names: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            names[int(task.name)] = (task / "comm").read_text().strip()
    return names


@linux_only
@pytest.mark.parametrize("count", [1, 3])
def test_a_device_has_as_many_io_threads_as_configured(
    count: int, connect: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    before = threads(os.getpid())
    with streamer(ThreadDevice, io_threads=count) as device:
        assert relays(device, connect)

        def named() -> bool:  # a thread gives itself its name, once it runs
            new = {name for tid, name in threads(os.getpid()).items() if tid not in before}
            return {name for name in new if name.startswith("ZMQbg/IO")} == {f"ZMQbg/IO/{n}" for n in range(count)}

        eventually(named)


def test_a_device_with_io_threads_of_its_own_leaves_the_shared_context_alone() -> None:
    with streamer(ThreadDevice, io_threads=2) as device:
        assert device._context is not zmq.Context.instance()
    assert device._context is None


@linux_only
@both
def test_the_relay_and_its_io_threads_run_where_configured(kind: type[Device], connect: Callable[..., Any]) -> None:
    here = os.sched_getaffinity(0)
    cpu = max(here)
    before = threads(os.getpid())
    with streamer(kind, cpus={cpu}) as device:
        pid = os.getpid() if kind is ThreadDevice else device.launcher.pid
        of_device = [tid for tid in threads(pid) if pid != os.getpid() or tid not in before]
        assert len(of_device) >= (3 if device.engine == "libzmq" else 1)  # the relay, an I/O thread and libzmq's reaper
        assert {cpu} == set().union(*(os.sched_getaffinity(tid) for tid in of_device))
        assert relays(device, connect)
    assert os.sched_getaffinity(0) == here


@linux_only
def test_the_thread_that_runs_a_device_returns_to_where_it_was(eventually: Callable[..., None]) -> None:
    here = os.sched_getaffinity(0)
    after = []
    device = streamer(Device, cpus=[min(here)])

    def run() -> None:
        device.start()
        after.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: device.endpoints)
    device.stop()
    thread.join(DEADLINE)
    assert after == [here]


@linux_only
def test_processors_that_are_not_there_are_refused_with_those_that_are() -> None:
    device = streamer(ThreadDevice, cpus=[1000])
    with pytest.raises(
        zmq.ZMQError, match=r"ThreadDevice: cannot run on processors \[1000\]: .*this process may use: 0"
    ) as error:
        device.start()
    assert error.value.errno == errno.EINVAL
    assert not device.is_alive()


@pytest.mark.parametrize("count", [0, -1, "two"])
def test_an_impossible_number_of_io_threads_is_refused(count: object) -> None:
    device = streamer(ThreadDevice, io_threads=count)
    with pytest.raises(zmq.ZMQError, match="ThreadDevice: cannot use .* I/O threads: .*use a number from 1 on") as error:
        device.start()
    assert error.value.errno == errno.EINVAL
    assert not device.is_alive()
