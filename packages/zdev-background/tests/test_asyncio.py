"""Devices in asyncio programs: nothing holds the loop up, and a cancelled start leaves nothing running."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import zmq
from helpers import DEADLINE, Kinds, both

from zdev_background import ThreadDevice


def echo(kind: Kinds) -> Any:
    device = kind(zmq.QUEUE, zmq.REP, -1)
    device.bind_in("tcp://127.0.0.1:*")
    return device


def run(main: Callable[[], Any]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await main()

    asyncio.run(bounded())


@both
def test_a_device_is_an_async_context_manager(kind: Kinds) -> None:
    async def main() -> None:
        async with echo(kind) as device:
            assert device.is_alive()
            await device.start_async()  # idempotent
        assert not device.is_alive()
        await device.stop_async()
        await device.join_async()
        assert await device.drain_async() is True

    run(main)


@both
def test_an_error_of_the_start_is_raised(kind: Kinds, taken: Any) -> None:
    async def main() -> None:
        device = echo(kind)
        device.bind_in(taken.endpoint)
        with pytest.raises(zmq.ZMQError, match="cannot bind in"):
            await device.start_async()

    run(main)


def test_the_loop_goes_on_while_a_device_starts() -> None:
    async def main() -> None:
        go_on = threading.Event()
        device = echo(ThreadDevice)

        def factory() -> zmq.Context[Any]:
            assert go_on.wait(DEADLINE)
            return zmq.Context.instance()

        device.context_factory = factory
        starting = asyncio.create_task(device.start_async())
        await asyncio.sleep(0)
        assert not starting.done()
        go_on.set()  # the loop got here though the start waits for it
        await starting
        await device.stop_async()

    run(main)


def test_a_cancelled_start_leaves_no_device_running(eventually: Callable[..., None]) -> None:
    go_on = threading.Event()
    device = echo(ThreadDevice)

    async def main() -> None:
        def factory() -> zmq.Context[Any]:
            assert go_on.wait(DEADLINE)
            return zmq.Context.instance()

        device.context_factory = factory
        starting = asyncio.create_task(device.start_async())
        while not device.is_alive():
            await asyncio.sleep(0.001)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        go_on.set()
        await device.join_async()

    run(main)
    eventually(lambda: not device.is_alive() and threading.active_count() == 1)


def test_a_cancelled_wait_leaves_the_device_running(eventually: Callable[..., None]) -> None:
    async def main() -> None:
        async with echo(ThreadDevice) as device:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(device.join_async(), 0.01)
            assert device.is_alive()
            device.stop()
            await device.join_async()

    run(main)
    eventually(lambda: threading.active_count() == 1)


def test_a_start_that_was_cancelled_leaves_no_device_running_when_its_loop_is_closed(
    eventually: Callable[..., None],
) -> None:
    go_on = threading.Event()
    device = echo(ThreadDevice)

    def factory() -> zmq.Context[Any]:
        assert go_on.wait(DEADLINE)
        return zmq.Context.instance()

    async def main() -> None:
        await asyncio.wait_for(device.start_async(), 0.05)

    device.context_factory = factory
    with pytest.raises(TimeoutError):
        run(main)
    assert device.is_alive()
    go_on.set()
    eventually(lambda: not device.is_alive() and threading.active_count() == 1)
    assert device.exception is None


def test_a_cancelled_start_of_a_device_that_ran_already_lets_it_run(eventually: Callable[..., None]) -> None:
    async def main() -> None:
        starting = asyncio.create_task(device.start_async())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    with echo(ThreadDevice) as device:
        for _ in range(5):
            run(main)
        eventually(lambda: threading.active_count() == 2)
        assert device.is_alive()
        assert not device.done


def test_a_start_that_is_cancelled_at_the_moment_it_succeeds_leaves_no_device_running(eventually: Callable[..., None]) -> None:
    device = echo(ThreadDevice)

    async def main() -> None:
        starting = asyncio.create_task(device.start_async())
        await asyncio.sleep(0)
        eventually(lambda: device.endpoints and threading.active_count() == 2)  # the loop stands still, and does not know
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    run(main)
    eventually(lambda: not device.is_alive() and threading.active_count() == 1)


def test_a_program_without_asyncio_does_not_import_it() -> None:
    look = "import sys, zdev_background; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=DEADLINE)
    assert done.stdout == "False\n"
