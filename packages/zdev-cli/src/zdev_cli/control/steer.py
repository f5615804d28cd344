"""The commands that steer one device: they differ in a word and in what they tell of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .client import ask, control_option, device_names

if TYPE_CHECKING:
    from .protocol import Verb


def steering_command(verb: Verb, text: str, example: str) -> click.Command:
    """`zdev VERB DEVICE`. text: its help."""

    @click.command(verb, help=text, epilog=f"\b\nExample:\n{example}")
    @click.argument("device", shell_complete=device_names)
    @control_option
    def command(device: str, control: str | None) -> None:
        from .protocol import Request

        for line in ask(Request(verb=verb, device=device), control, timeout=None).lines:
            click.echo(line)

    return command
