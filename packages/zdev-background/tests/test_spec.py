"""A SocketSpec is a value; opening it makes a socket as specified, or raises and leaves nothing."""

from __future__ import annotations

import copy
import errno
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT

from zdev_background import SocketSpec

Context = zmq.Context[zmq.Socket[bytes]]


@pytest.fixture
def context() -> Iterator[Context]:
    context: Context = zmq.Context()
    yield context
    assert not any(not socket.closed for socket in context._sockets)
    context.term()


def test_it_pickles_and_compares() -> None:
    spec = SocketSpec("in", zmq.ROUTER, [(zmq.IDENTITY, "ROUTER")], [ANY_PORT], ["tcp://127.0.0.1:1"])
    assert pickle.loads(pickle.dumps(spec)) == spec == copy.deepcopy(spec)
    assert spec != SocketSpec("in", zmq.ROUTER)


def test_options_are_set_before_anything_is_bound(context: Context) -> None:
    opened = SocketSpec("in", zmq.ROUTER, [(zmq.IPV6, 1)], ["tcp://[::1]:*"]).open(context)
    assert opened.endpoints[0].startswith("tcp://[::1]:")  # not to be had without the option
    opened.close()


def test_the_endpoints_are_those_bound_in_order(context: Context) -> None:
    opened = SocketSpec("in", zmq.ROUTER, [], [ANY_PORT, "inproc://name"], ["tcp://127.0.0.1:1"]).open(context)
    assert opened.endpoints[0].startswith("tcp://127.0.0.1:")
    assert opened.endpoints[1:] == ("inproc://name",)
    opened.close()


def test_what_was_bound_is_free_when_close_returns(context: Context, tmp_path: Path) -> None:
    spec = SocketSpec("in", zmq.ROUTER, [], [ANY_PORT, ANY_PORT, f"ipc://{tmp_path}/socket"])
    for _ in range(50):
        opened = spec.open(context)
        opened.close()
        spec = SocketSpec("in", zmq.ROUTER, [], list(opened.endpoints))


def test_a_str_is_set_as_utf_8(context: Context) -> None:
    socket, endpoints = SocketSpec("in", zmq.ROUTER, [(zmq.IDENTITY, "Grüße")]).open(context)
    assert socket.identity == "Grüße".encode()
    assert endpoints == ()
    socket.close()


def test_linger_is_bounded_and_routers_are_mandatory_unless_the_user_or_the_context_says_otherwise(context: Context) -> None:
    def linger(spec: SocketSpec) -> int:
        with spec.open(context).socket as socket:
            return socket.getsockopt(zmq.LINGER)  # type: ignore[return-value]

    assert linger(SocketSpec("in", zmq.ROUTER)) == 1000
    assert linger(SocketSpec("in", zmq.ROUTER, [(zmq.LINGER, -1)])) == -1
    context.setsockopt(zmq.LINGER, 5)
    assert linger(SocketSpec("in", zmq.ROUTER)) == 5

    with SocketSpec("in", zmq.ROUTER).open(context).socket as router, pytest.raises(zmq.ZMQError) as caught:
        router.send_multipart([b"nobody", b""])
    assert caught.value.errno == zmq.EHOSTUNREACH
    with SocketSpec("in", zmq.ROUTER, [(zmq.ROUTER_MANDATORY, 0)]).open(context).socket as router:
        router.send_multipart([b"nobody", b""])


def test_an_xsub_loses_no_subscription_by_default(context: zmq.Context[Any]) -> None:
    with SocketSpec("in", zmq.XSUB).open(context).socket as xsub:
        assert xsub.get(zmq.SNDHWM) == 0
    with SocketSpec("in", zmq.XSUB, [(zmq.SNDHWM, 5)]).open(context).socket as xsub:
        assert xsub.get(zmq.SNDHWM) == 5


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        (4711, 1, "option 4711 of in (ROUTER) to 1: "),
        (zmq.LINGER, "long", "option LINGER of in (ROUTER) to 'long': "),
        (zmq.LINGER, None, "option LINGER of in (ROUTER) to None: "),
        (zmq.LINGER, 2**40, "option LINGER of in (ROUTER) to 1099511627776: "),
        (zmq.IDENTITY, b"x" * 256, "of in (ROUTER) to b'xxx"),
        (zmq.SUBSCRIBE, b"", "option SUBSCRIBE of in (ROUTER) to b'': "),
    ],
)
def test_an_option_that_cannot_be_set_is_an_einval_that_names_it(context: Context, option: int, value: Any, said: str) -> None:
    with pytest.raises(zmq.ZMQError) as caught:
        SocketSpec("in", zmq.ROUTER, [(option, value)]).open(context, "MyDevice")
    assert caught.value.errno == errno.EINVAL
    assert str(caught.value).startswith("MyDevice: cannot set option ")
    assert said in str(caught.value)
    assert "zmq_setsockopt(3)" in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "number"),
    [
        ("127.0.0.1:5555", errno.EINVAL),
        ("tcp://127.0.0.1", errno.EINVAL),
        ("ftp://127.0.0.1:5555", errno.EPROTONOSUPPORT),
        ("ipc:///no/such/directory/socket", errno.ENOENT),
        ("tcp://192.0.2.1:5555", errno.EADDRNOTAVAIL),
        ("tcp://nointerface0:5555", errno.ENODEV),
    ],
)
def test_an_endpoint_that_cannot_be_bound_is_named_with_advice(context: Context, endpoint: str, number: int) -> None:
    with pytest.raises(zmq.ZMQError) as caught:
        SocketSpec("out", zmq.DEALER, binds=[ANY_PORT, endpoint]).open(context, "MyDevice")
    assert caught.value.errno == number
    assert str(caught.value).startswith(f"MyDevice: cannot bind out (DEALER) to {endpoint}: ")
    assert any(advice in str(caught.value) for advice in (" (", "write transport://", "ends in :PORT"))


def test_an_endpoint_that_cannot_be_connected_to_is_named(context: Context) -> None:
    with pytest.raises(zmq.ZMQError, match=r"zdev: cannot connect mon \(PUB\) to nowhere: ") as caught:
        SocketSpec("mon", zmq.PUB, connects=["nowhere"]).open(context)
    assert caught.value.errno == errno.EINVAL


def test_an_unknown_socket_type_is_named(context: Context) -> None:
    with pytest.raises(zmq.ZMQError, match=r"zdev: cannot make ctrl \(type 99\): ") as caught:
        SocketSpec("ctrl", 99).open(context)
    assert caught.value.errno == errno.EINVAL
