"""A recording gives back what was written: every frame, in order, whatever was cut off or damaged behind it."""

from __future__ import annotations

import errno
import itertools
import os
import random
import re
import resource
import stat
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.records import Chunk

from zdev_cli._failure import Failure, Status
from zdev_cli.traffic.chunks import LARGEST_EXPANDED, ChunkFile, _bytes, decoded, parts_of
from zdev_cli.traffic.reader import Reader, Recorded
from zdev_cli.traffic.recording import FileWriter, Limits, Recording

frames = st.lists(st.binary(max_size=200), max_size=6)
prefixes = st.sampled_from([b"in", b"out", b"", b"\xff\0", b"p" * 65, b"in the"]) | st.binary(max_size=70)
recorded = st.builds(Recorded, st.integers(0, 2**63), st.builds(lambda prefix, rest: [prefix, *rest], prefixes, frames))
numbers = itertools.count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


def write(folder: Path, messages: list[Recorded], *, chunk_size: int = 500, finish: bool = True) -> Path:
    """A file of these messages; not finished, it is as a killed recorder leaves it."""
    writer = FileWriter(folder / f"{next(numbers)}.mcap", "ipc://here", chunk_size)
    for time, message in messages:
        writer.add(message, time)
    if finish:
        writer.finish()
    else:
        writer.flush()
        writer._file.close()
    return writer.path


def read(path: Path) -> tuple[list[Recorded], str | None]:
    reader = Reader(path)
    return list(reader), reader.fault


def read_or_refuse(path: Path) -> tuple[list[Recorded], str | None]:
    """As `read`; a file that is refused has no messages, and the refusal is its fault. Any other error is one."""
    try:
        return read(path)
    except Failure as failure:
        return [], str(failure)


def test_a_recording_whose_next_file_fails_keeps_the_last_one_and_tells(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "t.mcap", "ipc://here", Limits(1000, 1.0, 2000, None), force=False)
    (tmp_path / "t-0002.mcap").mkdir()
    with pytest.raises(Failure, match=re.escape("t-0002.mcap: File exists")):
        for number in range(100):
            recording.add([b"in", bytes(100)], number)
    recording.abandon()
    assert read(tmp_path / "t-0001.mcap") == ([Recorded(i, [b"in", bytes(100)]) for i in range(recording.messages)], None)


def test_a_recording_that_a_full_disk_cuts_short_at_the_end_of_a_file_can_be_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: ChunkFile) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    recording = Recording(tmp_path / "t.mcap", "ipc://here", Limits(1000, 1.0, None, None), force=False)
    recording.add([b"in", b"one"], 1)
    recording.flush()
    with monkeypatch.context() as disk, pytest.raises(Failure, match="No space left"):
        disk.setattr(ChunkFile, "finish", full)
        recording.finish()
    recording.abandon()
    assert read(tmp_path / "t.mcap")[0] == [Recorded(1, [b"in", b"one"])]


def test_a_file_that_a_full_disk_gives_no_room_to_begin_is_not_left_behind(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "t.mcap", "ipc://here", Limits(1000, 1.0, 2000, None), force=False)
    recording.add([b"in", bytes(100)], 0)
    recording.finish()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(Failure, match=re.escape("t-0002.mcap: File too large")):
            recording._begin()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    recording.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["t-0001.mcap"]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_frames_are_kept_exactly(content: list[bytes]) -> None:
    assert decoded(b"".join(parts_of(content))) == content


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=20), max_size=5), st.data())
def test_a_message_that_was_cut_is_refused_or_shorter(content: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts_of(content))
    part = whole[: data.draw(st.integers(0, len(whole)))]
    try:
        assert decoded(part) == content[: len(decoded(part))]
    except ValueError:
        assert len(part) < len(whole)


@settings(deadline=None, max_examples=100)
@given(messages=st.lists(recorded, max_size=30), chunk_size=st.integers(1, 2000))
def test_what_is_written_is_read(folder: Path, messages: list[Recorded], chunk_size: int) -> None:
    path = write(folder, messages, chunk_size=chunk_size)
    assert read(path) == (messages, None)


@settings(deadline=None, max_examples=100)
@given(messages=st.lists(recorded, max_size=15), data=st.data())
def test_of_a_file_that_was_cut_anywhere_the_whole_chunks_are_read(
    folder: Path, messages: list[Recorded], data: st.DataObject
) -> None:
    writer = FileWriter(folder / f"{next(numbers)}.mcap", "ipc://here", 1)  # each message is a chunk
    ends = []
    for time, message in messages:
        writer.add(message, time)
        ends.append(writer.path.stat().st_size)
    writer.finish()
    whole = writer.path.read_bytes()
    size = data.draw(st.integers(0, len(whole) - 1))
    writer.path.write_bytes(whole[:size])
    if size < 8:
        with pytest.raises(Failure, match="is not a recording of zdev: it is not an MCAP file"):
            read(writer.path)
        return
    found, fault = read(writer.path)
    assert found == messages[: len(found)]
    assert len(found) >= sum(end <= size for end in ends)
    assert fault == "truncated: the recorder was killed, or the disk was full"


def test_all_that_was_flushed_is_read_from_an_unfinished_file(folder: Path) -> None:
    messages = [Recorded(i, [b"in", b"%d" % i]) for i in range(100)]
    found, fault = read(write(folder, messages, finish=False))
    assert found == messages
    assert fault == "truncated: the recorder was killed, or the disk was full"


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_damage_crashes_the_reader_or_reaches_what_is_before_it(folder: Path, data: st.DataObject) -> None:
    messages = [Recorded(i, [b"in", b"%d" % i * 20, b""]) for i in range(60)]
    path = write(folder, messages)
    whole = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=30))
    path.write_bytes(whole)
    found, fault = read_or_refuse(path)
    if fault and "is not a recording of zdev" in fault:
        return
    sound = len(read_prefix(folder, messages, at))
    assert found[:sound] == messages[:sound]


def read_prefix(folder: Path, messages: list[Recorded], at: int) -> list[Recorded]:
    """The messages of the chunks that end before this byte."""
    path = write(folder, messages)
    path.write_bytes(path.read_bytes()[:at])
    return read(path)[0] if at >= 8 else []


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_not_a_recording_or_an_empty_one(folder: Path, content: bytes) -> None:
    path = folder / f"{next(numbers)}.mcap"
    path.write_bytes(b"\x89MCAP0\r\n" + content)
    found, fault = read_or_refuse(path)
    assert found == []
    assert fault


def test_a_file_of_another_program_is_refused_by_name(folder: Path) -> None:
    from mcap.writer import Writer

    path = folder / "robot.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        writer.add_message(writer.register_channel("/tf", "cdr", 0), 0, b"x", 0)
        writer.finish()
    with pytest.raises(
        Failure, match=r"robot.mcap is not a recording of zdev: its channel '/tf' holds 'cdr', not zmtp-multipart"
    ):
        read(path)


def test_a_message_without_the_prefix_that_its_channel_lacks_is_damage(folder: Path) -> None:
    from mcap.writer import Writer

    path = folder / "bare.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("zdev")
        channel = writer.register_channel("others", "zmtp-multipart", 0)
        writer.add_message(channel, 1, b"\2\0\0\0in", 1)
        writer.add_message(channel, 2, b"", 2)
        writer.finish()
    found, fault = read(path)
    assert fault == "damaged: a message has no prefix"
    assert found == []  # a chunk counts as a whole


def bomb(folder: Path, content: bytes, *, declared: int, sized: bool = True) -> Path:
    """A recording of one chunk; sized: whether the compressed bytes themselves say how many they become."""
    path = folder / f"{next(numbers)}.mcap"
    data = zstandard.ZstdCompressor(write_content_size=sized).compress(content)
    with path.open("wb") as file:
        ChunkFile(file, "zdev")
        file.write(_bytes(Chunk("zstd", data, 0, 0, 0, declared)))
    return path


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("declared", [10, LARGEST_EXPANDED, 2**28, 2**63])
def test_a_chunk_is_not_expanded_beyond_the_limit_whatever_it_declares(folder: Path, declared: int, sized: bool) -> None:
    path = bomb(folder, bytes(2**28), declared=declared, sized=sized)
    assert path.stat().st_size < 10_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found, fault = read(path)
    assert found == []
    assert fault
    assert fault.startswith("damaged: chunk 1 ")
    if sized or declared > LARGEST_EXPANDED:
        assert fault.endswith(f" bytes, and {LARGEST_EXPANDED:,} are allowed")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"


def test_a_chunk_that_is_larger_or_smaller_than_it_declares_is_damage(folder: Path) -> None:
    for declared in (0, 999, 1001):
        assert read(bomb(folder, bytes(1000), declared=declared)) == (
            [],
            f"damaged: chunk 1 declares {declared:,} bytes, and has 1,000",
        )


@pytest.mark.parametrize("size", [LARGEST_EXPANDED - 100, LARGEST_EXPANDED, 2 * LARGEST_EXPANDED])
def test_the_limit_refuses_nothing_that_the_recorder_writes(folder: Path, size: int) -> None:
    messages = [Recorded(1, [b"in", b"small"]), Recorded(2, [b"in", bytes(size)]), Recorded(3, [b"out", b"small"])]
    for chunk_size in (1, 2**20, 2**30):
        assert read(write(folder, messages, chunk_size=chunk_size)) == (messages, None)


def test_a_pipe_is_refused_since_only_a_file_has_a_size(folder: Path) -> None:
    whole = write(folder, [Recorded(1, [b"in", b"x"])]).read_bytes()
    reading, writing = os.pipe()
    try:
        os.write(writing, whole)
        with pytest.raises(
            Failure, match=r"cannot read /dev/fd/.*: it is a pipe \(save the recording to a file first\)"
        ) as refused:
            read(Path(f"/dev/fd/{reading}"))
        assert refused.value.status == Status.USAGE
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("largest", [20_000, 100_000])
@pytest.mark.parametrize("content", [bytes(1000), random.Random(7).randbytes(1000)], ids=["compressible", "random"])
def test_no_file_exceeds_its_limit_and_most_of_it_is_used(tmp_path: Path, largest: int, content: bytes) -> None:
    recording = Recording(tmp_path / "t.mcap", "", Limits(1 << 20, 1e9, largest, None), force=False)
    for number in range(4 * largest // 1000):
        recording.add([b"in", content[number % 7 :]], number)
    recording.finish()
    *full, last = (file.stat().st_size for file in recording.files)
    assert max(*full, last, 0) <= largest
    assert all(size > 0.7 * largest for size in full)


@pytest.mark.parametrize(("largest", "share"), [(20_000, 0.8), (200_000, 0.9)])
@pytest.mark.parametrize("is_random", [False, True])
def test_files_of_small_messages_are_nearly_as_large_as_the_limit(
    tmp_path: Path, largest: int, share: float, is_random: bool
) -> None:
    recording = Recording(tmp_path / "t.mcap", "", Limits(1 << 20, 1e9, largest, None), force=False)
    source = random.Random(7)
    for number in range(10 * largest // 64):
        recording.add([b"in", source.randbytes(64) if is_random else bytes(64)], number)
    recording.finish()
    *full, _ = (file.stat().st_size for file in recording.files)
    assert full
    assert all(share * largest <= size <= largest for size in full)


def test_a_message_that_is_larger_than_the_limit_gets_a_file_for_itself(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "t.mcap", "", Limits(1 << 20, 1e9, 20_000, None), force=False)
    for number in range(3):
        recording.add([b"in", random.Random(number).randbytes(30_000)], number)
    recording.finish()
    assert [len(list(Reader(file))) for file in recording.files] == [1, 1, 1]


def test_the_channels_show_any_reader_what_they_hold(folder: Path) -> None:
    from mcap.reader import make_reader

    path = write(folder, [Recorded(7, [b"in", b"a", b"", b"b"]), Recorded(8, [b"out", b"c"])])
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        found = [(channel, message) for _, channel, message in reader.iter_messages()]
        summary = reader.get_summary()
    assert [(channel.topic, channel.message_encoding, message.log_time, message.data) for channel, message in found] == [
        ("in", "zmtp-multipart", 7, b"\1\0\0\0a\0\0\0\0\1\0\0\0b"),
        ("out", "zmtp-multipart", 8, b"\1\0\0\0c"),
    ]
    assert summary is not None
    assert summary.statistics is not None
    assert (summary.statistics.message_start_time, summary.statistics.message_end_time) == (7, 8)
    assert summary.statistics.channel_message_counts == {1: 1, 2: 1}
    assert [list(each.message_index_offsets) for each in summary.chunk_indexes] == [[1, 2]]
    assert found[0][0].metadata == {
        "format": "frames in order, each after its size as uint32 little-endian (0xffffffff: as uint64, which follows)",
        "prefix": b"in".hex(),
        "source": "ipc://here",
    }


def test_more_prefixes_than_there_may_be_channels_are_kept_too(folder: Path) -> None:
    messages = [Recorded(i, [b"topic %d" % i, b"x"]) for i in range(1500)]
    assert read(write(folder, messages, chunk_size=10**6)) == (messages, None)


def test_a_file_is_for_its_owner_alone_and_never_replaces_another(folder: Path) -> None:
    path = write(folder, [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        FileWriter(path, "", 1)
