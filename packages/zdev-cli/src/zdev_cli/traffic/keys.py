"""The keys by which a command proves itself to a socket with CURVE."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .._failure import Failure, Status

if TYPE_CHECKING:
    from zdev_background import CurveClient

_Command = TypeVar("_Command", bound=Callable[..., Any])

NEEDED = "add --secret-key FILE, your own, and --server-key FILE, its public one"


def key_options(command: _Command) -> _Command:
    """--secret-key and --server-key, as `security`: a CurveClient or None."""

    @wraps(command)
    def with_security(*arguments: Any, secret_key: Path | None, server_key: Path | None, **options: Any) -> Any:
        return command(*arguments, security=_security_of(secret_key, server_key), **options)

    path: Any = click.Path(path_type=Path)
    secret = click.option("--secret-key", metavar="FILE", type=path, help="Your own key, where one is asked for (CURVE).")
    server = click.option("--server-key", metavar="FILE", type=path, help="The public key of what it connects to.")
    decorated: Any = secret(server(with_security))
    return decorated  # type: ignore[no-any-return]


def _security_of(secret_key: Path | None, server_key: Path | None) -> CurveClient | None:
    if secret_key is None and server_key is None:
        return None
    if secret_key is None or server_key is None:
        raise click.UsageError("--secret-key and --server-key go together")
    from zdev_background import CurveClient

    security = CurveClient(secret_key, server_key)
    try:
        security.check()
    except (OSError, ValueError) as error:
        raise Failure(f"cannot use these keys: {error}", Status.UNAVAILABLE) from error
    return security
