"""The notifications that the real program sends to the service manager (sd_notify)."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from devices_text import BIND, device
from patience import PATIENCE

if TYPE_CHECKING:
    from conftest import Service

Start = Callable[..., "Service"]
QUEUE = device("orders", "queue", in_=BIND, out=BIND)


class Manager:
    """The service manager's end of the notification socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(PATIENCE)

    def next(self) -> str:
        """The next message other than WATCHDOG=1."""
        while (message := self._socket.recv(4096).decode()) == "WATCHDOG=1":
            pass
        return message

    def until(self, wanted: str) -> None:
        while self._socket.recv(4096).decode() != wanted:
            pass

    def is_quiet(self, wanted: str, seconds: float) -> bool:
        """Whether `wanted` does not come for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                if self._socket.recv(4096).decode() == wanted:
                    return False
            except TimeoutError:
                break
            finally:
                self._socket.settimeout(PATIENCE)
        return True

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, folder: Path) -> Iterator[Manager]:
    found = Manager(f"{folder}/notify" if request.param == "path" else f"@zdev-test-{os.getpid()}-{time.monotonic_ns()}")
    yield found
    found.close()


@pytest.mark.slow
def test_it_reports_ready_reloading_and_stopping(service: Start, manager: Manager) -> None:
    program = service(QUEUE, NOTIFY_SOCKET=manager.address)
    assert manager.next() == "STATUS=1 of 1 device active"
    assert manager.next() == "READY=1"
    program.until_ready()
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    program.send(signal.SIGHUP)
    first, second = manager.next().splitlines()
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert manager.next() == "READY=1"
    program.write("nonsense")
    program.send(signal.SIGHUP)
    assert manager.next().startswith("RELOADING=1")
    assert manager.next() == "READY=1"
    program.send(signal.SIGTERM)
    assert manager.next() == "STOPPING=1"
    assert program.status() == 0


@pytest.mark.slow
def test_it_is_ready_when_a_device_waits_and_says_so(service: Start, folder: Path) -> None:
    manager = Manager(f"{folder}/notify")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        more = QUEUE.replace("orders", "billing").replace(":*", f":{taken.getsockname()[1]}", 1)
        service(QUEUE + more, NOTIFY_SOCKET=manager.address)
        assert manager.next() == "STATUS=1 of 2 devices active, 1 waiting (billing)"
        assert manager.next() == "READY=1"
    assert manager.next() == "STATUS=2 of 2 devices active"
    manager.close()


@pytest.mark.slow
def test_a_device_that_does_not_move_withholds_the_watchdog(service: Start, folder: Path) -> None:
    manager = Manager(f"{folder}/notify")
    program = service(
        QUEUE + QUEUE.replace("orders", "billing") + 'isolation = "process"',
        NOTIFY_SOCKET=manager.address,
        WATCHDOG_USEC="400000",
    )
    program.until_ready()
    manager.until("WATCHDOG=1")
    manager.until("WATCHDOG=1")
    (process,) = program.device_processes()
    os.kill(process, signal.SIGSTOP)
    manager.until("STATUS=2 of 2 devices active; unresponsive: billing")
    assert manager.is_quiet("WATCHDOG=1", 1.0)
    os.kill(process, signal.SIGCONT)
    manager.until("WATCHDOG=1")
    manager.close()


@pytest.mark.slow
def test_a_watchdog_of_another_process_is_not_fed(service: Start, folder: Path) -> None:
    manager = Manager(f"{folder}/notify")
    program = service(QUEUE, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="100000", WATCHDOG_PID="1")
    program.until_ready()
    manager.until("READY=1")
    assert manager.is_quiet("WATCHDOG=1", 0.5)
    manager.close()


@pytest.mark.slow
def test_a_manager_that_is_not_there_is_no_reason_to_end(service: Start, folder: Path) -> None:
    program = service(QUEUE, NOTIFY_SOCKET=f"{folder}/nobody", WATCHDOG_USEC="nonsense")
    program.until_ready()
    assert program.snapshot()["ready"] is True
