"""The real program and real sockets, none of which waits for ever."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from socket import socket as Socket
from typing import IO, Any

import pytest
import zmq
from devices_text import with_engine
from msgspec import to_builtins
from patience import PATIENCE

from zdev_cli._words import DEVICE_TYPES
from zdev_cli.control.client import ask
from zdev_cli.control.protocol import Request

ZDEV = str(Path(sysconfig.get_path("scripts"), "zdev"))


class Lines:
    """The output of a program, line by line, as it arrives."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def next(self) -> str:
        """The next line. Fails when the program ends without one, or says nothing for long."""
        line = self._lines.get(timeout=PATIENCE)
        assert line is not None, "the program ended without another line"
        return line

    def next_with(self, text: str) -> str:
        """The next line with this text."""
        while text not in (line := self.next()):
            pass
        return line

    def waiting(self) -> bool:
        """Whether there is a line that was not asked for yet."""
        return not self._lines.empty()

    def rest(self) -> list[str]:
        """All further lines; the program ends, or has ended."""
        return list(iter(lambda: self._lines.get(timeout=PATIENCE), None))

    def close(self) -> None:
        self._reader.join(PATIENCE)
        self._stream.close()

    def _read(self) -> None:
        for line in self._stream:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


class Program:
    """A `zdev` that runs.

    Attributes:
        engine: The engine of devices that do not set one.
    """

    engine = "auto"

    def __init__(
        self,
        *arguments: str,
        limit_files: int | None = None,
        sockets: Mapping[str, Socket] | None = None,
        **environment: str,
    ) -> None:
        """Start it. `sockets`: by name, to pass as systemd does."""
        pipe = subprocess.PIPE
        takes_engine = arguments[:1] == ("run",) and set(DEVICE_TYPES) & set(arguments[1:2])  # else a file has it
        if self.engine != "auto" and takes_engine and "--engine" not in arguments:
            arguments = (*arguments, "--engine", self.engine)
        limit = ["prlimit", f"--nofile={limit_files}"] if limit_files else []
        named = {name: each.fileno() for name, each in (sockets or {}).items()}
        if named:
            listed = ",".join(f"{name}:{fd}" for name, fd in named.items())
            limit = [sys.executable, str(Path(__file__).with_name("listen_fds.py")), listed, *limit]
        self.process = subprocess.Popen(
            [*limit, ZDEV, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env={**os.environ, **environment},
            pass_fds=tuple(named.values()),
        )
        assert self.process.stdout
        assert self.process.stderr
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def endpoints(self, count: int) -> dict[str, str]:
        """The endpoint of each role, from the first `count` lines of `zdev run`."""
        lines = [self.out.next().split() for _ in range(count)]
        return {line[0]: line[-1] for line in lines}

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def status(self) -> int:
        """The exit status, once the program has ended by itself."""
        return self.process.wait(PATIENCE)

    def statistics(self, number: int = signal.SIGTERM) -> dict[str, int]:
        """End `zdev run` by a signal; what its last line tells."""
        self.send(number)
        last = self.out.rest()[-1]
        assert self.status() == 0
        assert last.startswith("statistics ")
        return {name: int(value) for name, value in (word.split("=") for word in last.split()[1:])}

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.out.close()
        self.err.close()


class Service(Program):
    """`zdev run -c` of a file in `folder`, with its control socket there too."""

    command = (ZDEV,)

    def __init__(
        self,
        folder: Path,
        toml: str,
        file: Path | None = None,
        control: Path | None = None,
        arguments: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        self.file, self.control = file or folder / "zdev.toml", control or folder / "control.sock"
        self.write(toml)
        super().__init__("run", "-c", str(self.file), "--control", str(self.control), *arguments, **options)
        self.http = ""
        """The base of its addresses, like http://127.0.0.1:9595"""
        self.said: list[str] = []
        """Return its output up to and including its line `ready`."""

    def write(self, toml: str) -> None:
        """Write the configuration file."""
        self.file.write_text(with_engine(toml, self.engine))

    def until_ready(self) -> dict[str, str]:
        """The first endpoint of each socket, like "orders in", once all devices were started."""
        at: dict[str, str] = {}
        while not (line := self.out.next()).startswith(("started:", "not ready:")):
            self.said.append(line)
            words = line.split()
            if words[0] == "http":
                self.http = words[1].rstrip("/")
            elif words[0] != "control":
                at.setdefault(" ".join(words[:2]), words[-1])
        self.said.append(line)
        return at

    def device_processes(self) -> list[int]:
        """Of the devices with isolation = "process"; they are forked by a server, which is a child of zdev."""
        return [each for child in self.children() for each in _children(child)]

    def children(self) -> list[int]:
        """The processes that zdev has started itself."""
        return _children(self.process.pid)

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `zdev` command against this one."""
        command = [*self.command, *arguments, "--control", str(self.control)]
        return subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)

    def do(self, *arguments: str) -> list[str]:
        """Return the output of a command, which must succeed."""
        done = self.ask(*arguments)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.splitlines()

    def snapshot(self) -> dict[str, Any]:
        """Return the status as `zdev status --json` prints it, without running that program."""
        snapshot: dict[str, Any] = to_builtins(ask(Request(verb="status"), str(self.control)).snapshot)
        return snapshot

    def device(self, name: str) -> dict[str, Any]:
        """That of one device."""
        device: dict[str, Any] = next(each for each in self.snapshot()["devices"] if each["name"] == name)
        return device

    def until(self, name: str, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The device of this name, as soon as the condition holds for it."""
        deadline = time.monotonic() + PATIENCE
        while not condition(device := self.device(name)):
            assert time.monotonic() < deadline, device
            time.sleep(0.02)
        return device

    def close(self) -> None:
        devices = self.device_processes() if self.process.poll() is None else []
        for each in devices:
            os.kill(each, signal.SIGCONT)  # a suspended one could not see that zdev is gone
        super().close()


def _children(pid: int) -> list[int]:
    children: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it has ended
            children += map(int, (thread / "children").read_text().split())
    return children


@pytest.fixture(autouse=True)
def programs_have_the_engine(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the option --engine and the mark `engine` reach the programs."""
    monkeypatch.setattr(Program, "engine", engine)


@pytest.fixture(scope="session")
def zdev_path() -> str:
    return ZDEV


@pytest.fixture(scope="session")
def faults_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, str]], dict[str, list[str]]]:
    """Runs `zdev validate` once on texts by name, none of which is right: what it says of each, without the file's name."""

    def run(texts: dict[str, str]) -> dict[str, list[str]]:
        folder = tmp_path_factory.mktemp("texts")
        files = {name: folder / f"{number}.toml" for number, name in enumerate(texts)}
        for name, file in files.items():
            file.write_text(texts[name], encoding="utf-8")
        command = [ZDEV, "validate", *map(str, files.values())]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        assert (done.stdout, done.returncode) == ("", 78)
        said = done.stderr.splitlines()
        return {
            name: [line.removeprefix(f"{file}:") for line in said if line.startswith(str(file))] for name, file in files.items()
        }

    return run


@pytest.fixture
def zdev() -> Iterator[Callable[..., Program]]:
    """Starts `zdev` with these arguments; options are those of `Program`."""
    programs: list[Program] = []

    def start(*arguments: str, **options: Any) -> Program:
        programs.append(Program(*arguments, **options))
        return programs[-1]

    yield start
    for program in programs:
        program.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short path, closed to others."""
    with tempfile.TemporaryDirectory(prefix="zdev-") as path:
        yield Path(path)


@pytest.fixture
def service(folder: Path) -> Iterator[Callable[..., Service]]:
    """Starts `zdev run -c` of a file with this content; further arguments are of `Service`, or environment variables."""
    services: list[Service] = []

    def start(toml: str, **options: Any) -> Service:
        services.append(Service(folder, toml, **options))
        return services[-1]

    yield start
    for each in services:
        each.close()


@pytest.fixture
def refused() -> Callable[..., tuple[int, str]]:
    """Runs a `zdev` that is to fail: its exit status, and the one line that it says."""

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([ZDEV, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1, done.stderr
        return done.returncode, done.stderr.rstrip()

    return run


@pytest.fixture
def new_socket() -> Iterator[Callable[[int], zmq.Socket[bytes]]]:
    """Makes sockets that wait for long, not for ever, and are closed after the test."""
    with zmq.Context() as context:
        context.sockopts.update({zmq.LINGER: 0, zmq.RCVTIMEO: int(PATIENCE * 1000), zmq.SNDTIMEO: int(PATIENCE * 1000)})
        sockets: list[zmq.Socket[bytes]] = []

        def make(kind: int) -> zmq.Socket[bytes]:
            sockets.append(context.socket(kind))
            return sockets[-1]

        yield make
        for socket in sockets:
            socket.close()


@pytest.fixture
def connected(new_socket: Callable[[int], zmq.Socket[bytes]]) -> Callable[..., zmq.Socket[bytes]]:
    """Makes a socket of a type that connects to an endpoint, with options like `routing_id=b"name"`."""

    def make(kind: int, endpoint: str, **options: Any) -> zmq.Socket[bytes]:
        socket = new_socket(kind)
        for name, value in options.items():
            setattr(socket, name, value)
        socket.connect(endpoint)
        return socket

    return make


@pytest.fixture
def bound(new_socket: Callable[[int], zmq.Socket[bytes]]) -> Callable[..., tuple[zmq.Socket[bytes], str]]:
    """Make a bound socket of a type; return it and its endpoint."""

    def make(kind: int, endpoint: str = "tcp://127.0.0.1:*") -> tuple[zmq.Socket[bytes], str]:
        socket = new_socket(kind)
        socket.bind(endpoint)
        return socket, socket.get_string(zmq.LAST_ENDPOINT)

    return make


@pytest.fixture
def free() -> Iterator[str]:
    """An ipc endpoint that nobody has bound."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"ipc://{folder}/mon"
