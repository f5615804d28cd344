"""Read a configuration file, or report all its errors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .diagnostics import ConfigError, Diagnostic, PendingDiagnostic, related
from .diagnostics import Path as KeyPath
from .document import contents
from .files import Files
from .model import Config


def load(path: Path) -> Config:
    """Read a configuration file, and those that it includes.

    Raises:
        ConfigError: The file is invalid or cannot be read.
    """
    return read(data_of(path), str(path))


def load_with_digest(path: Path) -> tuple[Config, str]:
    """Read a configuration file, as `load`, and also return the SHA-256 of its contents, followed by those of included files."""
    config, files = check(data_of(path), str(path))
    return config, files.sha256


def read(data: bytes, name: str) -> Config:
    """Read the contents of a file called `name`, and the files that it includes.

    Raises:
        ConfigError: The contents are invalid.
    """
    return check(data, name)[0]


def data_of(path: Path) -> bytes:
    """Return the contents of a file. Raises ConfigError if it cannot be read."""
    try:
        return contents(path)
    except OSError as error:
        hint = " (zdev init writes a starter file)" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError([Diagnostic(file=str(path), message=f"{error.strerror}{hint}")]) from error
    except ValueError as error:  # a path with a null character
        raise ConfigError([Diagnostic(file=str(path), message=str(error))]) from error


def check(data: bytes, name: str) -> tuple[Config, Files]:
    """Read the contents of a file called `name`, as `read`, and also return the files, which know where each value is."""
    files = Files(data, name)
    from .rules import broken_rules

    config = files.merged()
    found = list(files.pending())
    bad = [files.path_in_all(each.path, file) for each, file in found]
    if files.unreadable:
        bad.append(("device",))  # some are not known
    concluded = _unhidden(broken_rules(config), bad)
    diagnostics = [files.diagnostic(each, file) for each, file in found if each.message]
    diagnostics += [files.diagnostic(each) for each in concluded if each.message]
    if diagnostics or files.unreadable:
        raise ConfigError(files.ordered(dict.fromkeys([*files.unreadable, *diagnostics])))
    return config, files


def _unhidden(concluded: Iterable[PendingDiagnostic], bad: list[KeyPath]) -> list[PendingDiagnostic]:
    """Leave out diagnostics that depend on a value with an error."""
    return [each for each in concluded if not any(related(one, path) for one in each.depends_on for path in bad)]
