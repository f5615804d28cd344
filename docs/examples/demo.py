"""The demo: three clients and two workers in separate processes talk through a monitored queue, and a watcher counts the messages.

python demo.py [SECONDS]

It ends with a table after about SECONDS (default: 8), or on Ctrl-C. The exit status is 0 if every request was answered correctly and
the watcher saw every message, else 1.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO, Any

import zmq
from demo_watcher import Watcher

from zdev_background import Statistics, ThreadMonitoredQueue

CLIENTS = ("anna", "bert", "cleo")
WORKERS = ("worker-1", "worker-2")
PATIENCE = 20  # seconds, for steps that take at most one unless the machine is busy


def main(seconds: float) -> int:
    device = ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER, zmq.PUB)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    device.bind_mon("tcp://127.0.0.1:*")
    device.setsockopt_mon(zmq.SNDHWM, 0)  # no limit: a PUB socket drops messages if its subscriber is too slow
    with device, zmq.Context() as context, context.socket(zmq.SUB) as sub, _processes() as processes:
        at = {role: endpoints[0] for role, endpoints in device.endpoints.items()}
        print("a monitored queue: " + ", ".join(f"{role} at {endpoint}" for role, endpoint in at.items()))
        sub.rcvhwm = 0
        sub.subscribe(b"")
        sub.connect(at["mon"])
        watcher = Watcher(sub)
        processes += [_start("demo_worker.py", name, at["out"]) for name in WORKERS]
        _get_ready(context, at["in"], watcher)

        print(f"{len(CLIENTS)} clients and {len(WORKERS)} workers talk for {seconds:g} seconds; a sample of the messages:")
        before = device.statistics()
        watcher.begin()
        clients = [_start("demo_client.py", name, at["in"], str(seconds)) for name in CLIENTS]
        processes += clients
        _watch_until_done(watcher, clients)
        rows = [Row(name, **json.loads(_output(client))) for name, client in zip(CLIENTS, clients, strict=True)]
        while sum(watcher.counts.values()) < sum(row.requests + row.replies for row in rows) and watcher.watch(1):
            pass
        after = device.statistics()
    return _conclude(rows, Row.of_device(before, after), Row("monitored", watcher.counts[b"in"], watcher.counts[b"out"]))


def _get_ready(context: zmq.Context[zmq.Socket[bytes]], endpoint: str, watcher: Watcher) -> None:
    """Return when every worker answers and the watcher receives copies.

    A subscription takes a moment to arrive, and the watcher misses earlier messages. So send requests, one after the other, until the
    watcher sees one.
    """
    deadline = monotonic() + PATIENCE
    answering: set[bytes] = set()
    seen = False
    with context.socket(zmq.REQ) as probe:
        probe.linger = 0
        probe.connect(endpoint)
        while not seen or len(answering) < len(WORKERS):
            probe.send(b"is anybody there?")
            if not probe.poll(max(0, int((deadline - monotonic()) * 1000))):
                raise TimeoutError(f"the workers did not answer within {PATIENCE} s")
            worker, answer = probe.recv_multipart()
            answering.add(worker)
            while watcher.watch(0.1):
                seen = watcher.last[0] == b"out" and watcher.last[-1] == answer


def _watch_until_done(watcher: Watcher, clients: list[subprocess.Popen[str]]) -> None:
    """Watch until the clients have ended; on Ctrl-C ask them to end.

    The first Ctrl-C only sets a flag: an exception could interrupt the program between two frames of a message.
    """
    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: asked.append(number)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    while any(client.poll() is None for client in clients):
        watcher.watch(0.05)
        if asked and before:
            print("ending early")
            for client in clients:
                _stdin(client).close()
            _restore(before)
    _restore(before)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    while handlers:
        signal.signal(*handlers.popitem())


@dataclass
class Row:
    """One line of the table: how many messages a participant counted in each direction."""

    name: str
    requests: int
    replies: int
    wrong: int = 0
    seconds: float = 0

    @classmethod
    def of_device(cls, before: Statistics, after: Statistics) -> Row:
        requests = after.in_.messages_sent - before.in_.messages_sent
        return cls("device", requests, after.out.messages_sent - before.out.messages_sent)

    def __str__(self) -> str:
        return f"{self.name:<12} {self.requests:>9} {self.replies:>9} {self.requests - self.replies:>6}"


def _conclude(rows: list[Row], device: Row, monitored: Row) -> int:
    """Print the table and the verdict; return the exit status."""
    total = Row("all clients", sum(row.requests for row in rows), sum(row.replies for row in rows))
    messages, seconds = total.requests + total.replies, max(row.seconds for row in rows)
    print(f"\n{'':<12} {'requests':>9} {'replies':>9} {'lost':>6}", *rows, total, device, monitored, sep="\n")
    print(f"\n{messages / seconds:,.0f} messages a second for {seconds:.1f} s")
    faults = {
        "requests got no reply": total.requests - total.replies,
        "replies were wrong": sum(row.wrong for row in rows),
        "is the difference between the requests of the device and of the clients": device.requests - total.requests,
        "is the difference between the replies of the device and of the clients": device.replies - total.replies,
        "is the difference between the requests of the watcher and of the clients": monitored.requests - total.requests,
        "is the difference between the replies of the watcher and of the clients": monitored.replies - total.replies,
    }
    found = [f"FAILED: {number} {text}" for text, number in faults.items() if number]
    if not total.replies:
        found.append("FAILED: nothing was exchanged")
    print(*found or [f"lost: 0. Every request was answered, and the watcher saw all {messages} messages."], sep="\n")
    return 1 if found else 0


@contextmanager
def _processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Yield a list of processes, and end all of them after the block by closing their standard input."""
    processes: list[subprocess.Popen[str]] = []
    try:
        yield processes
    finally:
        for process in processes:
            _stdin(process).close()
        for process in processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start(program: str, *arguments: str) -> subprocess.Popen[str]:
    # In a new session, so that Ctrl-C in the terminal reaches only the demo, which ends the others.
    command = [sys.executable, str(Path(__file__).with_name(program)), *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)


def _stdin(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdin
    return process.stdin


def _output(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    output = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"a client failed with status {process.returncode}; its error is above")
    return output


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 8))
    except KeyboardInterrupt:  # before the clients started, or the second Ctrl-C
        sys.exit(130)
