"""`zdev key`: make and show CURVE keys."""

from __future__ import annotations

from pathlib import Path

import click

from .._failure import Failure, Status

EXAMPLES = """\b
Example:
  zdev key new orders                    # keys/orders.key to give away, keys/orders.key_secret to keep
  zdev key new anna --directory anna     # a client's; put anna/anna.key into keys/clients
  zdev key show keys/orders.key
"""


@click.group(epilog=EXAMPLES)
def key() -> None:
    """Make and show CURVE keys, by which peers authenticate."""


@key.command(epilog=EXAMPLES)
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default="keys",
    show_default=True,
    help="Directory for the keys; made if missing.",
)
def new(name: str, directory: Path) -> None:
    """Make the key pair NAME.key, public, and NAME.key_secret, which only you can read.

    The files have the format of pyzmq and czmq. An existing key is never replaced.
    """
    from zdev_background import create_key

    try:
        public, secret = create_key(directory, name)
    except ValueError as error:
        raise click.BadParameter(f"{error} (use --directory for the directory)", param_hint="NAME") from None
    except OSError as error:
        raise Failure(f"cannot make {error.filename or directory}: {error.strerror}", Status.UNAVAILABLE) from error
    click.echo(f"{public}  public: give it to your peers")
    click.echo(f"{secret}  secret: readable only by you; keep it here")


@key.command(epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
def show(file: Path) -> None:
    """Print the public key in FILE, 40 characters. The secret one is never shown."""
    from zdev_background import read_public_key

    try:
        public = read_public_key(file)
    except (OSError, ValueError) as error:
        raise Failure(f"cannot show a key: {error}", Status.UNAVAILABLE) from error
    click.echo(public.decode())
