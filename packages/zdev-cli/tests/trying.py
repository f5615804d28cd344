"""Fixtures of the tests that try every command on a zdev that runs."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import pytest
import zmq
from commands_of import DIRECTION, LONG, Done, Place, words_of
from devices_text import BIND, device
from patience import PATIENCE

from zdev_cli.traffic.recording import FileWriter

FILE = device("orders", "monitored-queue", in_=BIND, out=BIND, mon=BIND) + device(LONG, "queue", in_=BIND, out=BIND, workers="")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, zdev_path: str) -> Iterator[Place]:
    """A zdev that runs, with messages that pass through a device; and files to try commands on."""
    folder = tmp_path_factory.mktemp("t")
    for name, text in {"empty.toml": "", "valid.toml": FILE, "zdev.toml": FILE, "a": ""}.items():
        (folder / name).write_text(text)
    writer = FileWriter(folder / "traffic.mcap", "tcp://127.0.0.1:1", 1)
    for prefix in (b"in", DIRECTION.encode()):
        writer.add([prefix, b"frame"], 0)
    writer.finish()
    key = [zdev_path, "key", "new", "anna", "--directory", str(folder)]
    subprocess.run(key, check=True, timeout=PATIENCE, capture_output=True)
    control = str(folder / "c.sock")
    command = [zdev_path, "run", "-c", "zdev.toml", "--control", control]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        at: dict[str, str] = {}
        while not (line := program.stdout.readline()).startswith("started:"):
            at[" ".join(line.split()[:2])] = line.split()[-1]
        with traffic(at["orders in"], at["orders out"], at[f"{LONG} out"]):
            yield Place(folder, control)
        program.terminate()


@contextmanager
def traffic(client: str, worker: str, other: str) -> Iterator[None]:
    """Requests and replies through a queue, some a second, and a worker that waits at another."""
    ends = threading.Event()

    def run() -> None:
        with zmq.Context() as context:
            context.sockopts[zmq.LINGER] = 0
            asks, answers, waits = (context.socket(kind) for kind in (zmq.DEALER, zmq.DEALER, zmq.REP))
            asks.connect(client)
            answers.connect(worker)
            waits.connect(other)
            owed = 0
            while not ends.wait(0.02) or owed:  # or zdev would wait for the replies when it ends
                if not ends.is_set():
                    asks.send_multipart([b"", "request for 3 €".encode()])
                    owed += 1
                while answers.poll(0):
                    answers.send_multipart(answers.recv_multipart())
                while asks.poll(0):
                    asks.recv_multipart()
                    owed -= 1
            for socket in (asks, answers, waits):
                socket.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    ends.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def attempt(place: Place, zdev_path: str) -> Callable[..., Done]:
    """Run a command; `how`: what a shell does with its streams; `out`: its output."""

    def run(path: str, *more: str, how: str = "", out: int = subprocess.PIPE, **variables: str) -> Done:
        command = ["sh", "-c", f'exec "$0" "$@" {how}', zdev_path, *words_of(path, place), *more]
        environment = {**os.environ, **variables}
        done = subprocess.run(
            command,
            cwd=place.folder,
            env=environment,
            input=b"",
            stdout=out,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return Done(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="module")
def usual(attempt: Callable[..., Done]) -> Callable[[str], Done]:
    """How a command ends if nothing is special."""
    return cache(attempt)
