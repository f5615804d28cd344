"""The files of a configuration: the main file, and those that it includes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from glob import glob, has_magic
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from .diagnostics import ConfigError, Diagnostic, PendingDiagnostic, Severity, key_of
from .diagnostics import Path as KeyPath
from .document import contents, parse
from .model import Config, IncludedFile
from .values import convert
from .variables import MARK, expand

if TYPE_CHECKING:
    from .positions import Positions


class File:
    """A file that was read.

    Attributes:
        value: Its tables. An invalid value is replaced by a valid one.
        pending: The errors in them.
        first: Index of its first device among those of all files.
    """

    def __init__(self, data: bytes, name: str, kind: type[Config | IncludedFile], first: int) -> None:
        self.name = name
        self.data = data
        self.first = first
        self.pending: list[PendingDiagnostic] = []
        self._text, self._document = parse(data, name)
        self.value: Config | IncludedFile = convert(self._document, kind, (), self.pending)

    @property
    def folder(self) -> Path:
        return Path(self.name).parent

    @cached_property
    def positions(self) -> Positions:
        from .positions import Positions

        return Positions(self._text)

    def variables_at(self, path: KeyPath) -> str | None:
        """Return the text at a path as it is written, if it has variables."""
        found: object = self._document
        for key in path:
            is_inside = (isinstance(found, dict) and key in found) or (isinstance(found, list) and isinstance(key, int))
            found = found[key] if is_inside else None  # type: ignore[index]
        return found if isinstance(found, str) and MARK in found else None


class Files:
    """The files of a configuration, in the order in which they were read."""

    def __init__(self, data: bytes, name: str) -> None:
        """Read the main file, whose contents are `data`, and all that it includes. Raises ConfigError if it is not TOML."""
        self.unreadable: list[Diagnostic] = []
        self._files = [File(data, name, Config, 0)]
        self._included: dict[Path, tuple[File, KeyPath]] = {}
        for file in self._files:  # which grows
            for number, pattern in enumerate(file.value.include):
                for path in self._matching(file, ("include", number), pattern):
                    self._include(path, file, ("include", number))

    @property
    def sha256(self) -> str:
        """The digest of the contents of all files, in the order in which they were read."""
        return sha256(b"".join(file.data for file in self._files)).hexdigest()

    def merged(self) -> Config:
        """Return the main file with the devices of all files, and paths relative to the file that has them."""
        from msgspec.structs import replace

        main, *others = [file.value.relative_to(file.folder) for file in self._files]
        assert isinstance(main, Config)
        return replace(main, device=[*main.device, *(device for other in others for device in other.device)])

    def pending(self) -> Iterator[tuple[PendingDiagnostic, File]]:
        """Yield the errors of the types of values, whose paths are those in their file."""
        return ((each, file) for file in self._files for each in file.pending)

    def path_in_all(self, path: KeyPath, file: File) -> KeyPath:
        """Return the path in the merged configuration of a path in a file."""
        index = _device_of(path)
        return path if index is None else ("device", file.first + index, *path[2:])

    def diagnostic(self, pending: PendingDiagnostic, file: File | None = None, severity: Severity = "error") -> Diagnostic:
        """Return a diagnostic with its place.

        Args:
            pending: The diagnostic.
            file: The file in which its path is; None: it is one of the merged configuration.
            severity: Its severity.
        """
        where, path = (file, pending.path) if file else self._locate(pending.path)
        line, column = where.positions.find(path, at_key=pending.at_key)
        return Diagnostic(
            file=where.name,
            line=line,
            column=column,
            key=key_of(path),
            message=(pending.message if file else self._without_values(pending)) + self._seen(pending, where),
            severity=severity,
        )

    def ordered(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return them file by file, each in the order of its lines; those of unreadable files at the end."""
        order = {file.name: number for number, file in enumerate(self._files)}
        return sorted(diagnostics, key=lambda each: (order.get(each.file, len(order)), each.line or 0, each.column or 0))

    def _matching(self, file: File, path: KeyPath, pattern: str) -> list[Path]:
        """Return the files that an item of `include` names. A missing one is reported unless the item is a pattern."""
        if not has_magic(pattern):
            return [file.folder / pattern]
        try:
            return [file.folder / each for each in sorted(glob(pattern, root_dir=file.folder))]  # noqa: PTH207  leaves hidden files out
        except ValueError as error:  # a null character
            self.unreadable.append(self.diagnostic(PendingDiagnostic(path, str(error)), file))
            return []

    def _include(self, path: Path, file: File, at: KeyPath) -> None:
        try:
            same = path.resolve()
            if same == Path(self._files[0].name).resolve():
                raise ValueError(f"{path} is the main file: it cannot be included")
            if same in self._included:  # a cycle, or an overlap of patterns
                raise ValueError(f"{path} is already included at {self._place(*self._included[same])}")
            if same.exists() and not same.is_file():  # a pipe would have zdev, and its reloads, wait indefinitely
                raise ValueError(f"cannot read {path}: not a regular file")
            self._included[same] = file, at
            data = contents(path)
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: of a cycle of symbolic links, until Python 3.13
            text = f"cannot read {path}: {error.strerror}" if isinstance(error, OSError) else str(error)
            self.unreadable.append(self.diagnostic(PendingDiagnostic(at, text), file))
            return
        try:
            first = sum(len(each.value.device) for each in self._files)
            self._files.append(File(data, str(path), IncludedFile, first))
        except ConfigError as error:
            self.unreadable += error.diagnostics

    def _locate(self, path: KeyPath) -> tuple[File, KeyPath]:
        """Return the file with a path of the merged configuration, and the path in it."""
        index = _device_of(path)
        if index is not None:
            for file in reversed(self._files):
                if file.value.device and file.first <= index:
                    return file, ("device", index - file.first, *path[2:])
        return self._files[0], path

    def _place(self, file: File, path: KeyPath) -> str:
        return f"{file.name}:{file.positions.find(path)[0]}"

    def _seen(self, pending: PendingDiagnostic, where: File) -> str:
        """Return the place of the related value."""
        if pending.see is None:
            return ""
        file, path = self._locate(pending.see)
        return f" (line {file.positions.find(path)[0]})" if file is where else f" ({self._place(file, path)})"

    def _without_values(self, pending: PendingDiagnostic) -> str:
        """Return the message with variables as they are written: their values may be secrets."""
        message = pending.message
        for path in (pending.path, *pending.depends_on, *([pending.see] if pending.see else [])):
            file, here = self._locate(path)
            if written := file.variables_at(here):
                message = _with(written, message)
        return message


def _with(written: str, message: str) -> str:
    """Return a message with a text as it is written, in place of its value."""
    try:
        value = expand(written)
    except ValueError:  # reported for the text itself
        return message
    for shown in {value, repr(value)[1:-1]} - {""}:
        message = re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", lambda _: written, message)
    return message


def _device_of(path: KeyPath) -> int | None:
    """Return the index of the device that a path leads into."""
    return path[1] if len(path) > 1 and path[0] == "device" and isinstance(path[1], int) else None
