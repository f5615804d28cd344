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


def with_engine(text: str, engine: str) -> str:
    """Return the text with this engine as the default of all devices. Without a table [defaults] no line moves."""
    if engine == "auto":
        return text
    table, line = "[defaults]\n", f'engine = "{engine}"\n'
    return text.replace(table, table + line, 1) if table in text else f"{text}\n{table}{line}"


def open_to_all(text: str) -> str:
    """Return the text with insecure = true: exposure to other hosts is not tested here."""
    return text if "[defaults]" in text else f"{text}\n[defaults]\ninsecure = true\n"


A = queue("a", at("bind", 5559), at("bind", 5560))
