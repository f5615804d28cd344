"""What to look at: a device that runs, by name, or the endpoint of a mon socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .._sockets import checked
from .._words import endpoint_of
from ..control.client import control_option

_Command = TypeVar("_Command", bound=Callable[..., Any])


def target_argument(command: _Command) -> _Command:
    """The argument DEVICE|ENDPOINT, as `target`, and where to ask for a device: --control, as `control`."""
    return click.argument("target", metavar="DEVICE|ENDPOINT", callback=checked(_target_of))(control_option(command))


def _target_of(text: str) -> str:
    """What has a colon is meant as an endpoint; the name of a device has none."""
    return endpoint_of(text) if ":" in text else text
