"""Texts of configuration files, for the tests of what is wrong with them: a device is as many lines as it is told to be."""

from __future__ import annotations


def device(name: str, device_type: str, **sockets: str) -> str:
    """A device in three lines, and a line a socket; `in_` is in."""
    lines = [f"{role.rstrip('_')} = {{ {told} }}" for role, told in sockets.items()]
    return "\n".join(["[[device]]", f'name = "{name}"', f'type = "{device_type}"', *lines, ""])


def at(verb: str, port: int, host: str = "127.0.0.1") -> str:
    return f'{verb} = "tcp://{host}:{port}"'


def queue(name: str, in_: str, out: str) -> str:
    """Five lines."""
    return device(name, "queue", in_=in_, out=out)


def open_to_all(text: str) -> str:
    """What others may reach is not what is looked at here."""
    return text if "[defaults]" in text else f"{text}\n[defaults]\ninsecure = true\n"


A = queue("a", at("bind", 5559), at("bind", 5560))
