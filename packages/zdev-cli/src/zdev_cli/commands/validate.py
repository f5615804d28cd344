"""`zdev validate`: report all errors of configuration files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .._failure import Status
from .._words import STARTER

if TYPE_CHECKING:
    from ..config import Config, Diagnostic

EXAMPLES = """\b
Example:
  zdev validate zdev.toml
  zdev.toml:12:1  device.out.bnd: unknown key (did you mean bind?)
"""


@click.command(epilog=EXAMPLES)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print the errors as a list of {file, line, column, key, message}.")
@click.pass_context
def validate(ctx: click.Context, files: tuple[str, ...], as_json: bool) -> None:
    """Report all errors of configuration files.

    FILE defaults to zdev.toml; - is standard input. One line per error on stderr, with file, line and column. For a valid file,
    one line on stdout, then one per device with the engine that it would have on this machine, and why: on another machine that
    may differ. Its warnings are on stderr. Nothing is bound or connected. Exit status: 0 all files are valid, 78 there are errors.
    """
    from ..config import ConfigError
    from ..config.engines import engine_of
    from ..config.rules import warnings_of

    diagnostics: list[Diagnostic] = []
    for file in files or (STARTER,):
        try:
            config = _load(file)
        except ConfigError as error:
            diagnostics += error.diagnostics
            if not as_json:
                click.echo(error.report, err=True)
        else:
            if not as_json:
                for warning in warnings_of(config):
                    click.echo(f"{file}: warning: {warning}", err=True)
                click.echo(f"{file}: {_summary(config)}: ok")
                for name, device in config.devices().items():
                    engine = engine_of(device)
                    click.echo(f"{file}: {name}: engine {engine} on this machine: {engine.reason}")
    if as_json:
        _print_json(diagnostics)
    ctx.exit(Status.CONFIGURATION if diagnostics else Status.OK)


def _load(file: str) -> Config:
    from ..config import load, read
    from ..config.document import LARGEST

    return read(sys.stdin.buffer.read(LARGEST + 1), "-") if file == "-" else load(Path(file))


def _summary(config: Config) -> str:
    sockets = sum(len(each.sockets) for each in config.device)
    return f"{len(config.device)} device{'s' * (len(config.device) != 1)}, {sockets} sockets"


def _print_json(diagnostics: list[Diagnostic]) -> None:
    from msgspec.json import encode, format

    click.echo(format(encode(diagnostics)).decode())
