"""The command line's words for sockets: endpoints, types and options, checked as they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeVar

import click

Role = Literal["in", "out", "mon", "ctrl"]
ROLES: tuple[Role, ...] = ("in", "out", "mon", "ctrl")

_IN_OUT_TYPES = ("ROUTER", "DEALER", "REP", "REQ", "PULL", "PUSH", "SUB", "PUB", "XSUB", "XPUB", "PAIR")
_MON_TYPES = ("PUB", "XPUB", "PUSH", "PAIR", "DEALER")
_CTRL_TYPES = ("REP", "PAIR", "DEALER", "SUB", "PULL", "XSUB")
_TYPES: dict[Role, tuple[str, ...]] = {"in": _IN_OUT_TYPES, "out": _IN_OUT_TYPES, "mon": _MON_TYPES, "ctrl": _CTRL_TYPES}

Setting = tuple[int, int | bytes]

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


def endpoint_of(text: str) -> str:
    """The endpoint itself, transport://address, for a socket that other programs are to reach."""
    transport, separator, address = text.partition("://")
    if not (transport and separator and address):
        raise ValueError(f"{text!r} is no endpoint: write transport://address, like tcp://127.0.0.1:5559")
    if transport == "inproc":
        raise ValueError(f"{text!r}: no other program can reach inproc: use tcp:// or ipc://")
    if transport == "tcp" and not _is_port(address.rpartition(":")[2]):
        raise ValueError(f"{text!r}: a tcp endpoint ends in :PORT, 1 to 65535 or * for any free one")
    return text


def _is_port(text: str) -> bool:
    """libzmq itself takes any number, modulo 65536."""
    return text == "*" or (text.isascii() and text.isdigit() and int(text) <= 65535)


def assignment_of(text: str) -> tuple[Setting, ...]:
    """NAME=VALUE of a socket option, as what `zmq.Socket.setsockopt` takes."""
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"{text!r} is no NAME=VALUE, like SNDHWM=5000")
    try:
        return _settings(name.strip(), value)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None


def _settings(name: str, text: str) -> tuple[Setting, ...]:
    import zmq

    options = zmq.SocketOption.__members__
    option = options.get(name.upper())
    if option is None:
        near = get_close_matches(name.upper(), options, n=1)
        hint = f"did you mean {near[0]}?" if near else "see zmq_setsockopt(3) for the names, without ZMQ_"
        raise ValueError(f"there is no socket option {name}; {hint}")
    if option is zmq.SocketOption.HWM:  # ØMQ 2 had one for both directions
        return *_settings("SNDHWM", text), *_settings("RCVHWM", text)
    if option._opt_type.name == "bytes":
        return ((int(option), text.encode()),)
    try:
        return ((int(option), int(text, 0)),)
    except ValueError:
        raise ValueError(f"{option.name} takes a whole number") from None


@dataclass(frozen=True)
class SocketArguments:
    """What the command line says of the socket in one role."""

    role: Role
    type: str | None
    binds: tuple[str, ...]
    connects: tuple[str, ...]
    settings: tuple[Setting, ...]

    @classmethod
    def take(cls, role: Role, arguments: dict[str, Any]) -> SocketArguments:
        """Move the values of this role's four options (see `socket_options`) out of `arguments`."""
        return cls(
            role,
            arguments.pop(f"{role}_type"),
            arguments.pop(f"{role}_binds"),
            arguments.pop(f"{role}_connects"),
            tuple(setting for settings in arguments.pop(f"{role}_settings") for setting in settings),
        )

    @property
    def wanted(self) -> bool:
        """Whether there is to be such a socket: one without an endpoint would have no peer."""
        return bool(self.binds or self.connects)


def socket_options(role: Role) -> Callable[[_Command], _Command]:
    """--bind-ROLE, --connect-ROLE, --setsockopt-ROLE and --ROLE-type."""
    endpoints: dict[str, Any] = {"metavar": "ENDPOINT", "multiple": True, "callback": checked(endpoint_of)}
    settings: dict[str, Any] = {"metavar": "NAME=VALUE", "multiple": True, "callback": checked(assignment_of)}
    types: dict[str, Any] = {"metavar": "TYPE", "type": click.Choice(_TYPES[role], case_sensitive=False)}
    options = (
        click.option(f"--bind-{role}", f"{role}_binds", help=f"Endpoint that {role} binds.", **endpoints),
        click.option(f"--connect-{role}", f"{role}_connects", help=f"Endpoint that {role} connects to.", **endpoints),
        click.option(f"--setsockopt-{role}", f"{role}_settings", help=f"Socket option of {role}.", **settings),
        click.option(f"--{role}-type", help=f"One of {', '.join(_TYPES[role])}.", **types),
    )

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
