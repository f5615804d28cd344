"""`rights` and `max_connections_per_key` in the file, and what shows the security of a socket."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq
import zmq.auth
from devices_text import BIND, device

from zdev_background import create_key

if TYPE_CHECKING:
    from conftest import Service

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")
wire_only = pytest.mark.engine("wire")

Start = Callable[..., "Service"]
Faults = Callable[[dict[str, str]], dict[str, list[str]]]
CURVE = 'curve = { secret_key = "server.key_secret", clients = "clients" }'
PLAIN = 'plain = { passwords = "passwords" }'
NEWS, ORDERS = ('rights = { anna = { subscribe = ["' + topic + '"] } }' for topic in ("news", "orders."))


@pytest.fixture
def keys(folder: Path) -> Path:
    """Keys of the server and of anna, and her password, beside the file of a service."""
    create_key(folder, "server")
    create_key(folder / "clients", "anna")
    (folder / "passwords").touch(0o600)
    (folder / "passwords").write_text("anna:secret\n")
    return folder


def as_anna(keys: Path, mechanism: str) -> dict[str, bytes]:
    if mechanism == PLAIN:
        return {"plain_username": b"anna", "plain_password": b"secret"}
    public, secret = zmq.auth.load_certificate(keys / "clients/anna.key_secret")
    assert secret
    return {
        "curve_publickey": public,
        "curve_secretkey": secret,
        "curve_serverkey": zmq.auth.load_certificate(keys / "server.key")[0],
    }


def forwarder(out: str, *, isolation: str = "thread") -> str:
    return device("prices", "forwarder", in_=BIND, out=f"{BIND}, {out}") + f'isolation = "{isolation}"\n'


@linux_only
@wire_only
@pytest.mark.parametrize("mechanism", [CURVE, PLAIN])
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_a_reload_changes_the_rights_of_connected_users_within_a_second_without_a_restart(
    service: Start, connected: Callable[..., zmq.Socket[bytes]], keys: Path, mechanism: str, isolation: str
) -> None:
    program = service(forwarder(f"{mechanism}, {NEWS}", isolation=isolation))
    at = program.until_ready()
    source = connected(zmq.XPUB, at["prices in"])
    reader = connected(zmq.SUB, at["prices out"], **as_anna(keys, mechanism))
    for topic in (b"news", b"orders.1"):
        reader.subscribe(topic)
    assert source.recv() == b"\1news"
    program.until("prices", lambda device: device["sockets"][1]["connections"]["denied_subscriptions"] == 1)
    (peer,) = (each for each in json.loads("\n".join(program.do("peers", "--json"))) if each["role"] == "out")
    assert (peer["user"], peer["denied"], peer["subscriptions"]) == ("anna", 1, 1)
    program.write(forwarder(f"{mechanism}, {ORDERS}", isolation=isolation))
    assert program.do("reload") == ["prices: changed live: out: rights changed"]
    begin = time.monotonic()
    assert [source.recv(), source.recv()] == [b"\1orders.1", b"\0news"]
    assert time.monotonic() - begin < 1
    program.write(forwarder(mechanism, isolation=isolation))
    assert program.do("reload") == ["prices: changed live: out: rights changed"]
    assert source.recv() == b"\1news"


@linux_only
@wire_only
def test_rights_that_were_reloaded_hold_after_a_stop(
    service: Start, connected: Callable[..., zmq.Socket[bytes]], keys: Path
) -> None:
    program = service(forwarder(f"{PLAIN}, {NEWS}"))
    program.until_ready()
    program.write(forwarder(f"{PLAIN}, {ORDERS}"))
    program.do("reload")
    program.do("restart", "prices")
    sockets = {each["role"]: each["binds"][0] for each in program.device("prices")["sockets"]}
    source = connected(zmq.XPUB, sockets["in"])
    reader = connected(zmq.SUB, sockets["out"], **as_anna(keys, PLAIN))
    reader.subscribe(b"")
    assert source.recv() == b"\1orders."


@linux_only
@wire_only
def test_a_connection_beyond_the_limit_for_its_key_is_refused_and_counted(
    service: Start, connected: Callable[..., zmq.Socket[bytes]], keys: Path
) -> None:
    program = service(forwarder(f"{PLAIN}, max_connections_per_key = 1"))
    at = program.until_ready()
    for _ in range(2):
        connected(zmq.SUB, at["prices out"], reconnect_ivl=60_000, **as_anna(keys, PLAIN))
    program.until("prices", lambda device: device["sockets"][1]["connections"]["refused_max_connections_per_key"] == 1)
    (line,) = [each for each in program.do("status", "prices") if each.startswith("out, connections")]
    assert line.endswith("1 now, 2 accepted, 1 refused max connections per key")


@pytest.mark.parametrize("mechanism", [CURVE, PLAIN])
def test_status_shows_the_mechanism_of_each_socket(service: Start, keys: Path, mechanism: str) -> None:
    program = service(forwarder(mechanism))
    program.until_ready()
    name = mechanism.partition(" ")[0].upper()
    assert [each["security"] for each in program.device("prices")["sockets"]] == ["", name]
    assert [each for each in program.do("status", "prices") if "security" in each] == [f"{'out, security':<19}  {name}"]
    assert keys


@linux_only
@wire_only
def test_status_shows_that_users_have_rights(service: Start, keys: Path) -> None:
    program = service(forwarder(f"{PLAIN}, {NEWS}"))
    program.until_ready()
    assert program.device("prices")["sockets"][1]["has_rights"]
    assert f"{'out, security':<19}  PLAIN with rights" in program.do("status", "prices")
    assert keys


@linux_only
def test_what_cannot_be_kept_is_an_error_of_the_file(keys: Path, faults_of: Faults) -> None:
    here = {"secret_key": f'"{keys}/server.key_secret"', "clients": f'"{keys}/clients"'}
    curve = f"curve = {{ {', '.join(f'{key} = {value}' for key, value in here.items())} }}"
    client = f'plain = {{ password = "{keys}/passwords" }}'
    texts = {
        "nobody": forwarder(NEWS),
        "client": forwarder("").replace(f"out = {{ {BIND}, ", f'out = {{ connect = "tcp://127.0.0.1:1", {client}, {NEWS}'),
        "queue": device("a", "queue", in_=f"{BIND}, {curve}, {NEWS}", out=BIND),
        "inverted": forwarder(f"{curve}, {NEWS}, options = {{ INVERT_MATCHING = 1 }}"),
        "libzmq": forwarder(f"{curve}, {NEWS}") + 'engine = "libzmq"\n',
        "limit": forwarder("max_connections_per_key = 1"),
        "text": forwarder(f'{curve}, rights = {{ anna = {{ subscribe = "news" }} }}'),
        "key": forwarder(f"{curve}, rights = {{ anna = {{ subscribes = [] }} }}"),
    }
    found = faults_of(texts)
    unknown = "this socket does not know its users (bind, and add curve or plain)"
    expected = {
        "nobody": f"device.out.rights: {unknown}",
        "client": f"device.out.rights: {unknown}",
        "queue": "device.in.rights: rights are for PUB, XPUB, SUB and XSUB only, whose messages have topics",
        "inverted": "device.out.rights: rights and INVERT_MATCHING exclude each other: it sends the other topics",
        "libzmq": "out (XPUB) has rights for its users, which only the wire engine can, and libzmq is the engine: as set",
        "limit": f"device.out.max_connections_per_key: {unknown}",
        "text": 'must be an array of prefixes of topics, like ["orders."]',
        "key": "unknown key (did you mean subscribe?)",
    }
    for name, text in expected.items():
        assert len(found[name]) == 1, found[name]
        assert text in found[name][0]


@linux_only
@pytest.mark.parametrize("mechanism", [CURVE, PLAIN])
def test_validate_warns_of_rights_for_names_without_a_key_or_password(zdev_path: str, keys: Path, mechanism: str) -> None:
    rights = "rights = { anna = {}, anne = {}, '*' = {} }"
    (keys / "zdev.toml").write_text(forwarder(f"{mechanism}, {rights}"))
    done = subprocess.run(
        [zdev_path, "validate", "zdev.toml"], cwd=keys, capture_output=True, text=True, timeout=60, check=False
    )
    where = "clients" if mechanism == CURVE else "passwords"
    column = 126 if mechanism == CURVE else 96
    text = f'zdev.toml:5:{column}  warning: device.out.rights.anne: no key or password has the name "anne" (see {where})\n'
    assert (done.stderr, done.returncode) == (text, 0)
