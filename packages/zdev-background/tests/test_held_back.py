"""The options that zdev leaves to TCP: they distinguish a connection that is merely full from one that is dead."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import pytest
import zmq
from helpers import Connect, wire_only

from zdev_background import ThreadDevice

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="TCP_MAXRT is Linux's TCP_USER_TIMEOUT")

Options = dict[str, int]
KEEPALIVE: Options = {
    "tcp_keepalive": 1,
    "tcp_keepalive_idle": 1,
    "tcp_keepalive_intvl": 1,
    "tcp_keepalive_cnt": 1,
}  # s, s, probes
NONE: Options = {}
HEARTBEATS: Options = {"heartbeat_ivl": 2500, "heartbeat_timeout": 2500}  # ms; longer than keepalive needs, two seconds
CUTS: dict[str, tuple[Options, Options, str]] = {  # by the sender, by the device, and its engine
    "TCP_MAXRT": ({"tcp_maxrt": 2500}, NONE, "auto"),  # ms
    "heartbeats": (NONE, HEARTBEATS, "libzmq"),
}


class Held:
    """A sender that has filled a paused device."""

    def __init__(
        self, connect: Connect, stack: ExitStack, of_sender: Options, of_device: Options, engine: str = "auto"
    ) -> None:
        self.device = ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
        self.device.engine = engine
        self.device.context_factory = zmq.Context
        for role in ("in", "out"):
            self.device.bind(role, "tcp://127.0.0.1:*")
            for name, value in {"rcvhwm": 10, **of_device}.items():
                self.device.setsockopt(role, getattr(zmq, name.upper()), value)
        stack.enter_context(self.device).pause()
        self.sink = connect(zmq.PULL, self.device.endpoints["out"][0])
        self.source = connect(zmq.PUSH, sndhwm=10, **of_sender)
        self.cut = self.source.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        stack.callback(self.cut.close)
        stack.callback(self.source.disable_monitor)
        self.source.connect(self.device.endpoints["in"][0])
        self.sent = 0
        while self.source.poll(500, zmq.POLLOUT):
            self.source.send_multipart([b"%d" % self.sent, bytes(1000)])
            self.sent += 1

    def lost(self) -> int:
        """How many messages do not arrive, once the device goes on. (One of a connection that was cut may come after the end.)"""
        self.device.resume()
        self.source.send(b"end")
        return self.sent - len(list(iter(self.sink.recv_multipart, [b"end"])))


@pytest.mark.slow
def test_keepalive_leaves_full_connections_alone_where_tcp_maxrt_and_heartbeats_cut_them(connect: Connect) -> None:
    with ExitStack() as stack:
        probed = Held(connect, stack, KEEPALIVE, KEEPALIVE)
        cut = {name: Held(connect, stack, *options) for name, options in CUTS.items()}
        assert all(each.cut.poll(20_000) for each in cut.values())
        assert not probed.cut.poll(0)
        for name, each in {"keepalive": probed, **cut}.items():
            lost = each.lost()
            print(f"{name}: {lost} of {each.sent} messages lost")
            assert (lost > 0) == (each is not probed)


@pytest.mark.slow
@wire_only
def test_heartbeats_of_a_device_on_wire_leave_full_connections_alone(connect: Connect) -> None:
    with ExitStack() as stack:
        held = Held(connect, stack, NONE, HEARTBEATS, "wire")
        assert not held.cut.poll(10_000)
        assert held.lost() == 0
