"""Texts of configuration files: a device has one line for each value, so that tests know the lines of its errors."""

from __future__ import annotations

BIND = 'bind = "tcp://127.0.0.1:*"'


def device(name: str, device_type: str, **sockets: str) -> str:
    """Return a device: three lines, and one line per socket; `in_` is in."""
    lines = [f"{role.rstrip('_')} = {{ {keys} }}" for role, keys in sockets.items()]
    return "\n".join(["[[device]]", f'name = "{name}"', f'type = "{device_type}"', *lines, ""])


def at(verb: str, port: int, host: str = "127.0.0.1") -> str:
    return f'{verb} = "tcp://{host}:{port}"'


def queue(name: str, in_: str, out: str) -> str:
    """Five lines."""
    return device(name, "queue", in_=in_, out=out)


def open_to_all(text: str) -> str:
    """Return the text with insecure = true: exposure to other hosts is not tested here."""
    return text if "[defaults]" in text else f"{text}\n[defaults]\ninsecure = true\n"


A = queue("a", at("bind", 5559), at("bind", 5560))
