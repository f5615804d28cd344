"""Options that several commands have: sockets, keys, and the device or endpoint to look at. Values are checked as they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .._failure import Failure, Status
from .._words import SOCKET_TYPES, Role, endpoint_of, settings_of
from ..control.client import control_option, device_names

if TYPE_CHECKING:
    from zdev_background import CurveClient

    from ..config import SocketConfig

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Value = TypeVar("_Value")


def checked(
    convert: Callable[[str], _Value],
) -> Callable[[click.Context, click.Parameter, str | tuple[str, ...]], _Value | tuple[_Value, ...]]:
    """`convert` as the callback of a click parameter, of each value if that may be repeated; a ValueError is a usage error."""

    def callback(_: click.Context, __: click.Parameter, value: str | tuple[str, ...]) -> _Value | tuple[_Value, ...]:
        try:
            return convert(value) if isinstance(value, str) else tuple([convert(each) for each in value])
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback


def assignment_of(text: str) -> tuple[str, str]:
    """NAME=VALUE of a socket option, as name and value."""
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"{text!r}: write NAME=VALUE, like SNDHWM=5000")
    try:
        settings_of(name.strip(), value)
    except ValueError as error:
        from zdev_background._option_table import SECRETS

        shown = name if name.strip().upper() in SECRETS else text
        raise ValueError(f"{shown!r}: {error}") from None
    return name.strip().upper(), value


@dataclass(frozen=True)
class SocketArguments:
    """The options of the command line for the socket in one role."""

    role: Role
    type: str | None
    binds: tuple[str, ...]
    connects: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]

    @classmethod
    def take(cls, role: Role, arguments: dict[str, Any]) -> SocketArguments:
        """Move the values of this role's four options (see `socket_options`) out of `arguments`."""
        return cls(
            role,
            arguments.pop(f"{role}_type"),
            arguments.pop(f"{role}_binds"),
            arguments.pop(f"{role}_connects"),
            arguments.pop(f"{role}_settings"),
        )

    @property
    def wanted(self) -> bool:
        """Whether there is to be such a socket: one without an endpoint would have no peer."""
        return bool(self.binds or self.connects)

    def config(self, prefix: str | None) -> SocketConfig | None:
        """The same as in a configuration file; None where there is to be no such socket."""
        from ..config import SocketConfig

        if not self.wanted:
            return None
        options: dict[str, Any] = {}
        for name, value in self.settings:
            options.setdefault(name, []).append(value)
        kind: Any = self.type
        shown = True if prefix is None else prefix
        return SocketConfig(type=kind, bind=list(self.binds), connect=list(self.connects), options=options, prefix=shown)


def socket_options(role: Role) -> Callable[[_Command], _Command]:
    """--bind-ROLE, --connect-ROLE, --setsockopt-ROLE and --ROLE-type."""
    endpoints: dict[str, Any] = {"metavar": "ENDPOINT", "multiple": True}
    binds, connects = checked(endpoint_of), checked(partial(endpoint_of, connects=True))
    settings: dict[str, Any] = {"metavar": "NAME=VALUE", "multiple": True, "callback": checked(assignment_of)}
    types: dict[str, Any] = {"metavar": "TYPE", "type": click.Choice(SOCKET_TYPES[role], case_sensitive=False)}
    options = (
        click.option(f"--bind-{role}", f"{role}_binds", callback=binds, help=f"Endpoint that {role} binds to.", **endpoints),
        click.option(
            f"--connect-{role}", f"{role}_connects", callback=connects, help=f"Endpoint that {role} connects to.", **endpoints
        ),
        click.option(f"--setsockopt-{role}", f"{role}_settings", help=f"Socket option of {role}.", **settings),
        click.option(f"--{role}-type", help=f"Socket type of {role}: {', '.join(SOCKET_TYPES[role])}.", **types),
    )

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def key_options(command: _Command) -> _Command:
    """--secret-key and --server-key, as `security`: a CurveClient or None."""

    @wraps(command)
    def with_security(*arguments: Any, secret_key: Path | None, server_key: Path | None, **options: Any) -> Any:
        return command(*arguments, security=_security_of(secret_key, server_key), **options)

    path: Any = click.Path(path_type=Path)
    secret = click.option("--secret-key", metavar="FILE", type=path, help="Your secret key, for a socket that requires CURVE.")
    server = click.option("--server-key", metavar="FILE", type=path, help="Public key of the socket to connect to.")
    decorated: Any = secret(server(with_security))
    return decorated  # type: ignore[no-any-return]


def _security_of(secret_key: Path | None, server_key: Path | None) -> CurveClient | None:
    if secret_key is None and server_key is None:
        return None
    if secret_key is None or server_key is None:
        raise click.UsageError("--secret-key and --server-key must be given together")
    from zdev_background import CurveClient

    security = CurveClient(secret_key, server_key)
    try:
        security.check()
    except (OSError, ValueError) as error:
        raise Failure(f"cannot use these keys: {error}", Status.UNAVAILABLE) from error
    return security


def target_argument(command: _Command) -> _Command:
    """The argument DEVICE|ENDPOINT, as `target`, and where to ask for a device: --control, as `control`."""
    argument = click.argument("target", metavar="DEVICE|ENDPOINT", callback=checked(_target_of), shell_complete=device_names)
    return argument(control_option(command))


def _target_of(text: str) -> str:
    """Return the endpoint or device name: only an endpoint has a colon."""
    return endpoint_of(text) if ":" in text else text
