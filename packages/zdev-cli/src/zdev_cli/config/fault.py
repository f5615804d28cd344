"""What is wrong with a configuration file, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from .._failure import Failure, Status

_BARE = re.compile(r"[A-Za-z0-9_-]+")

Path = tuple[str | int, ...]
"""Keys and indexes that lead to a value: ("device", 0, "in", "bind")."""


class Finding(Struct, frozen=True):
    """A fault that knows where its value is in the document, not yet where that is in the file."""

    path: Path
    message: str
    """Empty: nothing to tell of it, but what depends on it is uncertain."""
    at_key: bool = False
    """Whether the key itself is at fault, not its value."""
    depends_on: tuple[Path, ...] = ()
    """Values that it was concluded from: where one of those is at fault itself, this may not be true."""
    see: Path | None = None
    """Another value that has to do with it."""


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that is wrong."""

    file: str
    line: int | None = None
    """From 1; None: the file can't be read at all."""
    column: int | None = None
    """In characters, from 1."""
    key: str = ""
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        text = f"{place}  {self.key}: {self.message}" if self.key else f"{place}  {self.message}"
        return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class ConfigError(Failure):
    """A configuration file can't be used. The text has a line for each of `faults`, in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda each: (each.line or 0, each.column or 0)))
        super().__init__("\n".join(map(str, self.faults)), Status.CONFIGURATION)

    @property
    def report(self) -> str:
        """Lines that begin with the file, as editors and people look for them."""
        return str(self)


def key_of(path: Path) -> str:
    """The keys alone: the place tells which of several it is."""
    return ".".join(each if _BARE.fullmatch(each) else repr(each) for each in path if isinstance(each, str))


def related(one: Path, other: Path) -> bool:
    """Whether one is, or is in, the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
