"""Environment variables in the strings of a configuration file: `${NAME}` and `${NAME:-default}`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress

MARK = "${"  # only strings with it can have variables

_PLACE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")  # the first alternative is a literal ${
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def expand(text: str) -> str:
    """Return the text with the values of its variables, and `$${` as `${`.

    Raises:
        ValueError: A variable is not set and has no default, or its name is invalid.
    """
    return _PLACE.sub(_value_of, text)


def scalars(text: str) -> Iterator[int | float | bool]:
    """Yield the number, and the boolean, that this text can be."""
    if text in ("true", "false"):
        yield text == "true"
    for kind in (int, float):
        with suppress(ValueError):
            yield kind(text)


def _value_of(place: re.Match[str]) -> str:
    if place[0] == "$${":
        return MARK
    found = _VARIABLE.fullmatch(place[1]) if place[2] else None
    if found is None:
        raise ValueError("invalid variable: write ${NAME} or ${NAME:-default} ($${ stands for ${ itself)")
    name, default = found.groups()
    value = os.environ.get(name)
    if default is not None:
        return value or default
    if value is None:
        raise ValueError(f"variable {name} is not set (set it in the environment of zdev, or write ${{{name}:-default}})")
    return value
