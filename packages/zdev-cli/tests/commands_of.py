"""The commands of the program, as it lists them: tests over all of them cover new ones too."""

from __future__ import annotations

from functools import cache

import click

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
