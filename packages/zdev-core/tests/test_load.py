"""The load generator of `zdev bench`, on pyzmq's libzmq."""

from __future__ import annotations

import ast
import inspect
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

import zdev_core
from zdev_core import _load
from zdev_core._load import Load

PATIENCE = 20  # seconds
Meddle = Callable[[int, list[bytes]], list[list[bytes]]]


@pytest.fixture
def relay() -> Iterator[Callable[[Meddle], tuple[str, str]]]:
    """Starts a relay of Python between a PULL and a PUSH, whose messages go through a function; tells its endpoints."""
    context = zmq.Context()
    context.sockopts[zmq.LINGER] = 0
    threads: list[threading.Thread] = []

    def start(meddle: Meddle) -> tuple[str, str]:
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        ports = [socket.bind_to_random_port("tcp://127.0.0.1") for socket in (pull, push)]

        def run() -> None:
            with pull, push:
                try:
                    for number in range(10**9):
                        for message in meddle(number, pull.recv_multipart()):
                            push.send_multipart(message)
                except zmq.ContextTerminated:
                    pass

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return f"tcp://127.0.0.1:{ports[0]}", f"tcp://127.0.0.1:{ports[1]}"

    yield start
    context.term()
    for thread in threads:
        thread.join(PATIENCE)


@pytest.mark.parametrize("pattern", ["stream", "round-trips", "fan-out"])
def test_two_ends_that_talk_directly_get_everything(pattern: str) -> None:
    load = Load(pattern, seconds=0.05, window=8)
    found = load.run()
    assert found.per_second > 0
    assert found.messages == load.received > 0
    assert (found.trips > 0) == (pattern == "round-trips")


def test_quantiles_and_counts_tell_the_same_latencies() -> None:
    found = Load("round-trips", seconds=0.05).run()
    assert 0 < found.quantile(0) <= found.quantile(0.5) <= found.quantile(1)
    assert found.count_below(found.quantile(0)) == 0
    assert found.count_below(found.quantile(1) * 2) == found.trips


def test_what_a_relay_passes_on_unchanged_is_counted(relay: Callable[[Meddle], tuple[str, str]]) -> None:
    ends = relay(lambda _, message: [message])
    assert Load("stream", frames=3, seconds=0.05, in_endpoint=ends[0], out_endpoint=ends[1]).run().messages > 0


@pytest.mark.parametrize(
    ("meddle", "words"),
    [
        (lambda number, message: [] if number == 5 else [message], "frame 6 came in place of 5"),
        (lambda number, message: [message] * (1 + (number == 5)), "frame 5 came in place of 6"),
        (lambda number, message: [[message[0][:-1] + b"?"]] if number == 5 else [message], "content of frame 5 changed"),
        (lambda number, message: [[*message, b""]] if number == 5 else [message], "too many frames"),
    ],
    ids=["lost", "doubled", "changed", "another frame"],
)
def test_what_a_relay_spoils_is_told(relay: Callable[[Meddle], tuple[str, str]], meddle: Meddle, words: str) -> None:
    ends = relay(meddle)
    with pytest.raises(RuntimeError, match=words):
        Load("stream", size=65, seconds=5, in_endpoint=ends[0], out_endpoint=ends[1]).run()


def test_a_load_that_waits_ends_when_cancelled(tmp_path: Path) -> None:
    load = Load("round-trips", seconds=60, in_endpoint=f"ipc://{tmp_path}/in", out_endpoint=f"ipc://{tmp_path}/out")
    failures: list[Exception] = []

    def run() -> None:
        try:
            load.run()
        except RuntimeError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    load.cancel()
    thread.join(4)  # less than the silence that ends it anyway
    assert not thread.is_alive()
    assert len(failures) == 1


@pytest.mark.parametrize(("pattern", "size"), [("stream", 7), ("no pattern", 64)])
def test_what_makes_no_sense_is_refused(pattern: str, size: int) -> None:
    with pytest.raises(RuntimeError, match=r"at least 8 bytes|no such pattern: 'no pattern'"):
        Load(pattern, size=size).run()


def test_the_stub_has_the_documentation_of_the_extension() -> None:
    stub = ast.parse(Path(zdev_core.__file__).with_name("_load.pyi").read_text())
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    public = {name for name in vars(_load) if not name.startswith("_")}
    assert public == {*classes, *(node.name for node in stub.body if isinstance(node, ast.FunctionDef))}
    for name, node in classes.items():
        ours = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
        assert {*ours} - {"__init__"} == {each for each in vars(getattr(_load, name)) if not each.startswith("_")}
        for each, function in ours.items():
            if text := ast.get_docstring(function):
                documented = inspect.getdoc(getattr(getattr(_load, name), each)) or ""
                assert " ".join(documented.split()).endswith(" ".join(text.split()))


def test_one_that_was_not_initialised_refuses_all() -> None:
    with pytest.raises(TypeError, match=r"^Load\.__init__\(\) must be called first$"):
        Load.__new__(Load).run()
