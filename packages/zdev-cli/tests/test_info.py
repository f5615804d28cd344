"""`zdev info` shows what a recording holds, in words and for programs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zdev_cli.traffic.recording import FileWriter

Info = Callable[..., str]
Refused = Callable[..., tuple[int, str]]


@pytest.fixture
def info(zdev_path: str) -> Info:
    """Return the output of `zdev info`, which must succeed without a warning."""

    def run(*arguments: str | Path) -> str:
        done = subprocess.run([zdev_path, "info", *arguments], capture_output=True, text=True, timeout=20, check=True)
        assert done.stderr == ""
        return done.stdout

    return run


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """In two seconds, four messages in and one out."""
    writer = FileWriter(tmp_path / "t.mcap", "tcp://127.0.0.1:5561", 10**6)
    for i, size in enumerate((5, 1, 1000)):
        writer.add([b"in", b"id", b"", b"x" * size], i * 10**9)
    writer.add([b"in", b"y" * 7], 2 * 10**9)
    writer.add([b"[red]out\x1b", b"z"], 2 * 10**9)
    writer.finish()
    return writer.path


def test_it_counts_each_direction(info: Info, recording: Path) -> None:
    head, source, total, _, names, _, *rows = info(recording).splitlines()
    assert head == f"{recording}  {recording.stat().st_size / 1000:.1f} kB, complete"
    assert source == "recorded from tcp://127.0.0.1:5561"
    assert total.startswith("5 messages, 1.0 kB, in 2 s from 1970-01-01 ")
    assert re.split(" {2,}", names) == [
        "direction",
        "messages",
        "bytes",
        "messages/s",
        "bytes/s",
        "frames",
        "bytes per message",
    ]
    assert rows[0].split() == ["in", "4", "1.0", "kB", "2.00", "510", "B", "1", "/", "3", "/", "3", "3", "/", "7", "/", "1,002"]
    assert rows[1].split() == [
        "0x5b7265645d6f75741b",
        "1",
        "1",
        "B",
        "0.50",
        "0",
        "B",
        "1",
        "1",
    ]  # words of a peer are not markup
    assert rows[2:] == ["", "(minimum / median / maximum)"]


def test_a_program_can_read_it(info: Info, recording: Path) -> None:
    shown = json.loads(info("--json", recording))
    way, _ = shown.pop("directions")
    assert shown == {
        "file": str(recording),
        "file_bytes": recording.stat().st_size,
        "complete": True,
        "fault": None,
        "source": "tcp://127.0.0.1:5561",
        "start": "1970-01-01T00:00:00.000000Z",
        "end": "1970-01-01T00:00:02.000000Z",
        "seconds": 2.0,
        "messages": 5,
        "bytes": 1020,
    }
    assert way == {
        "direction": "in",
        "messages": 4,
        "bytes": 1019,
        "messages_per_second": 2.0,
        "bytes_per_second": 509.5,
        "frames": {"min": 1, "median": 3, "max": 3},
        "message_bytes": {"min": 3, "median": 7, "max": 1002},
    }


def test_a_file_that_was_cut_says_so(info: Info, recording: Path) -> None:
    recording.write_bytes(recording.read_bytes()[:-1])
    assert "kB, truncated: the recorder was killed, or the disk was full\n" in info(recording)
    assert json.loads(info("--json", recording))["complete"] is False


def test_an_empty_recording_has_no_table(info: Info, tmp_path: Path) -> None:
    path = tmp_path / "empty.mcap"
    FileWriter(path, "", 1).finish()
    assert info(path).splitlines()[1:] == ["no messages"]
    assert json.loads(info("--json", path))["start"] is None


def test_nothing_in_a_recording_reaches_a_terminal_as_a_command(info: Info, refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31m.mcap"
    writer = FileWriter(path, "\x1b]0;title\x07\nsecond line", 1)
    writer.add([b"\x1b[31m", b"x"], 0)
    writer.finish()
    shown = info(path)
    assert r"/\u001b[31m.mcap  " in shown
    assert r"recorded from \u001b]0;title\u0007\nsecond line" in shown
    assert shown.replace("\n", "").isprintable()
    path.write_bytes(b"")
    assert refused("info", str(path))[1].isprintable()


def test_several_files_are_reported_one_after_the_other_and_then_their_total(info: Info, recording: Path) -> None:
    one = json.loads(info("--json", recording))
    *each, total = map(json.loads, info("--json", recording, recording).splitlines())
    assert each == [one, one]
    assert (total["files"], total["incomplete"]) == (2, 0)
    for key in ("file_bytes", "messages", "bytes"):
        assert total[key] == 2 * one[key]
    assert [way["messages"] for way in total["directions"]] == [2 * way["messages"] for way in one["directions"]]
    assert (total["start"], total["end"]) == (one["start"], one["end"])
    shown = info(recording, recording)
    assert shown.count("complete") == 3
    assert "\ntotal of 2 files  " in shown
    assert "total" not in info(recording)


def test_a_file_that_is_not_a_recording_is_refused(refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "empty.mcap"
    path.touch()
    assert refused("info", str(path)) == (64, f"zdev: {path} is not a recording of zdev: it is not an MCAP file")
    assert refused("info", "nowhere")[0] == 64
    assert refused("info")[0] == 64


@pytest.mark.parametrize("command", ["tap", "record", "replay", "info"])
def test_every_command_has_help_with_an_example_and_loads_nothing_heavy_for_it(command: str) -> None:
    look = (
        f"import sys, zdev_cli; sys.argv = ['zdev', '{command}', '--help']\ntry: zdev_cli.main()\nfinally: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=20, check=False)
    *text, modules = done.stdout.splitlines()
    assert f"    zdev {command} " in "\n".join(text).split("Example:")[1]
    assert not {"zmq", "mcap", "rich", "msgspec", "zstandard", "zdev_background"} & set(modules.split())
