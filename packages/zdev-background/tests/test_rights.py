"""Rights of the users of a forwarder, by key or password, to topics."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, Connect, Eventually, Kinds, both, bound, pid_of, wire_only
from zmq.auth import load_certificate

from zdev_background import (
    CurveServer,
    Device,
    Limits,
    PlainServer,
    ProcessDevice,
    Rights,
    SocketSpec,
    ThreadDevice,
    create_key,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")

Table = dict[str, Rights]
EVERYTHING = Rights(publish=[""], subscribe=[""])
ONLY_NEWS = {"anna": Rights(publish=["news"], subscribe=["news"])}


class Users:
    """The users anna and bert, with keys or with passwords.

    Attributes:
        server: Makes the mechanism of a socket, with rights.
        options: The options of a client, by name.
    """

    def __init__(self, directory: Path, mechanism: str) -> None:
        self.is_curve = mechanism == "CURVE"
        self._directory = directory
        create_key(directory, "server")
        for name in ("anna", "bert"):
            create_key(directory / "clients", name)
        passwords = directory / "passwords"
        passwords.write_text("anna:a\nbert:b\n")
        passwords.chmod(0o600)

    def server(self, rights: Table | None) -> CurveServer | PlainServer:
        if self.is_curve:
            return CurveServer(self._directory / "server.key_secret", self._directory / "clients", rights)
        return PlainServer(self._directory / "passwords", rights)

    def options(self, name: str) -> dict[str, bytes]:
        if not self.is_curve:
            return {"plain_username": name.encode(), "plain_password": name[:1].encode()}
        public, secret = load_certificate(self._directory / f"clients/{name}.key_secret")
        assert secret
        server, _ = load_certificate(self._directory / "server.key")
        return {"curve_publickey": public, "curve_secretkey": secret, "curve_serverkey": server}


@pytest.fixture(params=["CURVE", "PLAIN"])
def users(tmp_path: Path, request: pytest.FixtureRequest) -> Users:
    return Users(tmp_path, request.param)


def forwarder(kind: Callable[..., Device], users: Users, *, in_: Table | None = None, out: Table | None = None) -> Device:
    device = bound(kind(zmq.FORWARDER, zmq.XSUB, zmq.XPUB))
    device.secure_in(users.server(in_))
    device.secure_out(users.server(out))
    return device


def counters(device: Device, role: Any) -> Any:
    return device.connections()[role].counters


def subscription(source: zmq.Socket[bytes]) -> bytes:
    """The next subscription, or end of one, that reaches a publisher."""
    return source.recv()


@wire_only
@both
def test_users_publish_and_subscribe_within_their_rights_only(
    kind: Kinds, users: Users, running: Callable[[Device], Device], connect: Connect, eventually: Eventually
) -> None:
    rights = {"anna": Rights(publish=["orders."], subscribe=["news", "orders."]), "*": EVERYTHING}
    device = running(forwarder(kind, users, in_=rights, out=rights))
    bert, anna = (connect(zmq.XPUB, *device.endpoints["in"], **users.options(name)) for name in ("bert", "anna"))
    reader = connect(zmq.SUB, *device.endpoints["out"], **users.options("anna"))
    for source in (anna, bert):
        assert {subscription(source) for _ in range(2)} == {b"\1news", b"\1orders."}
    anna.send_multipart([b"news", b"of anna"])
    bert.send_multipart([b"news", b"of bert"])
    assert reader.recv_multipart() == [b"news", b"of bert"]
    anna.send_multipart([b"orders.1", b"of anna"])
    assert reader.recv_multipart() == [b"orders.1", b"of anna"]
    reader.subscribe(b"secret")
    eventually(lambda: counters(device, "out").denied_subscriptions == 1)
    assert counters(device, "in").denied_messages == 1
    denied = {(each.role, each.user): each.denied for each in device.peers()}
    assert denied == {("in", "anna"): 1, ("in", "bert"): 0, ("out", "anna"): 1}


@wire_only
@pytest.mark.parametrize("restart", ["never", "on-failure"])
@both
def test_rights_of_a_running_device_change_for_connected_users_within_a_second(
    kind: Kinds, restart: Any, users: Users, running: Callable[[Device], Device], connect: Connect
) -> None:
    device = forwarder(kind, users, out=ONLY_NEWS)
    device.restart = restart
    running(device)
    source = connect(zmq.XPUB, *device.endpoints["in"], **users.options("bert"))
    reader = connect(zmq.SUB, *device.endpoints["out"], **users.options("anna"))
    assert subscription(source) == b"\1news"
    begin = time.monotonic()
    device.set_rights("out", {"anna": Rights(subscribe=[b"orders."])})
    assert [subscription(source), subscription(source)] == [b"\1orders.", b"\0news"]
    assert time.monotonic() - begin < 1
    for topic in (b"news", b"orders.1"):
        source.send_multipart([topic, b"x"])
    assert reader.recv_multipart() == [b"orders.1", b"x"]
    device.set_rights("out", None)
    assert [subscription(source), subscription(source)] == [b"\1", b"\0orders."]


@wire_only
def test_rights_that_were_changed_hold_after_a_restart(
    users: Users, running: Callable[[Device], Device], connect: Connect, eventually: Eventually
) -> None:
    device = forwarder(ProcessDevice, users, out=ONLY_NEWS)
    device.restart = "on-failure"
    running(device)
    device.set_rights("out", {"anna": Rights(subscribe=["orders."])})
    os.kill(pid_of(device), signal.SIGKILL)
    eventually(lambda: device.restarts == 1 and device.state.name == "ACTIVE")
    source = connect(zmq.XPUB, *device.endpoints["in"], **users.options("bert"))
    connect(zmq.SUB, *device.endpoints["out"], **users.options("anna"))
    assert subscription(source) == b"\1orders."


@wire_only
def test_what_is_denied_is_logged_without_a_flood(
    users: Users,
    running: Callable[[Device], Device],
    connect: Connect,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    device = running(forwarder(ThreadDevice, users, out=ONLY_NEWS))
    reader = connect(zmq.XSUB, *device.endpoints["out"], **users.options("anna"))
    for number in range(1000):
        reader.send(b"\1secret\n%d" % number)
    eventually(lambda: counters(device, "out").denied_subscriptions == 1000)
    eventually(lambda: "denied" in caplog.text)
    device.stop()
    (line,) = [each.getMessage() for each in caplog.records if "denied" in each.getMessage()]
    assert "at out" in line
    assert "subscription of anna from 127.0.0.1: its rights do not allow the topic 'secret\\n0'" in line


@wire_only
def test_a_limit_for_each_key_refuses_further_connections_of_that_user_only(
    users: Users, running: Callable[[Device], Device], connect: Connect, eventually: Eventually
) -> None:
    device = forwarder(ThreadDevice, users)
    device.limit_in(Limits(max_connections_per_key=1))
    running(device)
    for name in ("anna", "anna", "bert"):
        connect(zmq.PUB, *device.endpoints["in"], reconnect_ivl=60_000, **users.options(name))
    eventually(lambda: counters(device, "in").refused_max_connections_per_key == 1)
    eventually(lambda: sorted(each.user for each in device.peers()) == ["anna", "bert"])


@wire_only
def test_a_limit_for_each_key_needs_users() -> None:
    device = bound(ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH))
    device.limit_in(Limits(max_connections_per_key=1))
    with pytest.raises(zmq.ZMQError, match="max_connections_per_key: for a server of CURVE or PLAIN only") as raised:
        device.start()
    assert raised.value.errno == zmq.EINVAL


@pytest.mark.engine("libzmq")
@pytest.mark.parametrize("restart", ["never", "on-failure"])
def test_rights_are_refused_with_libzmq(users: Users, running: Callable[[Device], Device], restart: Any) -> None:
    with pytest.raises(zmq.ZMQError, match=r"out \(XPUB\) has rights for its users, which only the wire engine can") as raised:
        forwarder(ThreadDevice, users, out=ONLY_NEWS).start()
    assert raised.value.errno == zmq.ENOTSUP
    device = forwarder(ThreadDevice, users)
    device.restart = restart
    running(device)
    with pytest.raises(zmq.ZMQError, match="only the wire engine can enforce rights"):
        device.set_rights("out", ONLY_NEWS)
    assert device.specs["out"].security == users.server(None)


@wire_only
@pytest.mark.parametrize("restart", ["never", "on-failure"])
def test_rights_of_a_socket_that_was_started_without_users_cannot_change(
    users: Users, running: Callable[[Device], Device], restart: Any
) -> None:
    device = bound(ThreadDevice(zmq.FORWARDER, zmq.XSUB, zmq.XPUB))
    device.restart = restart
    running(device)
    with pytest.warns(RuntimeWarning, match="takes effect at the next start"):
        device.secure_out(users.server(None))
    with pytest.raises(ValueError, match=r"out \(XPUB\) was started without CurveServer or PlainServer"):
        device.set_rights("out", ONLY_NEWS)


@pytest.mark.engine("auto")
def test_auto_takes_the_wire_engine_for_rights(users: Users) -> None:
    assert forwarder(ThreadDevice, users, out=ONLY_NEWS).choose_engine() == "wire"


@wire_only
def test_rights_are_refused_where_messages_have_no_topics_or_matching_is_inverted(users: Users) -> None:
    queue = bound(ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER))
    queue.secure_in(users.server(ONLY_NEWS))
    with pytest.raises(zmq.ZMQError, match=r"cannot protect in \(ROUTER\): rights are for PUB, XPUB, SUB and XSUB only"):
        queue.start()
    inverted = forwarder(ThreadDevice, users, out=ONLY_NEWS)
    inverted.setsockopt_out(zmq.INVERT_MATCHING, 1)
    with pytest.raises(zmq.ZMQError, match="rights and INVERT_MATCHING exclude each other"):
        inverted.start()
    with pytest.raises(ValueError, match=r"cannot set rights of out \(XPUB\): rights and INVERT_MATCHING"):
        inverted.set_rights("out", ONLY_NEWS)


def test_only_sockets_that_know_their_users_have_rights() -> None:
    device = bound(ThreadDevice(zmq.FORWARDER, zmq.XSUB, zmq.XPUB))
    with pytest.raises(ValueError, match=r"cannot set rights: out \(XPUB\) has no CurveServer or PlainServer"):
        device.set_rights("out", ONLY_NEWS)


@pytest.mark.parametrize("given", [["anna"], {"anna": ["news"]}, {b"anna": Rights()}, Rights()])
def test_rights_are_a_value_for_each_name(given: Any) -> None:
    with pytest.raises(TypeError, match="rights must be a value of Rights for each name of a user"):
        PlainServer("passwords", given)


@pytest.mark.parametrize("given", ["news", b"news", 1, [1]])
def test_prefixes_are_a_list(given: Any) -> None:
    with pytest.raises(TypeError, match="subscribe must be a list of prefixes of topics"):
        Rights(subscribe=given)


def test_a_mechanism_with_rights_can_be_copied_compared_and_hashed() -> None:
    server = PlainServer("passwords", ONLY_NEWS)
    assert pickle.loads(pickle.dumps(server)) == server
    assert hash(server) == hash(PlainServer("passwords"))
    assert server != PlainServer("passwords")


def test_names_without_a_key_or_password_are_known(users: Users) -> None:
    server = users.server({"anna": EVERYTHING, "anne": EVERYTHING, "*": EVERYTHING})
    assert server.unknown_users() == ["anne"]


def test_a_device_shows_the_mechanism_of_each_socket(users: Users) -> None:
    device = forwarder(ThreadDevice, users)
    device.secure_out(None)
    mechanism = "CURVE" if users.is_curve else "PLAIN"
    assert repr(device) == f"<ThreadDevice not started: in (XSUB, {mechanism}) {ANY_PORT}, out (XPUB) {ANY_PORT}>"
    by_option = SocketSpec("in", zmq.ROUTER, options=[(zmq.CURVE_SERVER, 1)])
    assert by_option.mechanism == "CURVE"
