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

Alter = Callable[[int, list[bytes]], list[list[bytes]]]  # the messages to send instead of message number n


@pytest.fixture
def relay(deadline: float) -> Iterator[Callable[[Alter], tuple[str, str]]]:
    """Start a Python relay from PULL to PUSH that passes messages through a function, and return its endpoints."""
    context = zmq.Context()
    context.sockopts[zmq.LINGER] = 0
    threads: list[threading.Thread] = []

    def start(alter: Alter) -> tuple[str, str]:
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        ports = [socket.bind_to_random_port("tcp://127.0.0.1") for socket in (pull, push)]

        def run() -> None:
            with pull, push:
                try:
                    for number in range(10**9):
                        for message in alter(number, pull.recv_multipart()):
                            push.send_multipart(message)
                except zmq.ContextTerminated:
                    pass

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return f"tcp://127.0.0.1:{ports[0]}", f"tcp://127.0.0.1:{ports[1]}"

    yield start
    context.term()
    for thread in threads:
        thread.join(deadline)


@pytest.mark.parametrize("pattern", ["stream", "round-trips", "fan-out"])
def test_two_directly_connected_ends_exchange_every_message(pattern: str) -> None:
    load = Load(pattern, seconds=0.05, window=8)
    found = load.run()
    assert found.per_second > 0
    assert found.messages == load.received > 0
    assert (found.trips > 0) == (pattern == "round-trips")


def test_quantiles_and_counts_describe_the_same_latencies() -> None:
    found = Load("round-trips", seconds=0.05).run()
    assert 0 < found.quantile(0) <= found.quantile(0.5) <= found.quantile(1)
    assert found.count_below(found.quantile(0)) == 0
    assert found.count_below(found.quantile(1) * 2) == found.trips


def test_messages_that_a_relay_leaves_unchanged_are_counted(relay: Callable[[Alter], tuple[str, str]]) -> None:
    ends = relay(lambda _, message: [message])
    assert Load("stream", frames=3, seconds=0.05, in_endpoint=ends[0], out_endpoint=ends[1]).run().messages > 0


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda number, message: [] if number == 5 else [message], "frame 6 came in place of 5"),
        (lambda number, message: [message] * (1 + (number == 5)), "frame 5 came in place of 6"),
        (lambda number, message: [[message[0][:-1] + b"?"]] if number == 5 else [message], "content of frame 5 was changed"),
        (lambda number, message: [[*message, b""]] if number == 5 else [message], "wrong number of frames"),
    ],
    ids=["lost", "doubled", "changed", "extra frame"],
)
def test_a_message_that_a_relay_alters_fails_the_load(
    relay: Callable[[Alter], tuple[str, str]], alter: Alter, words: str
) -> None:
    ends = relay(alter)
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
    thread.join(4)  # less than the silence of 5 s that would end the load
    assert not thread.is_alive()
    assert len(failures) == 1


@pytest.mark.parametrize(("pattern", "size"), [("stream", 7), ("no pattern", 64)])
def test_invalid_options_are_refused(pattern: str, size: int) -> None:
    with pytest.raises(RuntimeError, match=r"at least 8 bytes|unknown pattern 'no pattern'"):
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


def test_a_load_that_was_not_initialised_cannot_run() -> None:
    with pytest.raises(TypeError, match=r"^Load\.__init__\(\) must be called first$"):
        Load.__new__(Load).run()
