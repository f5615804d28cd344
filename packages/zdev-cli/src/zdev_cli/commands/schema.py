"""`zdev schema`: the JSON schema of configuration files."""

from __future__ import annotations

import click

EXAMPLES = """\b
Example:
  zdev schema > zdev.schema.json
and, as the first line of zdev.toml, for editors with taplo (Even Better TOML):
  #:schema ./zdev.schema.json
"""


@click.command(epilog=EXAMPLES)
def schema() -> None:
    """Print the JSON schema of configuration files.

    With it an editor completes and explains keys, and marks unknown ones. `zdev validate` finds more.
    """
    from msgspec.json import encode, format

    from ..config.authoring import schema

    click.echo(format(encode(schema())).decode())
