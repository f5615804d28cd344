"""Devices on sockets of zmq.asyncio and zmq.green."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest
import zmq
import zmq.asyncio

from zdev_core import Device, Outcome, monitored_queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Child, Net


def test_a_device_on_asyncio_sockets_runs_beside_the_loop() -> None:
    async def exchange() -> Outcome:
        context = zmq.asyncio.Context()
        ins, outs, mons = context.socket(zmq.ROUTER), context.socket(zmq.DEALER), context.socket(zmq.PAIR)
        client, worker, watcher = context.socket(zmq.REQ), context.socket(zmq.REP), context.socket(zmq.PAIR)
        for bound, connected in (ins, client), (outs, worker), (mons, watcher):
            bound.bind("tcp://127.0.0.1:*")
            connected.connect(bound.getsockopt_string(zmq.LAST_ENDPOINT))
        device = Device(ins, outs, mons)
        async with asyncio.timeout(10):
            run = asyncio.create_task(asyncio.to_thread(device.run))
            for request in b"one", b"two":
                await client.send(request)
                assert await worker.recv() == request
                await worker.send(b"reply to " + request)
                assert await client.recv() == b"reply to " + request
                assert (await watcher.recv_multipart())[::3] == [b"in", request]
                assert (await watcher.recv_multipart())[::3] == [b"out", b"reply to " + request]
            device.stop()
            outcome = await run
        context.destroy(linger=0)
        return outcome

    assert asyncio.run(exchange()) is Outcome.STOPPED


def test_the_functions_accept_asyncio_sockets() -> None:
    async def terminated() -> None:
        context = zmq.asyncio.Context()
        ins, outs, mons = (context.socket(kind) for kind in (zmq.PULL, zmq.PUSH, zmq.PUB))

        def relay() -> None:
            try:
                monitored_queue(ins, outs, mons)
            finally:
                for each in ins, outs, mons:
                    each.close()

        async with asyncio.timeout(10):
            run = asyncio.create_task(asyncio.to_thread(relay))
            await asyncio.to_thread(context.term)
            with pytest.raises(zmq.ContextTerminated):
                await run

    asyncio.run(terminated())


each_patch = pytest.mark.parametrize(
    "patch", ["", "import gevent.monkey; gevent.monkey.patch_all()"], ids=["plain", "monkey-patched"]
)

# A green socket belongs to the hub of the thread that creates it, so the device runs in that thread, one of gevent's pool.
GREEN = """
{patch}
import gevent, sys
import zmq.green as zmq
import zdev_core

context = zmq.Context()
in_a_thread = gevent.get_hub().threadpool.spawn
endpoints, devices = [], []

def relay():
    sockets = [context.socket(kind) for kind in (zmq.ROUTER, zmq.DEALER)]
    for each in sockets:
        each.bind("tcp://127.0.0.1:*")
        endpoints.append(each.last_endpoint.decode())
    devices.append(zdev_core.Device(*sockets))
    outcome = devices[0].run()
    for each in sockets:
        each.close(0)
    return outcome

def work():
    worker = context.socket(zmq.REP)
    worker.connect(endpoints[1])
    for _ in range(3):
        worker.send(b"reply to " + worker.recv())
    worker.close()

with gevent.Timeout(10):
    run = in_a_thread(relay)
    while not devices:
        gevent.sleep(0.001)
    working = gevent.spawn(work)
    client = context.socket(zmq.REQ)
    client.connect(endpoints[0])
    for i in range(3):
        client.send(b"%d" % i)
        assert client.recv() == b"reply to %d" % i
    working.join()
    client.close()
    devices[0].stop()
    print(run.get())
context.term()
"""


@each_patch
def test_a_device_on_green_sockets_runs_beside_the_hub(child: Callable[..., Child], patch: str) -> None:
    pytest.importorskip("gevent")
    assert child(GREEN.format(patch=patch)).result() == "Outcome.STOPPED\n"


@each_patch
def test_ctrl_c_ends_a_run_in_the_main_greenlet(child: Callable[..., Child], net: Net, patch: str) -> None:
    pytest.importorskip("gevent")
    program = child(
        f"""
{patch}
import gevent
import zmq.green as zmq
import zdev_core

context = zmq.Context()
ins, outs = context.socket(zmq.PULL), context.socket(zmq.PUSH)
for each in ins, outs:
    each.bind("tcp://127.0.0.1:*")
    print(each.last_endpoint.decode(), flush=True)
try:
    zdev_core.queue(ins, outs)
except KeyboardInterrupt:
    print("interrupted")
context.destroy(linger=0)
"""
    )
    source, sink = net.connected(zmq.PUSH, program.line()), net.connected(zmq.PULL, program.line())
    source.send(b"message")
    assert sink.recv() == b"message"
    program.process.send_signal(signal.SIGINT)
    assert program.result() == "interrupted\n"
