"""The examples of PyZMQ's documentation of devices (2011), with other imports and ports."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import zmq
from helpers import DEADLINE


def test_the_first_example_runs(connect: Callable[..., Any], eventually: Callable[..., None]) -> None:
    from zdev_background import ProcessDevice

    worker = connect(zmq.REP)
    worker.bind("tcp://127.0.0.1:*")
    port = worker.last_endpoint.rpartition(b":")[2].decode()

    pd = ProcessDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    pd.bind_in("tcp://*:*")
    pd.connect_out(f"tcp://127.0.0.1:{port}")
    pd.setsockopt_in(zmq.IDENTITY, "ROUTER")
    pd.setsockopt_out(zmq.IDENTITY, "DEALER")
    pd.start()
    # it will now be running in a background process

    front = pd.endpoints["in"][0].replace("0.0.0.0", "127.0.0.1")
    client = connect(zmq.REQ, front)
    client.send(b"question")
    assert worker.recv() == b"question"
    worker.send(b"answer")
    assert client.recv() == b"answer"

    router = connect(zmq.ROUTER, front, router_mandatory=1)  # reaches the device by its identity only

    def sent() -> bool:
        try:
            router.send_multipart([b"ROUTER", b"", b"question"])
        except zmq.ZMQError as error:
            return error.errno != zmq.EHOSTUNREACH
        return True

    eventually(sent)
    assert worker.recv() == b"question"
    worker.send(b"answer")
    assert router.recv_multipart() == [b"ROUTER", b"", b"answer"]
    pd.stop()


def test_the_second_example_runs(connect: Callable[..., Any]) -> None:
    from zdev_background import monitored_queue

    ctx: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    def configure_sockets(*sockets: zmq.Socket[bytes]) -> None:
        for socket in sockets:
            socket.bind("tcp://127.0.0.1:*")

    def example() -> None:
        try:
            monitored_queue(ins, outs, mons, in_prefix="in", out_prefix="out")
        except zmq.ContextTerminated:
            for socket in (ins, outs, mons):
                socket.close(linger=0)

    ins = ctx.socket(zmq.ROUTER)
    outs = ctx.socket(zmq.DEALER)
    mons = ctx.socket(zmq.PUB)
    configure_sockets(ins, outs, mons)
    front, back, tap = (socket.last_endpoint for socket in (ins, outs, mons))
    thread = threading.Thread(target=example, daemon=True)
    thread.start()

    client, worker, watcher = connect(zmq.REQ, front), connect(zmq.REP, back), connect(zmq.SUB, tap)
    seen: list[bytes] = []
    for _ in range(1000):  # until the subscription has arrived
        client.send(b"question")
        assert worker.recv() == b"question"
        worker.send(b"answer")
        assert client.recv() == b"answer"
        if watcher.poll(10):
            seen.append(watcher.recv_multipart()[0])
        if {b"in", b"out"} <= set(seen):
            break
    else:
        raise AssertionError("the monitor saw nothing")

    ctx.term()
    thread.join(DEADLINE)
    assert not thread.is_alive()
