"""`zdev record` keeps all that passes, whole, and leaves a file that can be read, however it ends."""

from __future__ import annotations

import json
import os
import pty
import random
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import zmq
from patience import PATIENCE

from zdev_cli._failure import Failure
from zdev_cli.traffic.reader import Reader

if TYPE_CHECKING:
    from conftest import Program

Start = Callable[..., "Program"]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]
Refused = Callable[..., tuple[int, str]]
Mon = tuple["zmq.Socket[bytes]", str]


@pytest.fixture
def mon(new_socket: Callable[[int], zmq.Socket[bytes]]) -> Mon:
    """A mon socket and its endpoint. It is an XPUB, so that it receives when someone subscribes, and drops nothing."""
    socket = new_socket(zmq.XPUB)
    socket.sndhwm = 0
    socket.bind("tcp://127.0.0.1:*")
    return socket, socket.get_string(zmq.LAST_ENDPOINT)


def messages(path: Path) -> list[list[bytes]]:
    """All messages of a file that is complete."""
    reader = Reader(path)
    found = [each.message for each in reader]
    assert reader.fault is None
    return found


def written(path: Path) -> int:
    """How many messages a reader finds by now; there may be no file yet."""
    try:
        return sum(1 for _ in Reader(path))
    except Failure:
        return 0


def wait_until(condition: Callable[[], object]) -> None:
    deadline = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < deadline


def sent(mon: Mon, count: int, size: int = 10) -> list[list[bytes]]:
    """Send so many messages; what they were."""
    whole = [[(b"in", b"out")[i % 2], b"%d" % i, b"", b"x" * size] for i in range(count)]
    for message in whole:
        mon[0].send_multipart(message)
    return whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_complete_file_and_a_summary(zdev: Start, mon: Mon, tmp_path: Path, number: int) -> None:
    path = tmp_path / "traffic.mcap"
    recorder = zdev("record", mon[1], "-o", str(path), "--chunk-seconds", "0.05")
    assert mon[0].recv() == b"\1"
    whole = sent(mon, 300)
    wait_until(lambda: written(path) == 300)  # a reader may look while it is recorded
    recorder.send(number)
    assert recorder.status() == 0
    (line,) = recorder.out.rest()
    assert line.startswith("recorded 300 messages, 3.8 kB, in ")
    assert f"{path} (" in line
    assert messages(path) == whole
    assert recorder.err.rest() == [f"connected to {mon[1]}"]


def test_a_burst_is_kept_whole(zdev: Start, mon: Mon, tmp_path: Path) -> None:
    path = tmp_path / "traffic.mcap"
    recorder = zdev("record", mon[1], "-o", str(path), "--limit", "20000")
    assert mon[0].recv() == b"\1"
    whole = sent(mon, 20000)
    assert recorder.status() == 0
    assert messages(path) == whole


def test_a_killed_recorder_leaves_what_it_had_flushed(zdev: Start, zdev_path: str, mon: Mon, tmp_path: Path) -> None:
    path = tmp_path / "traffic.mcap"
    recorder = zdev("record", mon[1], "-o", str(path), "--chunk-seconds", "0.1")
    assert mon[0].recv() == b"\1"
    whole = sent(mon, 100)
    wait_until(lambda: written(path) == 100)
    recorder.send(signal.SIGKILL)
    recorder.status()
    reader = Reader(path)
    assert [each.message for each in reader] == whole
    assert reader.fault == "truncated: the recorder was killed, or the disk was full"
    info = [zdev_path, "info", "--json", str(path)]
    shown = json.loads(subprocess.run(info, capture_output=True, check=True, timeout=PATIENCE).stdout)
    assert (shown["complete"], shown["messages"]) == (False, 100)


def test_a_chunk_is_written_when_it_is_large_enough(zdev: Start, mon: Mon, tmp_path: Path) -> None:
    path = tmp_path / "traffic.mcap"
    zdev("record", mon[1], "-o", str(path), "--chunk-seconds", "3600", "--chunk-size", "2kB")
    assert mon[0].recv() == b"\1"
    sent(mon, 100, size=100)
    wait_until(lambda: written(path) > 80)


def test_the_next_file_begins_before_one_is_too_large(zdev: Start, mon: Mon, tmp_path: Path) -> None:
    recorder = zdev("record", mon[1], "-o", str(tmp_path / "t.mcap"), "--max-size", "5kB", "--limit", "100")
    assert mon[0].recv() == b"\1"
    whole = sent(mon, 100, size=1000)
    assert recorder.status() == 0
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files[:2]] == ["t-0001.mcap", "t-0002.mcap"]
    assert len(files) > 3
    assert max(file.stat().st_size for file in files) <= 5000
    assert [message for file in files for message in messages(file)] == whole
    (line,) = recorder.out.rest()
    assert f"in {len(files)} files, {files[0]} to {files[-1].name} (" in line


def test_the_next_file_begins_when_one_is_too_old(zdev: Start, mon: Mon, tmp_path: Path) -> None:
    recorder = zdev("record", mon[1], "-o", str(tmp_path / "t.mcap"), "--max-seconds", "0.05")
    assert mon[0].recv() == b"\1"
    deadline = monotonic() + PATIENCE
    while not (tmp_path / "t-0003.mcap").exists():
        assert monotonic() < deadline
        sent(mon, 1)
    recorder.send(signal.SIGTERM)
    assert recorder.status() == 0
    assert messages(tmp_path / "t-0001.mcap")


def test_one_direction_alone(zdev: Start, mon: Mon, tmp_path: Path) -> None:
    path = tmp_path / "traffic.mcap"
    recorder = zdev("record", mon[1], "-o", str(path), "--direction", "out", "--limit", "5")
    assert mon[0].recv() == b"\1out"
    whole = sent(mon, 10)
    assert recorder.status() == 0
    assert messages(path) == [message for message in whole if message[0] == b"out"]


def test_a_duration_ends_it(zdev: Start, mon: Mon, tmp_path: Path) -> None:
    recorder = zdev("record", mon[1], "-o", str(tmp_path / "t.mcap"), "--duration", "0.2")
    assert recorder.status() == 0
    assert recorder.out.rest()[0].startswith("recorded 0 messages, 0 B, in ")


def test_what_finds_no_room_is_counted_and_reported(zdev: Start, mon: Mon, tmp_path: Path) -> None:
    recorder = zdev("record", mon[1], "-o", str(tmp_path / "t.mcap"), "--buffer", "1kB", "--limit", "1")
    assert mon[0].recv() == b"\1"
    mon[0].send_multipart([b"in", b"x" * 2000])
    mon[0].send_multipart([b"in", b"x"])
    assert recorder.status() == 69
    assert recorder.err.rest()[-1].startswith("zdev: 1 message was dropped: it arrived faster than it could be written")
    assert messages(tmp_path / "t.mcap") == [[b"in", b"x"]]


def test_a_file_that_is_there_is_replaced_only_by_force(zdev: Start, refused: Refused, mon: Mon, tmp_path: Path) -> None:
    path = tmp_path / "t.mcap"
    path.write_bytes(b"dear")
    status, line = refused("record", mon[1], "-o", str(path))
    assert status == 64
    assert f"{path} already exists" in line
    assert path.read_bytes() == b"dear"
    assert zdev("record", mon[1], "-o", str(path), "--duration", "0.05", "--force").status() == 0
    assert messages(path) == []


def test_force_replaces_all_files_of_an_earlier_row(zdev: Start, refused: Refused, mon: Mon, tmp_path: Path) -> None:
    arguments = ("record", mon[1], "-o", str(tmp_path / "t.mcap"), "--max-size", "1GB", "--duration", "0.05")
    for name in ("t-0001.mcap", "t-0007.mcap", "t-x.mcap"):
        (tmp_path / name).write_bytes(b"dear")
    assert refused(*arguments)[0] == 64
    assert zdev(*arguments, "--force").status() == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["t-0001.mcap", "t-x.mcap"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("tcp://127.0.0.1:5561",), 64, "Missing option '-o'"),
        (("tcp://127.0.0.1:5561", "-o", "/nowhere/t.mcap"), 69, "cannot write /nowhere/t.mcap: No such file or directory"),
        (("tcp://127.0.0.1:5561", "-o", "t.mcap", "--max-size", "lots"), 64, "invalid size 'lots': write bytes, like 500k"),
        (("127.0.0.1:5561", "-o", "t.mcap"), 64, "write transport://address"),
    ],
)
def test_what_makes_no_sense_is_refused(refused: Refused, arguments: tuple[str, ...], status: int, words: str) -> None:
    got, line = refused("record", *arguments)
    assert got == status
    assert words in line


def test_a_terminal_is_shown_how_far_it_is(zdev_path: str, mon: Mon, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [zdev_path, "record", mon[1], "-o", str(tmp_path / "t.mcap")]
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as recorder:
        try:
            assert mon[0].recv() == b"\1"
            sent(mon, 100)
            shown, deadline = b"", monotonic() + PATIENCE
            while b"100 messages, 1.2 kB recorded" not in shown:
                assert monotonic() < deadline
                assert select.select([ours], [], [], PATIENCE)[0]
                shown += os.read(ours, 1000)
            recorder.send_signal(signal.SIGINT)
            assert recorder.wait(PATIENCE) == 0
        finally:
            recorder.kill()
    os.close(theirs)
    os.close(ours)


def test_an_attempt_without_messages_that_fails_leaves_no_file(refused: Refused, bound: Bound, tmp_path: Path) -> None:
    _, at = bound(zmq.REP)
    path = tmp_path / "t.mcap"
    status, line = refused("record", at, "-o", str(path))
    assert status == 69
    assert line.startswith(f"zdev: {at} is not a mon endpoint: no PUB or XPUB accepted the connection")
    assert not path.exists()


def test_a_full_disk_is_reported_and_what_was_there_is_kept(zdev_path: str, mon: Mon, tmp_path: Path) -> None:
    """A limit of the process, 8 blocks of 512 bytes, stands in for the disk."""
    path = tmp_path / "t.mcap"
    command = [zdev_path, "record", mon[1], "-o", str(path), "--chunk-size", "1kB"]
    limited = ["sh", "-c", 'ulimit -f 8; exec "$0" "$@"', *command]
    with subprocess.Popen(limited, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as recorder:
        try:
            assert mon[0].recv() == b"\1"
            deadline, i = monotonic() + PATIENCE, 0
            while recorder.poll() is None:
                assert monotonic() < deadline
                mon[0].send_multipart([b"in", b"%d" % i, random.randbytes(200)])
                i += 1
            _, errors = recorder.communicate(timeout=PATIENCE)
        finally:
            recorder.kill()
    assert recorder.returncode == 69
    assert f"cannot write to {path}: File too large" in errors.splitlines()[-1]
    found = [int(each.message[1]) for each in Reader(path)]
    assert found == list(range(len(found)))
    assert found
