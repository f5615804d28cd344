"""`zdev validate`: report all errors and warnings of configuration files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .._failure import Status
from .._words import STARTER

if TYPE_CHECKING:
    from ..config import Config, Diagnostic
    from ..config.files import Files

EXAMPLES = """\b
Example:
  zdev validate zdev.toml
  zdev.toml:12:1  device.out.bnd: unknown key (did you mean bind?)
"""


@click.command(epilog=EXAMPLES)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path())
@click.option("--probe", is_flag=True, help="Also try to reach the endpoints that devices connect to. Nothing is sent.")
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print errors and warnings as a list of {file, line, column, key, message, severity}.",
)
@click.pass_context
def validate(ctx: click.Context, files: tuple[str, ...], probe: bool, strict: bool, as_json: bool) -> None:
    """Report all errors and warnings of configuration files.

    FILE defaults to zdev.toml; - is standard input. One line per error or warning on stderr, with file, line and column. For a
    valid file, one line on stdout, then one per device with the engine that it would have on this machine, and why: on another
    machine that may differ. Nothing is bound, and without --probe nothing is connected. Exit status: 0 all files are valid, 78
    there are errors.
    """
    from msgspec.structs import replace

    from ..config import ConfigError

    found: list[Diagnostic] = []
    for file in files or (STARTER,):
        try:
            config, read = _read(file)
            warnings = _warnings(config, read, probe=probe)
            if warnings and strict:
                raise ConfigError(replace(each, severity="error") for each in warnings)
        except ConfigError as error:
            found += error.diagnostics
            if not as_json:
                click.echo(error.report, err=True)
        else:
            found += warnings
            if not as_json:
                _print(file, config, warnings)
    if as_json:
        _print_json(found)
    ctx.exit(Status.CONFIGURATION if any(each.severity == "error" for each in found) else Status.OK)


def _read(file: str) -> tuple[Config, Files]:
    from ..config.document import LARGEST
    from ..config.read import check, data_of

    if file == "-":
        return check(sys.stdin.buffer.read(LARGEST + 1), file)
    return check(data_of(Path(file)), str(Path(file)))


def _warnings(config: Config, files: Files, *, probe: bool) -> list[Diagnostic]:
    from ..config.probe import unreachable
    from ..config.warnings import warnings_of

    pending = [*warnings_of(config), *(unreachable(config) if probe else ())]
    return files.ordered(files.diagnostic(each, severity="warning") for each in pending)


def _print(file: str, config: Config, warnings: list[Diagnostic]) -> None:
    """Print what is to be said of a valid file."""
    from ..config.engines import engine_of

    for warning in warnings:
        click.echo(str(warning), err=True)
    click.echo(f"{file}: {_summary(config)}: ok")
    for name, device in config.devices().items():
        engine = engine_of(device)
        click.echo(f"{file}: {name}: engine {engine} on this machine: {engine.reason}")


def _summary(config: Config) -> str:
    sockets = sum(len(each.sockets) for each in config.device)
    return f"{len(config.device)} device{'s' * (len(config.device) != 1)}, {sockets} sockets"


def _print_json(diagnostics: list[Diagnostic]) -> None:
    from msgspec.json import encode, format
    from msgspec.structs import replace

    shown = [replace(each, file=os.fsencode(each.file).decode(errors="backslashreplace")) for each in diagnostics]
    click.echo(format(encode(shown)).decode())
