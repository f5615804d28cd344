"""Share sockets with deadlines, devices in threads, and their clean-up after each test."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import count
from typing import Any

import pytest
import zmq

import zdev_core

DEADLINE = 10.0  # seconds; only a failing test waits that long


@pytest.fixture
def deadline() -> float:
    return DEADLINE


class Call(Future[Any]):
    """A call in a thread, whose result has a deadline."""

    def result(self, timeout: float | None = DEADLINE) -> Any:
        return super().result(timeout)


class Net:
    """A context, the sockets of one test, and the devices that run on some of them in threads."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        self._lent: set[Any] = set()  # to a thread
        self._devices: list[zdev_core.Device] = []
        self._calls: list[Call] = []
        self._ending: threading.Thread | None = None
        self._names = count()

    def socket(self, kind: int, **options: Any) -> zmq.Socket[bytes]:
        """Create a socket with timeouts."""
        made = self.context.socket(kind)
        made.linger = 0
        made.rcvtimeo = made.sndtimeo = int(DEADLINE * 1000)
        for name, value in options.items():
            setattr(made, name, value)
        self._sockets.append(made)
        return made

    def bound(self, kind: int, transport: str = "inproc", **options: Any) -> tuple[zmq.Socket[bytes], str]:
        """Create a bound socket, and return it with its endpoint."""
        made = self.socket(kind, **options)
        made.bind(f"inproc://{next(self._names)}" if transport == "inproc" else "tcp://127.0.0.1:*")
        return made, made.getsockopt_string(zmq.LAST_ENDPOINT)

    def connected(self, kind: int, endpoint: str, **options: Any) -> zmq.Socket[bytes]:
        made = self.socket(kind, **options)
        made.connect(endpoint)
        return made

    def streamer(self, transport: str = "inproc") -> tuple[zmq.Socket[bytes], ...]:
        """Create a PULL and a PUSH for a device, a source that pushes to the one, and a sink that pulls from the other."""
        return self._with_peers(zmq.PULL, zmq.PUSH, zmq.PUSH, zmq.PULL, transport)

    def queue(self, transport: str = "inproc") -> tuple[zmq.Socket[bytes], ...]:
        """Create a ROUTER and a DEALER for a device, a REQ client of the one, and a REP worker at the other."""
        return self._with_peers(zmq.ROUTER, zmq.DEALER, zmq.REQ, zmq.REP, transport)

    def _with_peers(
        self, in_kind: int, out_kind: int, in_peer: int, out_peer: int, transport: str
    ) -> tuple[zmq.Socket[bytes], ...]:
        (in_socket, front), (out_socket, back) = self.bound(in_kind, transport), self.bound(out_kind, transport)
        return in_socket, out_socket, self.connected(in_peer, front), self.connected(out_peer, back)

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
        """Call the function in a thread, which owns the sockets among the arguments until the test is over."""
        self._lent |= {each for each in args if isinstance(each, zmq.Socket)}
        done = Call()

        def work() -> None:
            try:
                done.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                done.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        self._calls.append(done)
        return done

    def device(self, *sockets: zmq.Socket[Any], **options: Any) -> zdev_core.Device:
        """Create a device, which alone uses its sockets until the test is over."""
        device = zdev_core.Device(*sockets, **options)
        self._lent |= {*sockets, options.get("ctrl_socket")} - {None}
        self._devices.append(device)
        return device

    def run(self, *sockets: zmq.Socket[Any], **options: Any) -> tuple[zdev_core.Device, Call]:
        """Run a device in a thread, and return it with its future outcome."""
        device = self.device(*sockets, **options)
        return device, self.call(device.run)

    def terminate(self) -> threading.Thread:
        """Terminate the context in a thread, which ends when all sockets are closed."""
        if self._ending is None:
            for each in self._sockets:
                if each not in self._lent:
                    each.close()
            self._ending = threading.Thread(target=self.context.term, daemon=True)
            self._ending.start()
        return self._ending

    def close(self) -> None:
        for device in self._devices:
            device.stop()
        ending = self.terminate()
        for done in self._calls:
            done.exception(DEADLINE)
        for each in self._sockets:
            each.close()
        ending.join(DEADLINE)
        assert not ending.is_alive(), "the context did not terminate: a socket is open"


@pytest.fixture
def net() -> Iterator[Net]:
    made = Net()
    yield made
    made.close()


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fail after the deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.002)


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    return wait_until


class Child:
    """A Python process that runs a script, and whose output is read line by line."""

    def __init__(self, script: str, *args: str, env: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-X", "faulthandler", "-W", "error", "-c", textwrap.dedent(script), *args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        # Killing a child that hangs ends every read from it.
        self._end = threading.Timer(2 * DEADLINE, self.process.kill)
        self._end.start()

    def line(self) -> str:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, f"the child ended without output: {self.ended()}"
        return text.rstrip("\n")

    def ended(self) -> tuple[int, str, str]:
        """Return the exit status and the rest of the output. Popen.communicate would skip what readline has buffered."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(), out, err

    def result(self) -> str:
        """Return the rest of the output, after the child has ended without an error."""
        status, out, err = self.ended()
        assert (status, err) == (0, ""), f"{out}\n{err}"
        return out

    def close(self) -> None:
        self._end.cancel()
        with self.process:
            self.process.kill()


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    made: list[Child] = []

    def start(script: str, *args: str, env: dict[str, str] | None = None) -> Child:
        made.append(Child(script, *args, env=env))
        return made[-1]

    yield start
    for each in made:
        each.close()
