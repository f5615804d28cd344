"""`zdev top` as a program, and on a zdev that runs."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from devices_text import BIND, device
from patience import PATIENCE
from top_screen import cells, names, until

from zdev_cli.screen.app import Top

if TYPE_CHECKING:
    from conftest import Service

DEVICES = device("orders", "monitored-queue", in_=BIND, out=BIND, mon=BIND) + device("tasks", "streamer", in_=BIND, out=BIND)


@pytest.fixture
def running(service: Callable[[str], Service]) -> tuple[Service, dict[str, str]]:
    """A zdev with two devices, and their endpoints."""
    program = service(DEVICES)
    return program, program.until_ready()


class Terminal:
    """`zdev top` on a separate terminal."""

    def __init__(self, zdev_path: str, *arguments: str, size: tuple[int, int] = (80, 24)) -> None:
        self.master, self.slave = pty.openpty()
        self._set_size(size)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""
        self.process = subprocess.Popen(
            [zdev_path, "top", *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
            | {"TERM": "xterm-256color"},
        )

    def _set_size(self, size: tuple[int, int]) -> None:
        columns, lines = size
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, size: tuple[int, int]) -> None:
        self._set_size(size)
        self.process.send_signal(signal.SIGWINCH)

    def until(self, words: bytes) -> None:
        deadline = time.monotonic() + 2 * PATIENCE
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            self._read()

    def ended(self) -> int:
        """The exit status, once it has ended by itself; all that it wrote is in `seen`."""
        deadline = time.monotonic() + 2 * PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.seen[-2000:]
            self._read()
        while self._read():
            pass
        return self.process.returncode

    def _read(self) -> bool:
        if not select.select([self.master], [], [], 0.1)[0]:
            return False
        self.seen += os.read(self.master, 65536)
        return True

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(2 * PATIENCE)
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(zdev_path: str) -> Iterator[Callable[..., Terminal]]:
    terminals: list[Terminal] = []

    def start(*arguments: str, **options: Any) -> Terminal:
        terminals.append(Terminal(zdev_path, *arguments, **options))
        return terminals[-1]

    yield start
    for each in terminals:
        each.close()


def test_it_ends_when_its_terminal_is_gone_and_no_signal_says_so(
    terminal: Callable[..., Terminal], running: tuple[Service, dict[str, str]]
) -> None:
    program, _ = running
    top = terminal("--control", str(program.control))  # it has no controlling terminal: SIGHUP does not reach it
    top.until(b"orders")
    os.close(top.slave)
    os.close(top.master)
    top.master, top.slave = os.open(os.devnull, os.O_RDWR), os.open(os.devnull, os.O_RDWR)
    assert top.process.wait(PATIENCE) == 0


@pytest.mark.slow
@pytest.mark.parametrize("end", [b"q", b"\x03", signal.SIGTERM], ids=["q", "Ctrl-C", "SIGTERM"])
def test_it_draws_on_a_terminal_and_leaves_it_as_it_was(
    running: tuple[Service, Any], terminal: Callable[..., Terminal], end: bytes | int
) -> None:
    screen = terminal("--control", str(running[0].control))
    screen.until(b"orders")
    screen.until(b"tasks")
    if isinstance(end, bytes):
        os.write(screen.master, end)
    else:
        screen.process.send_signal(end)
    assert screen.ended() == 0
    assert termios.tcgetattr(screen.slave) == screen.before
    assert screen.seen.rindex(b"\x1b[?1049l") > screen.seen.rindex(b"\x1b[?1049h")  # the other screen left
    assert screen.seen.rindex(b"\x1b[?25h") > screen.seen.rindex(b"\x1b[?25l")  # the cursor shown


@pytest.mark.slow
def test_a_zdev_that_is_not_there_yet_is_waited_for(
    terminal: Callable[..., Terminal], service: Callable[[str], Service], folder: Any
) -> None:
    screen = terminal("--control", str(folder / "control.sock"), "--interval", "0.2")
    screen.until(b"cannot reach zdev")
    service(DEVICES).until_ready()
    screen.until(b"orders")


def test_it_shows_what_passes_and_pauses_and_resumes_a_device(
    running: tuple[Service, dict[str, str]], connected: Callable[..., zmq.Socket[bytes]]
) -> None:
    program, at = running
    client, worker = connected(zmq.DEALER, at["orders in"]), connected(zmq.DEALER, at["orders out"])

    async def scene() -> None:
        app = Top(str(program.control), 0.2)
        async with app.run_test(size=(80, 24)) as pilot:

            async def until(condition: Callable[[], bool]) -> None:
                deadline = time.monotonic() + 2 * PATIENCE
                while not condition():
                    assert time.monotonic() < deadline, app.export_screenshot()
                    client.send(b"hello")
                    if worker.poll(10):
                        worker.send_multipart(worker.recv_multipart())
                    await pilot.pause(0.01)

            def cell(column: str) -> str:
                return cells(app, "orders")[column] if names(app) else ""

            await until(lambda: cell("STATE") == "active" and cell("IN/S") not in ("", "0") and cell("OUT/S") != "0")
            await pilot.press("p")
            await until(lambda: cell("STATE") == "paused")
            assert program.device("orders")["state"] == "paused"
            await until(lambda: any(each.message == "orders: paused" for each in app._notifications))
            await pilot.press("r")
            await until(lambda: cell("STATE") == "active")

    asyncio.run(asyncio.wait_for(scene(), 3 * PATIENCE))


def test_a_device_is_drained_stopped_restarted_and_started_by_key(running: tuple[Service, dict[str, str]]) -> None:
    program, _ = running

    async def scene() -> None:
        app = Top(str(program.control), 0.2)
        async with app.run_test(size=(80, 24)) as pilot:

            async def until_state(state: str) -> None:
                await until(pilot, lambda: "orders" in names(app) and cells(app, "orders")["STATE"] == state)

            await until_state("active")
            for keys, state in (("dy", "stopped"), ("s", "active"), ("xy", "stopped"), ("Ry", "active")):
                await pilot.press(*keys)
                await until_state(state)
            assert program.device("tasks")["state"] == "active"

    asyncio.run(asyncio.wait_for(scene(), 3 * PATIENCE))


def test_it_fits_its_terminal_also_after_a_resize(running: tuple[Service, Any], terminal: Callable[..., Terminal]) -> None:
    screen = terminal("--control", str(running[0].control), "--interval", "0.2", size=(40, 10))
    screen.until(b"tasks")
    screen.until(b"Help")
    assert reach(screen.seen) <= (40, 10)
    assert b"Restart" not in screen.seen
    screen.resize((120, 40))
    screen.until(b"Restart")
    screen.until(b"in to out")
    assert (40, 10) < reach(screen.seen) <= (120, 40)


def reach(seen: bytes) -> tuple[int, int]:
    """Return the last column and line at which something was written."""
    places = [(int(column), int(line)) for line, column in re.findall(rb"\x1b\[(\d+);(\d+)H", seen)]
    return max(column for column, _ in places), max(line for _, line in places)


def test_once_prints_the_table_as_text(running: tuple[Service, dict[str, str]]) -> None:
    head, *rows, ready = [line.split() for line in running[0].do("top", "--once")]
    assert head[:3] == ["DEVICE", "TYPE", "STATE"]
    assert [row[:3] for row in rows] == [["orders", "monitored-queue", "active"], ["tasks", "streamer", "active"]]
    assert {len(row) for row in rows} == {len(head)}
    assert " ".join(ready) == "ready: 2 of 2 devices active"


def test_once_as_json_has_all_that_status_has(running: tuple[Service, dict[str, str]]) -> None:
    program = running[0]
    once = json.loads("\n".join(program.do("top", "--once", "--json")))
    status = program.snapshot()
    assert once.keys() == status.keys()
    assert [each["name"] for each in once["devices"]] == ["orders", "tasks"]
    assert once["devices"][0].keys() == status["devices"][0].keys()


def test_once_without_a_zdev_says_what_to_do(refused: Callable[..., tuple[int, str]], folder: Any) -> None:
    status, line = refused("top", "--once", "--control", str(folder / "control.sock"))
    assert status == 69
    assert line.startswith(f"zdev: cannot reach zdev at {folder}/control.sock (--control): there is no such socket (start one")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "add --once"), (("--json",), "--json requires --once"), (("--interval", "0"), "'--interval'")],
)
def test_a_command_line_that_makes_no_sense_is_refused(
    refused: Callable[..., tuple[int, str]], arguments: tuple[str, ...], words: str
) -> None:
    status, line = refused("top", *arguments)
    assert status == 64
    assert words in line
