"""Authentication in a file: tables that do not fit, files that cannot be used, and sockets that other hosts can reach."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zdev_background import create_key

Faults = Callable[[str], list[str]]


@pytest.fixture
def faults(tmp_path: Path) -> Callable[[str], list[str]]:
    """Of a queue with this in `in`: what is wrong, without place. Keys server and clients/anna are beside the file."""
    from zdev_cli.config import load
    from zdev_cli.config.diagnostics import ConfigError

    create_key(tmp_path, "server")
    create_key(tmp_path / "clients", "anna")
    (tmp_path / "open").write_text("anna:secret\n")
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "passwords").touch(0o600)
    (tmp_path / "passwords").write_text("anna:secret\n")

    def find(text: str) -> list[str]:
        path = tmp_path / "zdev.toml"
        path.write_text('[[device]]\nname = "a"\ntype = "queue"\nout.bind = "tcp://127.0.0.1:2"\n' + text)
        try:
            load(path)
        except ConfigError as error:
            return [f"{each.key}: {each.message}".replace(f"{tmp_path}/", "") for each in error.diagnostics]
        return []

    return find


SERVER = 'curve = { secret_key = "server.key_secret", clients = "clients" }'
BIND = '[device.in]\nbind = "tcp://*:1"\n'
EXPOSED = (
    "device.in.bind: tcp://*:1 is reachable from other hosts without authentication (bind 127.0.0.1, add "
    "[device.in.curve], or set insecure = true)"
)
CONNECT = '[device.in]\nconnect = "tcp://broker:1"\n'


@pytest.mark.parametrize(
    "text",
    [
        BIND + SERVER,
        BIND + 'curve = { secret_key = "server.key_secret", clients = "any" }',
        BIND + 'plain = { passwords = "passwords" }',
        CONNECT + 'curve = { secret_key = "clients/anna.key_secret", server_key = "server.key" }',
        CONNECT + 'plain = { password = "passwords" }',
        "insecure = true\n" + BIND,
        BIND + "[defaults]\ninsecure = true",
        BIND + "options = { PLAIN_SERVER = true }",
        '[device.in]\nbind = ["tcp://127.0.0.1:1", "tcp://[::1]:1", "ipc:///tmp/x"]',
        '[device.in]\nbind = "tcp://localhost:1"\n[http]\nlisten = "localhost:0"',
        '[device.in]\nbind = "tcp://localhost:1"\n[http]\nlisten = "0.0.0.0:0"\ninsecure = true',
    ],
)
def test_sockets_that_are_protected_or_explicitly_open_are_accepted(faults: Faults, text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            BIND,
            EXPOSED,
        ),
        (
            BIND + "options = { PLAIN_SERVER = false }",
            (
                "device.in.bind: tcp://*:1 is reachable from other hosts without authentication (bind 127.0.0.1, add "
                "[device.in.curve], or set insecure = true)"
            ),
        ),
        (
            "insecure = false\n" + BIND + "[defaults]\ninsecure = true",
            EXPOSED,
        ),
        (
            '[device.in]\nbind = "tcp://localhost:1"\n[http]\nlisten = "0.0.0.0:0"',
            "http.listen: 0.0.0.0:0 is reachable from other hosts without authentication (use 127.0.0.1, add password_file or token_file, or set insecure = true)",
        ),
        (
            BIND + SERVER + '\nplain = { passwords = "passwords" }',
            "device.in.plain: curve is set too: a socket has one security mechanism",
        ),
        (
            BIND + 'connect = "tcp://broker:1"\n' + SERVER,
            "device.in.curve: a socket with curve must either bind or connect: its peers know it as server or as client",
        ),
        (
            BIND + 'curve = { secret_key = "server.key_secret" }',
            "device.in.curve: clients is required for a socket that binds",
        ),
        (CONNECT + "plain = {}", "device.in.plain: password is required for a socket that connects"),
        (
            CONNECT + 'plain = { password = "passwords", passwords = "passwords" }',
            "device.in.plain.passwords: not allowed for a socket that connects (use password)",
        ),
        (
            BIND + 'plain = { passwords = "open" }',
            "device.in.plain: others than its owner can read or write it (chmod 0600 open): 'open'",
        ),
        (BIND + 'plain = { passwords = "gone" }', "device.in.plain: No such file or directory: 'gone'"),
        (
            BIND + 'curve = { secret_key = "server.key_secret", clients = "gone" }',
            "device.in.curve: no directory of public keys (*.key): 'gone'",
        ),
    ],
)
def test_missing_or_unusable_protection_is_reported(faults: Faults, text: str, found: str) -> None:
    assert faults(text) == [found]
