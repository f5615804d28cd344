"""Which control socket a command uses: --control, else ZDEV_CONTROL, else that of ./zdev.toml, else this user's."""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .._words import STARTER
from .socket_path import SCHEMES, path_of

VARIABLE = "ZDEV_CONTROL"
LARGEST = 16 * 1024 * 1024  # bytes of a configuration file


class Lookup(NamedTuple):
    """A control socket."""

    path: Path
    source: str
    """The option, variable or file that names it; for the default, why none does."""


@cache
def find(given: str | None) -> Lookup:
    """Return the control socket for a command. Once per process: zdev top stays with its zdev when ./zdev.toml changes.

    Args:
        given: The value of --control; None: it is not set.

    Raises:
        Failure: No socket can have the path.
    """
    if given:
        return Lookup(path_of(given), "--control")
    if value := os.environ.get(VARIABLE):
        return Lookup(path_of(value), VARIABLE)
    endpoint, why = _endpoint_in(Path(STARTER))
    if endpoint:
        return Lookup(path_of(endpoint), f"control.endpoint of ./{STARTER}")
    return Lookup(path_of(None), f"the default: --control and {VARIABLE} are not set, ./{STARTER} {why}")


def listening_path(given: str | None, endpoint: str | None) -> Path:
    """Return the control socket at which a zdev listens that runs a file.

    Args:
        given: The value of --control.
        endpoint: control.endpoint of the file, which ZDEV_CONTROL does not override.
    """
    return path_of(given or endpoint or os.environ.get(VARIABLE))


def overruled(given: str | None, endpoint: str | None) -> str | None:
    """Return the value of ZDEV_CONTROL that the endpoint of a file overrules; None: they do not differ."""
    value = os.environ.get(VARIABLE)
    return value if value and endpoint and not given and path_of(value) != path_of(endpoint) else None


def _endpoint_in(file: Path) -> tuple[str | None, str]:
    """Return the control.endpoint that a file sets, without a check of its other keys; or None, and why none can be used."""
    if not file.is_file():
        return None, "does not exist"
    try:
        with file.open("rb") as opened:
            control = tomllib.loads(opened.read(LARGEST).decode("utf-8-sig")).get("control", {})
    except OSError as error:
        return None, f"cannot be read ({error.strerror})"
    except (ValueError, RecursionError) as error:
        return None, f"is invalid ({error})"
    endpoint = control.get("endpoint") if isinstance(control, dict) else control
    if endpoint is None:
        return None, "sets no control.endpoint"
    if isinstance(endpoint, str) and "${" in endpoint:
        from ..config.variables import expand

        try:
            endpoint = expand(endpoint)
        except ValueError as error:
            return None, f"has an unusable control.endpoint ({error})"
    if not isinstance(endpoint, str) or not endpoint.startswith(SCHEMES):
        return None, "has an invalid control.endpoint (must be unix://PATH)"
    return endpoint, ""
