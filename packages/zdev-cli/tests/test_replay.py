"""`zdev replay` sends what was recorded, whole and in order, to whoever takes it, and says so when nobody does."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zdev_cli.traffic.reader import Reader
from zdev_cli.traffic.recording import FileWriter

if TYPE_CHECKING:
    from conftest import Program

Start = Callable[..., "Program"]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]
Connected = Callable[..., "zmq.Socket[bytes]"]
Refused = Callable[..., tuple[int, str]]
Message = list[bytes]
ANY = "tcp://127.0.0.1:*"


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., str]:
    """Makes a recording of these messages, so many seconds apart; its path."""

    def make(*messages: Message, apart: float = 0.0, name: str = "t.mcap", cut: bool = False) -> str:
        writer = FileWriter(tmp_path / name, "ipc://mon", 10**6)
        for i, message in enumerate(messages):
            writer.add(message, 10**18 + int(i * apart * 1e9))
        writer.finish()
        if cut:
            writer.path.write_bytes(writer.path.read_bytes()[:-20])
        return str(writer.path)

    return make


def requests(count: int) -> list[Message]:
    """As they pass the ROUTER of a queue, and the replies to them."""
    ways = [([b"in", b"client", b"", b"ask %d" % i], [b"out", b"client", b"", b"answer %d" % i]) for i in range(count)]
    return [message for both in ways for message in both]


def test_what_came_in_is_sent_whole_and_in_order(zdev: Start, recorded: Callable[..., str], bound: Bound) -> None:
    pull, at = bound(zmq.PULL)
    replay = zdev("replay", recorded(*requests(3)), "--to", at)
    assert [pull.recv_multipart() for _ in range(3)] == [[b"client", b"", b"ask %d" % i] for i in range(3)]
    assert replay.status() == 0
    assert replay.err.rest() == [f"connected to {at}"]
    (line,) = replay.out.rest()
    assert line.startswith("replayed 3 messages, 33 B, in 0.0")
    assert line.endswith(f" s to {at}")


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (("--direction", "out"), [[b"client", b"", b"answer 0"], [b"client", b"", b"answer 1"]]),
        (
            ("--direction", "in", "--direction", "out", "--limit", "2"),
            [[b"client", b"", b"ask 0"], [b"client", b"", b"answer 0"]],
        ),
        (("--strip", "1"), [[b"", b"ask 0"], [b"", b"ask 1"]]),
        (("--content-only",), [[b"ask 0"], [b"ask 1"]]),
        (("--content-only", "--loop", "2", "--limit", "3"), [[b"ask 0"], [b"ask 1"], [b"ask 0"]]),
    ],
)
def test_what_is_sent_can_be_chosen(
    zdev: Start, recorded: Callable[..., str], bound: Bound, arguments: tuple[str, ...], sent: list[Message]
) -> None:
    pull, at = bound(zmq.PULL)
    replay = zdev("replay", recorded(*requests(2)), "--to", at, "--speed", "max", *arguments)
    assert [pull.recv_multipart() for _ in sent] == sent
    assert replay.status() == 0
    assert replay.out.rest()[0].startswith(f"replayed {len(sent)} messages, ")


def test_recorded_requests_go_through_a_queue_and_are_answered(
    zdev: Start, recorded: Callable[..., str], connected: Connected
) -> None:
    at = zdev("run", "queue", "--bind-in", ANY, "--bind-out", ANY).endpoints(2)
    worker = connected(zmq.REP, at["out"])
    replay = zdev("replay", recorded(*requests(5)), "--to", at["in"], "--type", "DEALER", "--strip", "1")
    for i in range(5):
        assert worker.recv() == b"ask %d" % i
        worker.send(b"yes")
    assert replay.status() == 0
    assert replay.out.rest()[0].endswith(", 5 replies came")


def test_it_can_stand_in_for_a_queue_that_workers_connect_to(
    zdev: Start, recorded: Callable[..., str], connected: Connected
) -> None:
    replay = zdev("replay", recorded(*requests(2)), "--to", ANY, "--bind", "--type", "dealer", "--strip", "1")
    at = replay.err.next().removeprefix("bound to ")
    worker = connected(zmq.REP, at)
    for i in range(2):
        assert worker.recv() == b"ask %d" % i
        worker.send(b"yes")
    assert replay.status() == 0


def test_a_router_sends_to_the_peer_that_the_first_frame_names(
    zdev: Start, recorded: Callable[..., str], connected: Connected
) -> None:
    replay = zdev("replay", recorded(*requests(1)), "--to", ANY, "--bind", "--type", "ROUTER", "--wait", "0")
    at = replay.err.next().removeprefix("bound to ")
    peer = connected(zmq.DEALER, at, routing_id=b"client")
    assert peer.recv_multipart() == [b"", b"ask 0"]
    assert replay.status() == 0


def test_a_router_whose_peer_never_comes_says_whom_it_misses(zdev: Start, recorded: Callable[..., str]) -> None:
    replay = zdev("replay", recorded(*requests(1)), "--to", ANY, "--bind", "--type", "ROUTER", "--timeout", "0.2")
    assert replay.status() == 69
    assert replay.err.rest()[-1].endswith(": no peer with the routing id client connected within 0.2 s")


def test_a_publisher_waits_for_a_subscriber_and_loses_nothing(
    zdev: Start, recorded: Callable[..., str], new_socket: Callable[[int], zmq.Socket[bytes]]
) -> None:
    whole = [[b"in", b"topic", b"%d" % i] for i in range(5000)]
    replay = zdev("replay", recorded(*whole), "--to", ANY, "--bind", "--type", "PUB", "--speed", "max")
    at = replay.err.next().removeprefix("bound to ")
    subscriber = new_socket(zmq.SUB)
    subscriber.rcvhwm = 10
    subscriber.subscribe(b"topic")
    subscriber.connect(at)
    assert [subscriber.recv_multipart() for _ in whole] == [message[1:] for message in whole]
    assert replay.status() == 0


def test_a_slow_receiver_holds_it_back_and_gets_everything(
    zdev: Start, recorded: Callable[..., str], new_socket: Callable[[int], zmq.Socket[bytes]]
) -> None:
    pull = new_socket(zmq.PULL)
    pull.rcvhwm = 1
    pull.bind(ANY)
    whole = [[b"in", b"%d" % i, b"x" * 10_000] for i in range(3000)]
    replay = zdev("replay", recorded(*whole), "--to", pull.get_string(zmq.LAST_ENDPOINT), "--speed", "max")
    assert [pull.recv_multipart() for _ in whole] == [message[1:] for message in whole]
    assert replay.status() == 0


def test_nobody_there_is_unavailable(zdev: Start, recorded: Callable[..., str], free: str) -> None:
    replay = zdev("replay", recorded(*requests(1)), "--to", free, "--timeout", "0.2")
    assert replay.status() == 69
    assert replay.out.rest() == []
    assert replay.err.rest()[-1] == f"zdev: PUSH to {free}: no peer within 0.2 s: nothing was sent"


def test_a_receiver_that_stops_is_unavailable(
    zdev: Start, recorded: Callable[..., str], new_socket: Callable[[int], zmq.Socket[bytes]]
) -> None:
    pull = new_socket(zmq.PULL)
    pull.rcvhwm = 1
    pull.bind(ANY)
    at = pull.get_string(zmq.LAST_ENDPOINT)
    whole = [[b"in", b"x" * 100_000]] * 2000
    replay = zdev("replay", recorded(*whole), "--to", at, "--speed", "max", "--timeout", "0.3")
    assert replay.status() == 69
    assert replay.err.rest()[-1] == f"zdev: PUSH to {at}: the next message was not accepted within 0.3 s"
    assert replay.out.rest()[0].startswith("replayed ")


def test_a_receiver_that_leaves_and_comes_back_gets_the_rest_and_the_break_is_reported(
    zdev: Start, recorded: Callable[..., str], bound: Bound, free: str
) -> None:
    first, _ = bound(zmq.PULL, free)
    whole = [[b"in", b"%d" % i] for i in range(3)]
    replay = zdev("replay", recorded(*whole, apart=1.0), "--to", free)
    assert first.recv() == b"0"
    first.close()
    second, _ = bound(zmq.PULL, free)
    while second.recv() != b"2":
        pass
    assert replay.status() == 0
    assert replay.err.rest()[-1] == "the connection ended once; messages on their way then may be lost"


def test_one_of_a_type_that_takes_nothing_is_reported(refused: Refused, recorded: Callable[..., str], bound: Bound) -> None:
    _, at = bound(zmq.PUB)
    status, line = refused("replay", recorded(*requests(1)), "--to", at)
    assert status == 69
    assert line.startswith(f"zdev: {at} does not accept a PUSH: the socket there has a type that does not match")


@pytest.mark.parametrize(("speed", "least"), [("1", 0.6), ("2", 0.3)])
def test_the_pace_is_that_of_the_recording(
    zdev: Start, recorded: Callable[..., str], bound: Bound, speed: str, least: float
) -> None:
    pull, at = bound(zmq.PULL)
    zdev("replay", recorded(*[[b"in", b"x"]] * 4, apart=0.2), "--to", at, "--speed", speed)
    pull.recv()
    began = monotonic()
    for _ in range(3):
        pull.recv()
    assert monotonic() - began > least - 0.1


@pytest.mark.parametrize("fast", [("--speed", "max"), ("--speed", "1000000"), ("--max-gap", "0.01")])
def test_pauses_can_be_left_out(zdev: Start, recorded: Callable[..., str], bound: Bound, fast: tuple[str, ...]) -> None:
    pull, at = bound(zmq.PULL)
    replay = zdev("replay", recorded(*[[b"in", b"x"]] * 3, apart=3600), "--to", at, *fast)
    assert [pull.recv() for _ in range(3)] == [b"x"] * 3
    assert replay.status() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_pause_with_a_summary(zdev: Start, recorded: Callable[..., str], bound: Bound, number: int) -> None:
    pull, at = bound(zmq.PULL)
    replay = zdev("replay", recorded([b"in", b"1"], [b"in", b"2"], apart=3600), "--to", at)
    assert pull.recv() == b"1"
    replay.send(number)
    assert replay.status() == 0
    assert replay.out.rest()[0].startswith("replayed 1 message, 1 B, in ")


def test_files_are_played_one_after_the_other(zdev: Start, recorded: Callable[..., str], bound: Bound) -> None:
    pull, at = bound(zmq.PULL)
    files = recorded([b"in", b"1"], name="a.mcap"), recorded([b"in", b"2"], name="b.mcap")
    assert zdev("replay", *files, "--to", at).status() == 0
    assert [pull.recv(), pull.recv()] == [b"1", b"2"]


def test_of_a_file_that_was_cut_the_rest_is_sent_and_the_cut_reported(
    zdev: Start, recorded: Callable[..., str], bound: Bound
) -> None:
    pull, at = bound(zmq.PULL)
    path = recorded([b"in", b"1"], cut=True)
    replay = zdev("replay", path, "--to", at)
    assert pull.recv() == b"1"
    assert replay.status() == 0
    assert f"{path}: truncated: the recorder was killed, or the disk was full; sending what comes before" in replay.err.rest()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.mcap", "--to", ANY), "'nowhere.mcap' does not exist"),
        ((__file__, "--to", ANY), "is not a recording of zdev: it is not an MCAP file"),
        ((__file__,), "Missing option '--to'"),
        ((__file__, "--to", ANY, "--speed", "0"), "invalid speed '0': write 1, another factor, or max"),
        ((__file__, "--to", "here"), "write transport://address"),
        ((__file__, "--to", ANY, "--type", "SUB"), "'SUB' is not one of"),
    ],
)
def test_what_makes_no_sense_is_refused(refused: Refused, arguments: tuple[str, ...], words: str) -> None:
    status, line = refused("replay", *arguments)
    assert status == 64
    assert words in line


def test_a_direction_that_was_not_recorded_is_reported(refused: Refused, recorded: Callable[..., str]) -> None:
    path = recorded([b"requests", b"1"])
    status, line = refused("replay", path, "--to", ANY)
    assert (status, line) == (64, f"zdev: {path}: no message of direction in (see zdev info)")


frames = st.lists(st.binary(max_size=100), min_size=1, max_size=5)


@settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(messages=st.lists(frames, min_size=1, max_size=200))
def test_record_then_replay_gives_the_same_frames_in_the_same_order(
    zdev: Start, new_socket: Callable[[int], zmq.Socket[bytes]], messages: list[Message]
) -> None:
    """Through real programs: recorded, replayed through a streamer, and recorded there once more."""
    mon, sink = new_socket(zmq.XPUB), new_socket(zmq.PULL)
    mon.bind(ANY)
    sink.bind(ANY)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/t.mcap"
        recorder = zdev("record", mon.get_string(zmq.LAST_ENDPOINT), "-o", path, "--limit", str(len(messages)))
        assert mon.recv() == b"\1"
        for message in messages:
            mon.send_multipart([b"in", *message])
        assert recorder.status() == 0
        assert [each.message[1:] for each in Reader(Path(path))] == messages
        replay = zdev("replay", path, "--to", sink.get_string(zmq.LAST_ENDPOINT), "--speed", "max")
        assert [sink.recv_multipart() for _ in messages] == messages
        assert replay.status() == 0
