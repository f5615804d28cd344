"""Errors of a configuration file, and their places."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from .._failure import Failure, Status
from .._words import printable

_BARE = re.compile(r"[A-Za-z0-9_-]+")

Severity = Literal["error", "warning"]
Path = tuple[str | int, ...]
"""Keys and indexes that lead to a value: ("device", 0, "in", "bind")."""


class PendingDiagnostic(Struct, frozen=True):
    """An error at a path in the document, whose line and column are not known yet.

    Attributes:
        path: The value at fault.
        message: What is wrong; empty where the value is only uncertain, so that errors which depend on it are left out.
        at_key: Whether the key is at fault, not its value.
        depends_on: The values that it was concluded from. If one of them has an error, this one may not be true.
        see: A related value, whose line is added to the message.
    """

    path: Path
    message: str
    at_key: bool = False
    depends_on: tuple[Path, ...] = ()
    see: Path | None = None


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One error of a file, or warning.

    Attributes:
        line: From 1; None if the file cannot be read.
        column: In characters, from 1.
        key: The keys that lead to the value, joined by dots.
    """

    file: str
    line: int | None = None
    column: int | None = None
    key: str = ""
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        text = f"{self.key}: {self.message}" if self.key else self.message
        text = f"{place}  {'warning: ' * (self.severity == 'warning')}{text}"
        return printable(text)


class ConfigError(Failure):
    """A configuration file is invalid. The text has one line per diagnostic."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)), Status.CONFIGURATION)

    @property
    def report(self) -> str:
        """The text without the name of the program: each line begins with the file, as editors expect."""
        return str(self)


def key_of(path: Path) -> str:
    """Return the keys of a path without its indexes: the line says which element of an array it is."""
    return ".".join(each if _BARE.fullmatch(each) else repr(each) for each in path if isinstance(each, str))


def related(one: Path, other: Path) -> bool:
    """Return whether one path contains the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def socket_path(index: int, role: str) -> Path:
    return ("device", index, role)


def endpoint_path(socket: Path, verb: str, number: int | None) -> Path:
    """Return the path of an endpoint: `number` is its index in an array, None if the value is text."""
    path = (*socket, verb)
    return path if number is None else (*path, number)
