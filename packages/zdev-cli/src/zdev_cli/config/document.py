"""The contents of one configuration file: bytes, text and TOML."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from .diagnostics import ConfigError, Diagnostic
from .values import TOO_MANY_DIGITS

LARGEST = 16 * 1024 * 1024  # bytes: larger than any configuration; /dev/zero would never end


def contents(path: Path) -> bytes:
    """Return the contents of a file; of one that is too large, more than `LARGEST` bytes. Raises OSError or ValueError."""
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def parse(data: bytes, name: str) -> tuple[str, dict[str, object]]:
    """Return the text and the TOML document of a file called `name`. Raises ConfigError."""
    text = _text(data, name)
    return text, _document(text, name)


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
