"""From a file to a configuration, or to everything that is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from .fault import ConfigError, Fault, Finding, key_of, related
from .model import Config
from .values import TOO_MANY_DIGITS, convert

LARGEST = 16 * 1024 * 1024  # bytes: what is larger is no configuration, and /dev/zero would never end


def load(path: Path) -> Config:
    """The configuration in the file. Raises ConfigError, also for a file that can't be read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        hint = "; `zdev init` writes a file to start with" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError([Fault(file=str(path), message=f"{error.strerror}{hint}")]) from error
    except ValueError as error:  # a path with a null character
        raise ConfigError([Fault(file=str(path), message=str(error))]) from error
    return read(data, str(path))


def read(data: bytes, name: str) -> Config:
    """The configuration in `data`, of a file called `name`. Raises ConfigError."""
    text = _text(data, name)
    document = _document(text, name)
    from .rules import broken_rules

    findings: list[Finding] = []
    config: Config = convert(document, Config, (), findings).relative_to(Path(name).parent)
    findings += _unhidden(broken_rules(config), findings)
    faults = [each for each in findings if each.message]
    if faults:
        raise ConfigError(_placed(faults, text, name))
    return config


def _text(data: bytes, name: str) -> str:
    if len(data) > LARGEST:
        raise ConfigError([Fault(file=name, message=f"larger than {LARGEST} bytes: this is no configuration")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()  # the object is without a byte order mark
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigError([_fault_at(before, len(before), name, message)]) from error


def _document(text: str, name: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_fault(error, text, name)]) from error
    except RecursionError as error:
        raise ConfigError([_fault_at(text, 0, name, "arrays or tables are nested too deep")]) from error
    except ValueError as error:  # of int(), at more digits than it takes
        place = re.search(r"[0-9_]{4300}", text)
        raise ConfigError([_fault_at(text, place.start() if place else 0, name, TOO_MANY_DIGITS)]) from error


def _syntax_fault(error: tomllib.TOMLDecodeError, text: str, name: str) -> Fault:
    found = re.fullmatch(r"(?s)(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error))
    message, line, column = found.groups() if found else (str(error), "1", "1")
    if line is None:
        return _fault_at(text, len(text), name, message)
    return Fault(file=name, line=int(line), column=int(column), message=message)


def _fault_at(text: str, offset: int, name: str, message: str) -> Fault:
    start = text.rfind("\n", 0, offset) + 1
    return Fault(file=name, line=text.count("\n", 0, offset) + 1, column=offset - start + 1, message=message)


def _unhidden(concluded: Iterable[Finding], known: list[Finding]) -> list[Finding]:
    """Those of `concluded` that don't rest on a value at fault."""
    bad = [each.path for each in known]
    return [each for each in concluded if not any(related(one, path) for one in each.depends_on for path in bad)]


def _placed(findings: list[Finding], text: str, name: str) -> list[Fault]:
    from .positions import Positions

    positions = Positions(text)
    faults = []
    for each in findings:
        line, column = positions.find(each.path, at_key=each.at_key)
        seen = f" (line {positions.find(each.see)[0]})" if each.see else ""
        key = key_of(each.path)
        faults.append(Fault(file=name, line=line, column=column, key=key, message=each.message + seen))
    return list(dict.fromkeys(faults))
