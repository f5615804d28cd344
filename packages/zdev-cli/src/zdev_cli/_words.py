"""Names, types and options of sockets, for the command line and for configuration files."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal

Role = Literal["in", "out", "mon", "ctrl"]
ROLES: tuple[Role, ...] = ("in", "out", "mon", "ctrl")

_IN_OUT_TYPES = ("ROUTER", "DEALER", "REP", "REQ", "PULL", "PUSH", "SUB", "PUB", "XSUB", "XPUB", "PAIR")
SOCKET_TYPES: dict[Role, tuple[str, ...]] = {
    "in": _IN_OUT_TYPES,
    "out": _IN_OUT_TYPES,
    "mon": ("PUB", "XPUB", "PUSH", "PAIR", "DEALER"),
    "ctrl": ("REP", "PAIR", "DEALER", "SUB", "PULL", "XSUB"),
}

# The default types of in and out. A forwarder is XSUB/XPUB so that subscriptions travel upstream; that of ØMQ 2, SUB/PUB,
# received all messages, whether or not anybody subscribed.
DEVICE_TYPES = {
    "monitored-queue": ("ROUTER", "DEALER"),
    "queue": ("ROUTER", "DEALER"),
    "forwarder": ("XSUB", "XPUB"),
    "streamer": ("PULL", "PUSH"),
}

STARTER = "zdev.toml"  # written by `zdev init`; the default of `zdev validate` and `zdev run`

COMPLETION_VARIABLE = "_ZDEV_COMPLETE"  # set by a shell's script that asks for completions

Setting = tuple[int, int | bytes]


def default_type(device_type: str, role: Role) -> str:
    """Return the default type of the socket in `role`."""
    in_type, out_type = DEVICE_TYPES[device_type]
    return {"in": in_type, "out": out_type, "mon": "PUB", "ctrl": "REP"}[role]


def needed_roles(device_type: str) -> tuple[Role, ...]:
    return ("in", "out", "mon") if device_type == "monitored-queue" else ("in", "out")


def printable(text: str) -> str:
    """Return the text with characters that could end a line or steer a terminal written as escapes."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def endpoint_of(text: str, *, connects: bool = False) -> str:
    """Return the endpoint, transport://address, of a socket that other programs reach. Raises ValueError if it cannot be one."""
    from zdev_background._endpoints import refusal_of

    transport = text.partition("://")[0]
    if refusal := refusal_of(text, connects=connects) or _transport_refusal(transport):
        raise ValueError(f"{text!r}: {refusal}")
    return text


def _transport_refusal(transport: str) -> str | None:
    import zmq

    if transport == "inproc":
        return "no other program can reach inproc: use tcp:// or ipc://"
    optional = ("tipc", "vmci", "ws", "wss", "pgm", "epgm", "norm")
    if transport in ("tcp", "ipc") or (transport in optional and zmq.has(transport.removeprefix("e"))):
        return None
    near = get_close_matches(transport.casefold(), ("tcp", "ipc"), n=1)
    return f"unknown transport {transport}: " + (f"did you mean {near[0]}://?" if near else "use tcp:// or ipc://")


def settings_of(name: str, value: object) -> tuple[Setting, ...]:
    """Convert an option's name, without ZMQ_, and value (a number, text or bool, or a list of them) to what libzmq takes.

    Raises ValueError with a text that says what is allowed.
    """
    from zdev_background._option_table import option_refusal

    settings = _settings_of(name, value)
    for option, setting in settings:
        if refusal := option_refusal(option, setting):
            raise ValueError(refusal)
    return settings


def _settings_of(name: str, value: object) -> tuple[Setting, ...]:
    import zmq

    from zdev_background._option_table import SECRETS

    options = zmq.SocketOption.__members__
    option = options.get(name.upper())
    if option is None:
        near = get_close_matches(name.upper(), options, n=1)
        hint = f"did you mean {near[0]}?" if near else "see zmq_setsockopt(3) for the names, without ZMQ_"
        raise ValueError(f"unknown socket option {name} ({hint})")
    if option.name in SECRETS:
        raise ValueError(
            f"{option.name} is a secret that others could see here (use a table curve or plain, which names a file)"
        )
    if isinstance(value, list):
        return tuple(setting for each in value for setting in _settings_of(name, each))
    if option is zmq.SocketOption.HWM:  # ØMQ 2 had one for both directions
        return *_settings_of("SNDHWM", value), *_settings_of("RCVHWM", value)
    if option._opt_type.name == "bytes":
        if not isinstance(value, str):
            raise ValueError(f"{option.name} must be text")
        return ((int(option), value.encode()),)
    try:
        return ((int(option), int(value, 0) if isinstance(value, str) else int(value)),)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise ValueError(f"{option.name} must be a whole number") from None
