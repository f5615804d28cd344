"""`Device`: controlled and observed from other threads while it runs."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest
import zmq

from zdev_core import Device, FlowStatistics, Outcome, State, Statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Net


def test_it_keeps_its_sockets_open_and_leaves_them_to_the_caller(net: Net) -> None:
    ins, outs, source, sink = net.streamer()
    device = net.device(ins, outs)
    device.stop()
    assert device.run() is Outcome.STOPPED
    del device

    source.send(b"to in")
    assert ins.recv() == b"to in"
    outs.send(b"from out")
    assert sink.recv() == b"from out"


def test_stop_ends_the_run_and_it_can_run_again(net: Net) -> None:
    ins, outs, source, sink = net.streamer()
    device = net.device(ins, outs)
    for i in range(1, 4):
        done = net.call(device.run)
        source.send(b"%d" % i)
        assert sink.recv() == b"%d" % i
        device.stop()
        assert done.result() is Outcome.STOPPED
        assert device.statistics().state is State.IDLE
        assert device.statistics().in_.messages_sent == i


def test_statistics_are_live_while_it_runs(net: Net, eventually: Callable[..., None]) -> None:
    (ins, front), (outs, back), (mons, side) = net.bound(zmq.PAIR), net.bound(zmq.PAIR), net.bound(zmq.PUSH)
    client, worker, watcher = net.connected(zmq.PAIR, front), net.connected(zmq.PAIR, back), net.connected(zmq.PULL, side)
    device = net.device(ins, outs, mons)
    assert device.statistics().state is State.IDLE
    net.call(device.run)
    eventually(lambda: device.statistics().state is State.ACTIVE)

    for i in range(1, 4):
        client.send_multipart([b"four", b"seven77"])
        worker.recv_multipart()
        watcher.recv_multipart()
        eventually(lambda i=i: device.statistics().in_.monitor_sent == i)
        seen = device.statistics().in_
        assert (seen.messages_received, seen.frames_received, seen.bytes_received) == (i, 2 * i, 11 * i)
        assert (seen.messages_sent, seen.frames_sent, seen.bytes_sent) == (i, 2 * i, 11 * i)
    worker.send(b"reply")
    client.recv()
    eventually(lambda: device.statistics().out.monitor_sent == 1)
    assert device.statistics().out.bytes_sent == 5
    assert device.statistics().in_.messages_sent == 3


def test_dropped_messages_are_counted_by_reason(net: Net, eventually: Callable[..., None]) -> None:
    ins, front = net.bound(zmq.ROUTER)
    outs, back = net.bound(zmq.ROUTER, router_mandatory=1)
    client = net.connected(zmq.DEALER, front, routing_id=b"client")
    worker = net.connected(zmq.DEALER, back, routing_id=b"worker")
    worker.send(b"hello")
    assert outs.recv_multipart() == [b"worker", b"hello"]
    device, _ = net.run(ins, outs)

    client.send(b"no destination and content")
    client.send_multipart([b"nobody", b"question"])
    client.send_multipart([b"worker", b"question"])
    assert worker.recv_multipart() == [b"client", b"question"]
    eventually(lambda: device.statistics().in_.messages_sent == 1)
    assert device.statistics().in_.malformed == 1
    assert device.statistics().in_.unroutable == 1


def test_a_monitor_that_drops_counts_the_lost_copies(net: Net, eventually: Callable[..., None]) -> None:
    ins, outs, source, sink = net.streamer()
    mons, _ = net.bound(zmq.PUSH)  # without a reader
    device, _ = net.run(ins, outs, mons, mon_on_full="drop")
    for _ in range(3):
        source.send(b"message")
        assert sink.recv() == b"message"
    eventually(lambda: device.statistics().in_.monitor_dropped == 3)
    assert device.statistics().in_.monitor_sent == 0


def test_pause_holds_messages_and_resume_lets_them_go(net: Net, eventually: Callable[..., None]) -> None:
    ins, outs, source, sink = net.streamer()
    device, _ = net.run(ins, outs)
    device.pause()
    eventually(lambda: device.statistics().state is State.PAUSED)
    before = device.statistics().in_.messages_received
    for i in range(10):
        source.send(b"%d" % i)
    assert device.statistics().in_.messages_received == before
    assert not sink.poll(50)

    device.resume()
    assert [sink.recv() for _ in range(10)] == [b"%d" % i for i in range(10)]
    assert device.statistics().state is State.ACTIVE


def test_drain_waits_for_pending_replies(net: Net, eventually: Callable[..., None]) -> None:
    ins, outs, client, worker = net.queue()
    device, done = net.run(ins, outs)
    client.send(b"request")
    assert worker.recv() == b"request"

    device.drain()
    eventually(lambda: device.statistics().state is State.DRAINING)
    assert not done.done()
    worker.send(b"reply")
    assert client.recv() == b"reply"
    assert done.result() is Outcome.DRAINED


@pytest.mark.parametrize("timeout", [0, 0.01])
def test_a_drain_ends_at_its_timeout(net: Net, timeout: float) -> None:
    ins, outs, client, worker = net.queue()
    device, done = net.run(ins, outs)
    client.send(b"request")
    assert worker.recv() == b"request"
    device.drain(timeout=timeout)
    assert done.result() is Outcome.DRAIN_TIMED_OUT


@pytest.mark.parametrize("timeout", [-1, -0.001, float("nan"), float("-inf")])
def test_a_drain_timeout_below_zero_is_refused(net: Net, timeout: float) -> None:
    device = net.device(net.socket(zmq.PULL), net.socket(zmq.PUSH))
    with pytest.raises(ValueError, match="timeout must be 0 or more seconds"):
        device.drain(timeout)


@pytest.mark.parametrize("timeout", [None, float("inf"), 1e300])
def test_a_drain_may_wait_for_ever(net: Net, timeout: float | None, eventually: Callable[..., None]) -> None:
    ins, outs, client, worker = net.queue()
    device, done = net.run(ins, outs)
    client.send(b"request")
    assert worker.recv() == b"request"
    device.drain(timeout)
    eventually(lambda: device.statistics().state is State.DRAINING)
    worker.send(b"reply")
    assert client.recv() == b"reply"
    assert done.result() is Outcome.DRAINED


@pytest.fixture
def statistics(net: Net) -> Statistics:
    """Return the statistics of a device that has relayed one message."""
    ins, outs, source, sink = net.streamer()
    device, done = net.run(ins, outs)
    source.send(b"message")
    sink.recv()
    device.stop()
    done.result()
    return device.statistics()


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_statistics_are_values_that_copy_and_pickle(statistics: Statistics, again: Callable[[Any], Any]) -> None:
    for value in statistics, statistics.in_, statistics.out:
        copied = again(value)
        assert copied == value
        assert repr(copied) == repr(value)
    assert again(statistics).in_.messages_sent == 1
    assert again(State.PAUSED) is State.PAUSED
    assert again(Outcome.DRAINED) is Outcome.DRAINED


def test_statistics_with_any_different_counter_are_unequal(statistics: Statistics) -> None:
    assert statistics.in_ != statistics.out
    assert statistics != statistics.in_
    assert statistics == ANY
    state = statistics.in_.__getstate__()
    for i in range(len(state)):
        other = FlowStatistics.__new__(FlowStatistics)
        other.__setstate__((*state[:i], state[i] + 1, *state[i + 1 :]))
        assert other != statistics.in_
        whole = Statistics.__new__(Statistics)
        whole.__setstate__((statistics.state, other, *statistics.__getstate__()[2:]))
        assert whole != statistics
    for pending, loop_iterations in ((1, 0), (0, 1)):
        whole = Statistics.__new__(Statistics)
        whole.__setstate__(
            (*statistics.__getstate__()[:3], statistics.pending_replies + pending, statistics.loop_iterations + loop_iterations)
        )
        assert whole != statistics


def test_statistics_are_immutable(statistics: Statistics) -> None:
    with pytest.raises(AttributeError):
        statistics.in_.malformed = 1  # type: ignore[misc]
    with pytest.raises(AttributeError):
        statistics.state = State.ACTIVE  # type: ignore[misc]


def test_statistics_show_every_counter(statistics: Statistics) -> None:
    text = repr(statistics)
    assert text.startswith("Statistics(state=<State.IDLE: 'idle'>, in_=FlowStatistics(messages_received=1, ")
    assert text.count("bytes_sent=7") == 1
    assert text.count("monitor_dropped=0") == 2


def test_new_statistics_are_zero() -> None:
    flow, whole = FlowStatistics.__new__(FlowStatistics), Statistics.__new__(Statistics)
    assert set(flow.__getstate__()) == {0}
    assert (
        repr(whole)
        == f"Statistics(state=<State.IDLE: 'idle'>, in_={flow!r}, out={flow!r}, pending_replies=0, loop_iterations=0)"
    )


@pytest.mark.parametrize("method", ["run", "pause", "resume", "drain", "stop", "statistics"])
def test_a_device_that_was_not_initialised_refuses_every_call(method: str) -> None:
    with pytest.raises(TypeError, match=r"^Device\.__init__\(\) must be called first$"):
        getattr(Device.__new__(Device), method)()


@pytest.mark.parametrize("state", [(), (0,) * 11, (0,) * 13, (-1,) * 12, ("0",) * 12])
def test_a_pickle_of_another_shape_is_refused(state: Any) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        FlowStatistics.__new__(FlowStatistics).__setstate__(state)


def test_a_device_cannot_be_pickled(net: Net) -> None:
    device = net.device(net.socket(zmq.PULL), net.socket(zmq.PUSH))
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(device)
