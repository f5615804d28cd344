"""`zdev init`: write a starter configuration file."""

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
@click.argument("file", default=STARTER, type=click.Path())
@click.option("--type", "type_", type=click.Choice(tuple(DEVICE_TYPES)), default="monitored-queue", show_default=True)
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
def init(file: str, type_: str, force: bool) -> None:
    """Write a starter configuration file.

    FILE defaults to zdev.toml; - is standard output. It contains one device of the type, ready to run, devices of the other
    types as comments, and an explanation of every setting.
    """
    from ..config.authoring import starter

    if file == "-":
        click.echo(starter(type_), nl=False)
        return
    try:
        with Path(file).open("w" if force else "x", encoding="utf-8") as output:
            output.write(starter(type_))
    except FileExistsError as error:
        raise Failure(f"{file} already exists: pass --force to overwrite it", Status.USAGE) from error
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror}", Status.UNAVAILABLE) from error
    click.echo(f"{file}: a {type_}; run it with: zdev run -c {file}")
