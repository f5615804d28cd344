"""The device of a scenario: `zdev run -c` of a file, seen through its control socket and from outside."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from devices_text import with_engine

from zdev_cli._failure import Failure
from zdev_cli.control.client import ask
from zdev_cli.control.protocol import Request
from zdev_cli.snapshot import DeviceView, Snapshot

from .crew import PATIENCE

DRAIN = "drain_timeout = 1.0"  # dead workers owe replies that never come
ZDEV = str(Path(sysconfig.get_path("scripts"), "zdev"))


@dataclass(frozen=True)
class DeviceSpec:
    """A device of the file. binds: a %s stands for the folder of the run, a %p for a free port."""

    type: str = "queue"
    name: str = "main"
    isolation: str = "thread"
    binds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    more: str = ""

    def toml(self, folder: Path) -> str:
        lines = ["[[device]]", f'name = "{self.name}"', f'type = "{self.type}"', f'isolation = "{self.isolation}"', DRAIN]
        for role in ("in", "out"):
            binds = [
                each.replace("%s", str(folder)).replace("%p", str(free_port()))
                for each in self.binds.get(role, ["tcp://127.0.0.1:*"])
            ]
            quoted = ", ".join(f'"{each}"' for each in binds)
            options = ", ".join(f"{name} = {value}" for name, value in self.options.get(role, {}).items())
            lines.append(f"{role} = {{ bind = [{quoted}], options = {{ {options} }} }}")
        return "\n".join([*lines, self.more, ""])


class ZdevRun:
    """A `zdev run -c` that runs. before: words of the command line before it.

    Attributes:
        engine: The engine of devices that do not set one.
    """

    engine = "auto"

    def __init__(self, folder: Path, specs: Sequence[DeviceSpec], before: Sequence[str] = ()) -> None:
        self.folder, self.file, self.control = folder, folder / "zdev.toml", folder / "control.sock"
        self._log = folder / "zdev.log"
        self.file.write_text(with_engine("\n".join(each.toml(folder) for each in specs), self.engine))
        command = [*before, ZDEV, "run", "-c", str(self.file), "--control", str(self.control)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._await_ready()

    def snapshot(self) -> Snapshot:
        snapshot = ask(Request(verb="status"), str(self.control)).snapshot
        assert snapshot
        return snapshot

    def view(self, name: str = "main") -> DeviceView:
        view = self.snapshot().device(name)
        assert view
        return view

    def endpoints(self, role: str, name: str = "main") -> list[str]:
        return next(each.binds for each in self.view(name).sockets if each.role == role)

    def reload(self) -> str:
        """Reload the file; return the error, or an empty string on success."""
        try:
            self.reloaded()
        except Failure as failure:
            return str(failure)
        return ""

    def reloaded(self) -> list[str]:
        """Reload the file; return the answer. Raises Failure."""
        return ask(Request(verb="reload"), str(self.control), PATIENCE).lines

    def reload_by_program(self) -> str:
        command = [ZDEV, "reload", "--control", str(self.control)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stderr

    def device_processes(self) -> list[int]:
        """Those of isolation = "process": forked by a server, which is a child of zdev."""
        return [each for child in _children(self.process.pid) for each in _children(child)]

    def memory(self) -> int:
        """Resident, in bytes, of zdev and its devices."""
        return sum(_resident(pid) for pid in (self.process.pid, *self.device_processes()))

    def descriptors(self) -> int:
        return sum(count(pid, "fd") for pid in (self.process.pid, *self.device_processes()))

    def threads(self) -> int:
        return sum(count(pid, "task") for pid in (self.process.pid, *self.device_processes()))

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def close(self) -> int | None:
        """End it, as an operator does; its exit status."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(PATIENCE)
        for pid in self.device_processes():
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait(PATIENCE)
        return None

    def _await_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait(PATIENCE)
                raise RuntimeError(f"zdev run did not become ready: {self.said()}")
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            return self.snapshot().ready
        except Failure:
            return False


def free_port() -> int:
    """Return a port that nobody has bound. The system gives it to others only when it has given all others."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _children(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it has ended
            yield from map(int, (thread / "children").read_text().split())


def _resident(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def count(pid: int, what: str) -> int:
    with suppress(OSError):
        return sum(1 for _ in Path(f"/proc/{pid}/{what}").iterdir())
    return 0
