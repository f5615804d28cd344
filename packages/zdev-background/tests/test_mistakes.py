"""Typical mistakes are refused, or warned about, where they are made or at the start; the text names the mistake and the remedy."""

from __future__ import annotations

import errno
import logging
import os
import socket as sockets
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import libzmq_only

from zdev_background import (
    Device,
    ProcessDevice,
    ProxySteerable,
    SocketSpec,
    ThreadDevice,
    ThreadMonitoredQueue,
    ThreadProxy,
    ThreadProxySteerable,
)

ANY_PORT = "tcp://127.0.0.1:*"


def queue(kind: type[Device] = ThreadDevice) -> Any:
    return kind(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)


def refused(device: Device) -> str:
    """The error of a start that fails with EINVAL, and leaves nothing behind."""
    with pytest.raises(zmq.ZMQError) as caught:
        device.start()
    assert caught.value.errno == errno.EINVAL
    assert device.exception is caught.value
    assert device.done
    assert not device.is_alive()
    return str(caught.value)


@pytest.mark.parametrize("kind", [ThreadDevice, ProcessDevice])
@pytest.mark.parametrize(("bound", "missing"), [("in", "out (DEALER)"), ("out", "in (ROUTER)")])
def test_in_and_out_need_an_endpoint(kind: Any, bound: Any, missing: str) -> None:
    device = queue(kind)
    device.bind(bound, ANY_PORT)
    role = missing[: missing.index(" ")]
    text = f"{kind.__name__}: {missing} has no endpoint (call bind_{role} or connect_{role} before the start)"
    assert refused(device) == text
    device.bind(role, ANY_PORT)
    with device:
        assert device.exception is None


def test_one_socket_as_both_ends_needs_one_endpoint() -> None:
    device = ThreadDevice(zmq.QUEUE, zmq.REP, -1)
    device.bind_in(ANY_PORT)
    with device:
        assert device.is_alive()


def test_a_device_without_any_endpoint_starts_as_in_zmq_devices_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "zdev"), queue() as device:
        assert device.is_alive()
    assert "ThreadDevice: no socket has an endpoint, so it relays nothing" in caplog.text


def test_a_monitor_that_would_hold_everything_up_needs_an_endpoint() -> None:
    device = ThreadProxy(zmq.PULL, zmq.PUSH, zmq.PUSH)
    device.bind_in(ANY_PORT)
    device.bind_out(ANY_PORT)
    assert "mon (PUSH) has no endpoint (call bind_mon or connect_mon" in refused(device)


def test_a_monitor_or_control_socket_that_nobody_can_reach_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    device = ThreadProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB, zmq.REP)
    device.bind_in(ANY_PORT)
    device.bind_out(ANY_PORT)
    with caplog.at_level(logging.INFO, "zdev"), device:
        pass
    said = [each.getMessage() for each in caplog.records]
    for role, kind in (("mon", "PUB"), ("ctrl", "REP")):
        text = f"{role} ({kind}) has no endpoint, so nobody can reach it (call bind_{role} or connect_{role} before the start)"
        assert f"ThreadProxySteerable: {text}" in said


BAD_PORT = "invalid port: a tcp endpoint ends in :PORT, 1 to 65535"
WILDCARD = "cannot connect to a wildcard: write"
ENDPOINTS = [
    ("bind", "tcp://127.0.0.1:99999", BAD_PORT + ", or * for any free one"),
    ("connect", "tcp://127.0.0.1:99999", BAD_PORT),
    ("bind", "tcp://127.0.0.1:5999/", BAD_PORT),
    ("bind", "tcp://127.0.0.1:5999abc", BAD_PORT),
    ("bind", "tcp://127.0.0.1:-1", BAD_PORT),
    ("bind", "tcp://127.0.0.1", BAD_PORT),
    ("bind", "tcp://127.0.0.1:5999 ", "invalid endpoint: spaces are not allowed"),
    ("bind", "tcp://:5999", "host missing: write tcp://*:5999"),
    ("connect", "tcp://:5999", "host missing: write tcp://127.0.0.1:5999"),
    ("connect", "tcp://*:5999", WILDCARD),
    ("connect", "tcp://127.0.0.1:*", WILDCARD),
    ("connect", "tcp://127.0.0.1:0", WILDCARD),
    ("connect", "ipc://*", WILDCARD),
    ("bind", "127.0.0.1:5999", "invalid endpoint: write transport://address"),
    ("bind", "", "invalid endpoint: write transport://address"),
    ("bind", "tcp://", "invalid endpoint: write transport://address"),
    ("bind", "ipc:///a\0b", "invalid endpoint: null characters"),
]


@pytest.mark.parametrize("kind", [ThreadDevice, ProcessDevice])
@pytest.mark.parametrize(("verb", "endpoint", "said"), ENDPOINTS)
def test_an_invalid_endpoint_is_refused_at_the_start(kind: Any, verb: str, endpoint: str, said: str) -> None:
    device = queue(kind)
    device.bind_out(ANY_PORT)
    getattr(device, f"{verb}_in")(endpoint)
    does = "bind in (ROUTER) to" if verb == "bind" else "connect in (ROUTER) to"
    assert refused(device).startswith(f"{kind.__name__}: cannot {does} {endpoint}: {said}")


def test_inproc_is_refused_in_a_process() -> None:
    device = queue(ProcessDevice)
    device.bind_in("inproc://a")
    device.bind_out(ANY_PORT)
    text = "in (ROUTER) uses inproc://a: inproc cannot reach another process (use ipc:// or tcp://)"
    assert refused(device) == f"ProcessDevice: {text}"


def test_inproc_in_a_context_of_the_devices_own_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    device = queue()
    device.context_factory = zmq.Context
    device.bind_in("inproc://a")
    device.bind_out(ANY_PORT)
    with caplog.at_level(logging.WARNING, "zdev"), device:
        pass
    assert "in (ROUTER) uses inproc://a in the device's own context, where no other socket can reach it" in caplog.text


def test_an_ipv6_address_needs_no_option(connect: Callable[..., Any]) -> None:
    if not sockets.has_dualstack_ipv6():
        pytest.skip("no IPv6")
    device = queue()
    device.bind_in("tcp://[::1]:*")
    device.bind_out(ANY_PORT)
    with device:
        client = connect(zmq.REQ, ipv6=1)
        client.connect(device.endpoints["in"][0])
        worker = connect(zmq.REP, device.endpoints["out"][0])
        client.send(b"question")
        assert worker.recv() == b"question"
    relayed = ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    with zmq.Context() as context, context.socket(zmq.PULL) as sink:
        sink.ipv6, sink.rcvtimeo = True, 10_000
        sink.bind("tcp://[::1]:*")
        relayed.connect_out(sink.last_endpoint)
        relayed.bind_in(ANY_PORT)
        with relayed:
            connect(zmq.PUSH, *relayed.endpoints["in"]).send(b"task")
            assert sink.recv() == b"task"


@libzmq_only
def test_without_ipv6_if_the_user_says_so() -> None:
    device = queue()
    device.setsockopt_in(zmq.IPV6, 0)
    device.bind_in("tcp://[::1]:*")
    device.bind_out(ANY_PORT)
    with pytest.raises(zmq.ZMQError, match=r"cannot bind in \(ROUTER\) to tcp://\[::1\]:\*: "):
        device.start()


def test_endpoints_may_be_bytes_as_in_zmq_devices() -> None:
    device = queue()
    device.bind_in(ANY_PORT.encode())
    device.bind_in_to_random_port(b"tcp://127.0.0.1")
    device.connect_out(b"tcp://127.0.0.1:1")
    with device:
        assert len(device.endpoints["in"]) == 2


Mistake = Callable[[], object]
KINDS: dict[str, tuple[Mistake, type[Exception], str]] = {
    "text as a type": (lambda: ThreadDevice(zmq.QUEUE, "ROUTER", zmq.DEALER), TypeError, "in_type must be a socket type like"),  # type: ignore[arg-type]
    "True as a type": (lambda: ThreadDevice(zmq.QUEUE, zmq.ROUTER, True), TypeError, "out_type must be a socket type like"),
    "42 as a type": (lambda: ThreadDevice(zmq.QUEUE, zmq.ROUTER, 42), ValueError, "out_type is 42, which a device cannot"),
    "-1 as in": (lambda: ThreadDevice(zmq.QUEUE, -1, zmq.DEALER), ValueError, "in_type is -1, which a device cannot"),
    "a draft type": (lambda: ThreadDevice(zmq.QUEUE, zmq.SERVER, zmq.DEALER), ValueError, "in_type is SERVER, which a device"),
    "STREAM": (
        lambda: ThreadDevice(zmq.QUEUE, zmq.STREAM, zmq.DEALER),
        ValueError,
        "in_type is STREAM, .*use one of PAIR, PUB",
    ),
    "None as mon": (lambda: ThreadProxy(zmq.PULL, zmq.PUSH, None), TypeError, "mon_type must be a socket type like"),  # type: ignore[arg-type]
    "text as ctrl": (lambda: ProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB, "REP"), TypeError, "ctrl_type must be a socket"),  # type: ignore[arg-type]
    "a number as prefix": (lambda: monitored(in_prefix=1), TypeError, "in_prefix must be bytes or str, not 1"),
    "a list as prefix": (
        lambda: monitored(out_prefix=[b"out"]),
        TypeError,
        "out_prefix must be bytes or str, not \\[b'out'\\]",
    ),
    "a prefix in from_specs": (lambda: from_specs(in_prefix=1), TypeError, "in_prefix must be bytes or str, not 1"),
    "a dropped_prefix in from_specs": (
        lambda: from_specs(dropped_prefix=1),
        TypeError,
        "dropped_prefix must be bytes or str, not 1",
    ),
    "a number as endpoint": (lambda: queue().bind_in(5559), TypeError, "an endpoint must be text like tcp://.*, not 5559"),
    "None to connect to": (lambda: queue().connect_in(None), TypeError, "an endpoint must be text like tcp://.*, not None"),
    "a name as option": (lambda: queue().setsockopt_in("SNDHWM", 5), TypeError, "opt must be a socket option like zmq.SNDHWM"),
    "a path as security": (lambda: queue().secure_in("keys"), TypeError, "security must be a value like CurveServer"),
    "a random port with a port": (
        lambda: queue().bind_in_to_random_port("tcp://127.0.0.1:5559"),
        zmq.ZMQError,
        "ThreadDevice: cannot reserve a port for in .*write transport and host without a port",
    ),
    "a random port without tcp": (
        lambda: queue().bind_in_to_random_port("ftp://here"),
        zmq.ZMQError,
        "cannot reserve a port for in .* at ftp://here: protocol not supported \\(use a transport",
    ),
    "bytes that are not text": (lambda: queue().bind_in(b"\xff"), TypeError, "an endpoint must be text like tcp://"),
    "another value as spec": (lambda: ThreadDevice.from_specs([1]), TypeError, "specs must be of type SocketSpec, not 1"),  # type: ignore[list-item]
    "a spec of another role": (
        lambda: ThreadDevice.from_specs([SocketSpec("inn", zmq.REP)]),  # type: ignore[arg-type]
        ValueError,
        r"unknown role 'inn' \(roles: in, out, mon, ctrl\)",
    ),
    "text as drain's timeout": (lambda: queue().drain("5"), TypeError, "timeout must be a number of seconds, or None"),
    "text as stop's timeout": (lambda: queue().stop("5"), TypeError, "timeout must be a number of seconds, or None"),
    "text as start's timeout": (lambda: queue().start("5"), TypeError, "timeout must be a number of seconds, or None"),
}


def monitored(**prefixes: Any) -> ThreadMonitoredQueue:
    return ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER, **prefixes)


def from_specs(**prefixes: Any) -> ThreadMonitoredQueue:
    return ThreadMonitoredQueue.from_specs([SocketSpec("in", zmq.ROUTER), SocketSpec("out", zmq.DEALER)], **prefixes)


@pytest.mark.parametrize("name", KINDS)
def test_a_value_of_a_wrong_kind_is_refused_where_it_is_given(name: str) -> None:
    mistake, kind, said = KINDS[name]
    with pytest.raises(kind, match=said):
        mistake()


def test_a_spec_of_a_draft_type_names_the_types_that_can_be(context: zmq.Context[Any]) -> None:
    with pytest.raises(zmq.ZMQError, match=r"zdev: cannot make in \(SERVER\): .* \(use one of PAIR, PUB"):
        SocketSpec("in", zmq.SERVER).open(context)


VALUES: list[tuple[str, Any, str]] = [
    ("on_full", "blok", "on_full must be None or 'block' or 'drop', not 'blok'"),
    ("mon_on_full", None, "mon_on_full must be 'block' or 'drop', not None"),
    ("cpus", 3, r"cpus must be a collection of processors, like \{0, 1\}, not 3"),
    ("context_factory", None, "context_factory must be a callable that returns a zmq.Context, like zmq.Context, not None"),
    ("context_factory", dict, r"context_factory must return a zmq.Context, and returned \{\}"),
    ("start_method", "frok", "start_method must be None or one of .*, not 'frok'"),
    ("restart", True, 'invalid restart True: it must be "never" or "on-failure"'),
]


@pytest.mark.parametrize(("setting", "value", "said"), VALUES)
def test_a_setting_of_a_wrong_kind_is_refused_at_the_start(setting: str, value: Any, said: str) -> None:
    device = queue(ProcessDevice if setting in ("start_method", "restart") else ThreadDevice)
    device.bind_in(ANY_PORT)
    device.bind_out(ANY_PORT)
    setattr(device, setting, value)
    with pytest.raises((TypeError, ValueError), match=f"Device: {said}"):
        device.start()
    assert not device.is_alive()


PLACEMENTS = [("io_threads", "2", "cannot use '2' I/O threads: not a whole number"), ("cpus", ["0"], "must be numbers")]


@pytest.mark.parametrize(("setting", "value", "said"), PLACEMENTS)
def test_a_placement_of_a_wrong_kind_is_refused_at_the_start(setting: str, value: object, said: str) -> None:
    device = queue()
    device.bind_in(ANY_PORT)
    device.bind_out(ANY_PORT)
    setattr(device, setting, value)
    with pytest.raises(zmq.ZMQError, match=said):
        device.start()


@pytest.fixture
def running() -> Iterator[Any]:
    device = ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER)
    for role in ("in", "out", "mon"):
        device.bind(role, ANY_PORT)  # type: ignore[arg-type]
    with device:
        yield device


SETTINGS: dict[str, Callable[[Any], object]] = {
    "bind_in": lambda device: device.bind_in(ANY_PORT),
    "connect": lambda device: device.connect("out", "tcp://127.0.0.1:1"),
    "setsockopt_mon": lambda device: device.setsockopt_mon(zmq.SNDHWM, 5),
    "secure_in": lambda device: device.secure_in(None),
    "bind_in_to_random_port": lambda device: device.bind_in_to_random_port("tcp://127.0.0.1"),
    "on_full": lambda device: setattr(device, "on_full", "block"),
    "cpus": lambda device: setattr(device, "cpus", {0}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_made_while_the_device_runs_is_warned_about(running: Any, name: str) -> None:
    with pytest.warns(RuntimeWarning, match="ThreadMonitoredQueue is running: .* takes effect at the next start") as warned:
        SETTINGS[name](running)
    assert warned[0].filename == __file__
    running.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SETTINGS[name](running)


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    with zmq.Context() as context:
        yield context


def bind_error(context: zmq.Context[Any], endpoint: str, *options: tuple[int, int]) -> zmq.ZMQError:
    with pytest.raises(zmq.ZMQError) as caught:
        SocketSpec("in", zmq.ROUTER, list(options), binds=[endpoint]).open(context)
    return caught.value


class TestEachHintFitsItsCause:
    def test_an_address_in_use(self, context: zmq.Context[Any], taken: Any) -> None:
        error = bind_error(context, taken.endpoint)
        assert error.errno == errno.EADDRINUSE
        assert "bind another address; port * lets the system choose)" in str(error)
        taken.release()
        SocketSpec("in", zmq.ROUTER, binds=[taken.endpoint]).open(context).close()
        SocketSpec("in", zmq.ROUTER, binds=[ANY_PORT]).open(context).close()

    @pytest.mark.parametrize("endpoint", ["tcp://192.0.2.1:5555", "tcp://nointerface0:5555"])
    def test_an_address_of_another_machine(self, context: zmq.Context[Any], endpoint: str) -> None:
        error = bind_error(context, endpoint)
        assert error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV)
        assert "address that this machine has, or * for all" in str(error)
        SocketSpec("in", zmq.ROUTER, binds=["tcp://*:*", "tcp://lo:*"]).open(context).close()

    def test_a_directory_that_is_missing(self, context: zmq.Context[Any], tmp_path: Path) -> None:
        endpoint = f"ipc://{tmp_path}/missing/socket"
        error = bind_error(context, endpoint)
        assert error.errno == errno.ENOENT
        assert "make the directory first" in str(error)
        (tmp_path / "missing").mkdir()
        SocketSpec("in", zmq.ROUTER, binds=[endpoint]).open(context).close()

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may bind anywhere")
    def test_a_directory_that_is_closed(self, context: zmq.Context[Any], tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        error = bind_error(context, f"ipc://{tmp_path}/socket")
        assert error.errno == errno.EACCES
        assert "a directory that you may write to" in str(error)

    def test_a_transport_that_does_not_exist(self, context: zmq.Context[Any]) -> None:
        error = bind_error(context, "ftp://127.0.0.1:5555")
        assert error.errno == errno.EPROTONOSUPPORT
        assert "use a transport that this libzmq has: tcp, ipc, inproc" in str(error)

    def test_a_transport_for_other_types(self, context: zmq.Context[Any]) -> None:
        error = bind_error(context, "udp://127.0.0.1:5555")
        assert error.errno in (zmq.ENOCOMPATPROTO, errno.EPROTONOSUPPORT)  # the latter: a libzmq without drafts
        assert "use a transport that" in str(error)

    def test_too_many_sockets(self) -> None:
        with zmq.Context() as context:
            context.set(zmq.MAX_SOCKETS, 1)
            with context.socket(zmq.PAIR), pytest.raises(zmq.ZMQError) as caught:
                SocketSpec("in", zmq.ROUTER).open(context)
            assert caught.value.errno == errno.EMFILE
            assert "raise the limit of open files, ulimit -n or systemd's LimitNOFILE=, or of sockets" in str(caught.value)

    def test_an_io_thread_that_does_not_exist(self, context: zmq.Context[Any]) -> None:
        error = bind_error(context, ANY_PORT, (zmq.AFFINITY, 2))
        assert error.errno == zmq.EMTHREAD
        assert "set a bit of AFFINITY for an I/O thread" in str(error)
        SocketSpec("in", zmq.ROUTER, [(zmq.AFFINITY, 1)], binds=[ANY_PORT]).open(context).close()
