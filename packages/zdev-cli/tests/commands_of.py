"""The commands of the program, as it lists them: tests over all of them cover new ones too."""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from zdev_cli._main import cli


@cache
def all_commands() -> dict[str, click.Command]:
    """The commands that do something, by their words after zdev, such as "key new"."""
    return dict(_below("", cli))


def _below(path: str, command: click.Command) -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return [(path, command)]
    context = click.Context(command)
    found = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return [pair for name, each in found.items() if each for pair in _below(f"{path} {name}".strip(), each)]


def _representatives() -> list[str]:
    """One of the commands that share a function, such as pause and resume, which print and end in the same way."""
    by_function = {inspect.unwrap(each.callback).__code__: path for path, each in all_commands().items() if each.callback}
    return sorted(by_function.values())


class Place(NamedTuple):
    """A running zdev and files, which commands can be tried on."""

    folder: Path
    control: str
    """Of a zdev with a device orders, through which messages pass."""


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


DIRECTION = "a_direction_with_a_name_of_more_than_40_bytes"
LONG = "a-device-with-a-name-of-more-than-forty-characters"
COMMANDS = [pytest.param(path, marks=pytest.mark.slow) if path == "bench" else path for path in _representatives()]
every_command = pytest.mark.parametrize("path", COMMANDS)

# These would end or disturb the zdev that all share, or a device of it; they ask one that does not run.
_ENDING = ("stop", "drain", "restart", "kick", "shutdown")
_SPECIAL = {
    "run": ("run", "-c", "empty.toml", "--control", "a/file/control.sock"),
    "init": ("init", "-"),
    "validate": ("validate", "valid.toml"),
    "key new": ("key", "new", "key{number}"),
    "key show": ("key", "show", "anna.key"),
    "bench": ("bench", "streamer", "--seconds", "0.01"),
    **{name: (name, "tcp://127.0.0.1:1", "--timeout", "0.1") for name in ("sub", "pull", "rep")},
    **{name: (name, "tcp://127.0.0.1:1", "hello", "--timeout", "0.1") for name in ("pub", "push", "req")},
    "replay": ("replay", "traffic.mcap", "--to", "tcp://127.0.0.1:1", "--timeout", "0.05"),
    "record": ("record", "orders", "-o", "{number}.mcap", "--limit", "2", "--duration", "5"),
}
_VALUES = {"DEVICE": "orders", "FILE": "traffic.mcap", "ENDPOINT": "ipc://nobody", "NAME": "anna", "DIRECTORY": "."}
_SHORT = {"limit": "1", "count": "1", "timeout": "5", "duration": "0.1", "seconds": "0.01", "wait": "0.1"}
_numbers = iter(range(10**6))


def words_of(path: str, place: Place) -> list[str]:
    """Return arguments with which the command does something, and ends by itself soon; made from its parameters."""
    if path in _SPECIAL:
        words = [each.format(number=next(_numbers)) for each in _SPECIAL[path]]
    else:
        words = path.split()
        for parameter in all_commands()[path].params:
            words += _words_of_parameter(parameter)
    if path != "run" and any(each.name == "control" for each in all_commands()[path].params):
        words += ["--control", str(place.folder / "nobody.sock") if path in _ENDING else place.control]
    return words


def _words_of_parameter(parameter: click.Parameter) -> list[str]:
    named = (parameter.metavar or parameter.name or "").upper()
    value = next((value for name, value in _VALUES.items() if re.search(name, named)), "1")
    if isinstance(parameter.type, click.Choice):
        value = str(parameter.type.choices[0])
    if parameter.required:
        return [value] if isinstance(parameter, click.Argument) else [parameter.opts[0], value]
    if isinstance(parameter, click.Option) and not parameter.is_flag and parameter.name in _SHORT:
        return [parameter.opts[0], _SHORT[parameter.name]]
    return ["--once"] if parameter.name == "once" else []
