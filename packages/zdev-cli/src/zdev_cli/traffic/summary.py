"""The contents of a recording, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from .line import direction
from .reader import Reader


class Spread(NamedTuple):
    """The least, the middle and the greatest of some sizes."""

    min: int
    median: int
    max: int


@dataclass
class Way:
    """One direction."""

    messages: int = 0
    content: int = 0  # bytes
    frames: Counter[int] = field(default_factory=Counter)  # messages of so many frames
    sizes: Counter[int] = field(default_factory=Counter)  # messages of so many bytes

    def add(self, frames: Sequence[bytes]) -> None:
        size = sum(map(len, frames))
        self.messages += 1
        self.content += size
        self.frames[len(frames)] += 1
        self.sizes[size] += 1

    def merge(self, other: Way) -> None:
        self.messages += other.messages
        self.content += other.content
        self.frames += other.frames
        self.sizes += other.sizes


class Contents:
    """Recorded messages in numbers, of one file or several."""

    def __init__(self) -> None:
        self.ways: dict[bytes, Way] = {}
        self.first: int | None = None  # ns since 1970
        self.last: int | None = None
        self.file_bytes = 0

    def add_time(self, time: int) -> None:
        self.first = time if self.first is None else min(self.first, time)
        self.last = time if self.last is None else max(self.last, time)

    @property
    def messages(self) -> int:
        return sum(way.messages for way in self.ways.values())

    @property
    def content(self) -> int:
        return sum(way.content for way in self.ways.values())

    @property
    def seconds(self) -> float:
        """From the first message to the last."""
        return 0.0 if self.first is None or self.last is None else (self.last - self.first) / 1e9

    def rate(self, count: int) -> float | None:
        """So many a second; None where all came at once."""
        return count / self.seconds if self.seconds else None

    def as_json(self) -> dict[str, object]:
        return {
            "file_bytes": self.file_bytes,
            "start": iso(self.first),
            "end": iso(self.last),
            "seconds": self.seconds,
            "messages": self.messages,
            "bytes": self.content,
            "directions": [
                {
                    "direction": direction(prefix),
                    "messages": way.messages,
                    "bytes": way.content,
                    "messages_per_second": self.rate(way.messages),
                    "bytes_per_second": self.rate(way.content),
                    "frames": spread(way.frames)._asdict(),
                    "message_bytes": spread(way.sizes)._asdict(),
                }
                for prefix, way in self.ways.items()
            ],
        }


class Summary(Contents):
    """The contents of a whole file. Raises Failure when it is not a recording."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        reader = Reader(path)
        for time, (prefix, *frames) in reader:
            self.ways.setdefault(prefix, Way()).add(frames)
            self.add_time(time)
        self.fault = reader.fault
        self.source = reader.source
        self.file_bytes = path.stat().st_size

    def as_json(self) -> dict[str, object]:
        here = {"file": str(self.path), "complete": self.fault is None, "fault": self.fault, "source": self.source}
        return here | super().as_json()


class Total(Contents):
    """The contents of several files."""

    def __init__(self, parts: Sequence[Summary]) -> None:
        super().__init__()
        self.files = len(parts)
        self.incomplete = sum(part.fault is not None for part in parts)
        for part in parts:
            self.file_bytes += part.file_bytes
            for prefix, way in part.ways.items():
                self.ways.setdefault(prefix, Way()).merge(way)
            for time in (part.first, part.last):
                if time is not None:
                    self.add_time(time)

    def as_json(self) -> dict[str, object]:
        return {"files": self.files, "incomplete": self.incomplete} | super().as_json()


def spread(counts: Counter[int]) -> Spread:
    """counts: how often each size came; there is one at least. The median is a size that came, the lower of two."""
    half, seen, sizes = (counts.total() + 1) // 2, 0, sorted(counts)
    for median in sizes:
        seen += counts[median]
        if seen >= half:
            break
    return Spread(sizes[0], median, sizes[-1])


def iso(time: int | None) -> str | None:
    """A time in ns since 1970 as text, to the microsecond."""
    if time is None:
        return None
    return datetime.fromtimestamp(time // 1000 / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
