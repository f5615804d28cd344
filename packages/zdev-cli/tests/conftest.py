"""The real program and real sockets, none of which waits for ever."""

from __future__ import annotations

import queue
import signal
import subprocess
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import zmq

ZDEV = str(Path(sysconfig.get_path("scripts"), "zdev"))
PATIENCE = 20.0  # seconds for what takes a moment, on a busy machine


class Lines:
    """What a program prints, line by line, as it comes."""

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
    """A `zdev` that runs."""

    def __init__(self, *arguments: str) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([ZDEV, *arguments], stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)
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


@pytest.fixture
def zdev_path() -> str:
    return ZDEV


@pytest.fixture
def zdev() -> Iterator[Callable[..., Program]]:
    """Starts `zdev` with these arguments."""
    programs: list[Program] = []

    def start(*arguments: str) -> Program:
        programs.append(Program(*arguments))
        return programs[-1]

    yield start
    for program in programs:
        program.close()


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
    """Makes a socket of a type that is bound, and tells where."""

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
