"""`zdev init`: write a configuration file to start with."""

from __future__ import annotations

from pathlib import Path

import click

from .._failure import Failure, Status
from .._words import DEVICE_TYPES, STARTER

EXAMPLES = """\b
Example:
  zdev init
  zdev run -c zdev.toml
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", default=STARTER)
@click.option("--type", "type_", type=click.Choice(tuple(DEVICE_TYPES)), default="monitored-queue", show_default=True)
@click.option("--force", is_flag=True, help="Overwrite FILE if it is there.")
def init(file: str, type_: str, force: bool) -> None:
    """Write a configuration file to start with.

    FILE is zdev.toml unless told, - for standard output. It has one device of the type, which runs as it is, devices of the
    other types as comments, and every setting explained.
    """
    from ..config.starter import starter

    if file == "-":
        click.echo(starter(type_), nl=False)
        return
    try:
        with Path(file).open("w" if force else "x", encoding="utf-8") as output:
            output.write(starter(type_))
    except FileExistsError as error:
        raise Failure(f"{file} is there already; --force overwrites it", Status.USAGE) from error
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror}", Status.UNAVAILABLE) from error
    click.echo(f"{file}: a {type_}; run it with: zdev run -c {file}")
