"""Read a configuration file, or report all its errors."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from .diagnostics import ConfigError, Diagnostic, PendingDiagnostic, key_of, related
from .model import Config
from .values import TOO_MANY_DIGITS, convert

LARGEST = 16 * 1024 * 1024  # bytes: larger than any configuration; /dev/zero would never end


def load(path: Path) -> Config:
    """Read a configuration file.

    Raises:
        ConfigError: The file is invalid or cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        hint = " (zdev init writes a starter file)" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError([Diagnostic(file=str(path), message=f"{error.strerror}{hint}")]) from error
    except ValueError as error:  # a path with a null character
        raise ConfigError([Diagnostic(file=str(path), message=str(error))]) from error
    return read(data, str(path))


def read(data: bytes, name: str) -> Config:
    """Read the contents of a file called `name`.

    Raises:
        ConfigError: The contents are invalid.
    """
    text = _text(data, name)
    document = _document(text, name)
    from .rules import broken_rules

    pending: list[PendingDiagnostic] = []
    config: Config = convert(document, Config, (), pending).relative_to(Path(name).parent)
    pending += _unhidden(broken_rules(config), pending)
    diagnostics = [each for each in pending if each.message]
    if diagnostics:
        raise ConfigError(_placed(diagnostics, text, name))
    return config


def _text(data: bytes, name: str) -> str:
    if len(data) > LARGEST:
        raise ConfigError([Diagnostic(file=name, message=f"larger than {LARGEST} bytes: not a configuration file")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()  # the object is without a byte order mark
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8 (save the file as UTF-8)"
        raise ConfigError([_error_at(before, len(before), name, message)]) from error


def _document(text: str, name: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_error(error, text, name)]) from error
    except RecursionError as error:
        raise ConfigError([_error_at(text, 0, name, "arrays or tables are nested too deep")]) from error
    except ValueError as error:  # of int(), at more digits than it takes
        place = re.search(r"[0-9_]{4300}", text)
        raise ConfigError([_error_at(text, place.start() if place else 0, name, TOO_MANY_DIGITS)]) from error


def _syntax_error(error: tomllib.TOMLDecodeError, text: str, name: str) -> Diagnostic:
    found = re.fullmatch(r"(?s)(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error))
    message, line, column = found.groups() if found else (str(error), "1", "1")
    if line is None:
        return _error_at(text, len(text), name, message)
    return Diagnostic(file=name, line=int(line), column=int(column), message=message)


def _error_at(text: str, offset: int, name: str, message: str) -> Diagnostic:
    start = text.rfind("\n", 0, offset) + 1
    return Diagnostic(file=name, line=text.count("\n", 0, offset) + 1, column=offset - start + 1, message=message)


def _unhidden(concluded: Iterable[PendingDiagnostic], known: list[PendingDiagnostic]) -> list[PendingDiagnostic]:
    """Leave out diagnostics that depend on a value with an error."""
    bad = [each.path for each in known]
    return [each for each in concluded if not any(related(one, path) for one in each.depends_on for path in bad)]


def _placed(pending: list[PendingDiagnostic], text: str, name: str) -> list[Diagnostic]:
    from .positions import Positions

    positions = Positions(text)
    diagnostics = []
    for each in pending:
        line, column = positions.find(each.path, at_key=each.at_key)
        seen = f" (line {positions.find(each.see)[0]})" if each.see else ""
        key = key_of(each.path)
        diagnostics.append(Diagnostic(file=name, line=line, column=column, key=key, message=each.message + seen))
    return list(dict.fromkeys(diagnostics))
