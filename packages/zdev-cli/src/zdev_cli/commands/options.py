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
    from zdev_background import Security

    from ..config import SocketConfig

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Value = TypeVar("_Value")


def with_options(command: Callable[..., Any], *options: Callable[[Any], Any]) -> Any:
    """Return a command with these arguments and options, which its help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command


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
        decorated: _Command = with_options(command, *options)
        return decorated

    return decorate


def key_options(command: _Command) -> _Command:
    """--secret-key, --server-key and --password, as `security`: a CurveClient, a PlainClient or None."""

    @wraps(command)
    def with_security(
        *arguments: Any, secret_key: Path | None, server_key: Path | None, password: Path | None, **options: Any
    ) -> Any:
        return command(*arguments, security=_client_security(secret_key, server_key, password), **options)

    decorated: _Command = _with_key_files(with_security, "File with one line NAME:PASSWORD, for a socket that requires PLAIN.")
    return decorated


def access_options(command: _Command) -> _Command:
    """--bind, as `bind`, and the keys of either side, as `security`: a Security or None."""

    @wraps(command)
    def with_security(
        *arguments: Any,
        bind: bool,
        secret_key: Path | None,
        server_key: Path | None,
        password: Path | None,
        clients: str | None,
        **options: Any,
    ) -> Any:
        if bind and server_key:
            raise click.UsageError("--server-key cannot be used with --bind: use --clients")
        if clients and not bind:
            raise click.UsageError("--clients needs --bind: a socket that connects has a --server-key")
        make = partial(_server_security, clients) if bind else partial(_client_security, server_key=server_key)
        return command(*arguments, bind=bind, security=make(secret_key=secret_key, password=password), **options)

    decorated: Any = _with_key_files(
        with_security, "File with one line NAME:PASSWORD, for PLAIN; with --bind, a line for each peer that may connect."
    )
    text = 'With --bind: directory with the public keys of the peers that may connect, or "any".'
    decorated = click.option("--clients", metavar="DIR|any", help=text)(decorated)
    text = "Bind to the endpoint, or connect to it. Default: connect."
    bound: _Command = click.option("--bind/--connect", default=False, help=text)(decorated)
    return bound


def _with_key_files(command: Callable[..., Any], password: str) -> Any:
    path: Any = click.Path(path_type=Path)
    secret = click.option("--secret-key", metavar="FILE", type=path, help="Your secret key, for a socket that requires CURVE.")
    server = click.option("--server-key", metavar="FILE", type=path, help="Public key of the socket to connect to.")
    return secret(server(click.option("--password", metavar="FILE", type=path, help=password)(command)))


def _client_security(secret_key: Path | None, server_key: Path | None, password: Path | None) -> Security | None:
    from zdev_background import CurveClient, PlainClient

    if (secret_key is None) != (server_key is None):
        raise click.UsageError("--secret-key and --server-key must be given together")
    return _security(CurveClient(secret_key, server_key) if secret_key and server_key else None, PlainClient, password)


def _server_security(clients: str | None, secret_key: Path | None, password: Path | None) -> Security | None:
    from zdev_background import CurveServer, PlainServer

    if (secret_key is None) != (clients is None):
        raise click.UsageError("with --bind, --secret-key and --clients must be given together")
    return _security(CurveServer(secret_key, clients) if secret_key and clients else None, PlainServer, password)


def _security(curve: Security | None, plain: Callable[[Path], Security], password: Path | None) -> Security | None:
    """Return the one that was asked for, once its files have been checked."""
    if curve and password:
        raise click.UsageError("--password cannot be used with --secret-key: a socket has one security mechanism")
    security = plain(password) if password else curve
    if security is None:
        return None
    try:
        security.check()
    except (OSError, ValueError) as error:
        these = "these keys" if curve else "this password"
        raise Failure(f"cannot use {these}: {error}", Status.UNAVAILABLE) from error
    return security


def target_argument(command: _Command) -> _Command:
    """The argument DEVICE|ENDPOINT, as `target`, and where to ask for a device: --control, as `control`."""
    argument = click.argument("target", metavar="DEVICE|ENDPOINT", callback=checked(_target_of), shell_complete=device_names)
    return argument(control_option(command))


def _target_of(text: str) -> str:
    """Return the endpoint or device name: only an endpoint has a colon."""
    return endpoint_of(text) if ":" in text else text
