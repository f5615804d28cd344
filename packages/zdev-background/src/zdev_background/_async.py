"""The life cycle for asyncio: the methods that wait, as coroutines that leave the event loop free."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Self, TypeVar

from ._life_cycle import LifeCycle
from ._threads import start_thread

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")
WAIT_STEP = 0.5  # seconds that a cancelled wait may keep its thread


async def run_in_thread(call: Callable[[], R], undo: Callable[[R], object] | None = None) -> R:
    """Return what `call` returns, from a new thread.

    The loop's executor would not do: it may be busy, and the interpreter waits for it at exit.

    Args:
        call: What to run.
        undo: When the coroutine is cancelled, called with the result of `call` once that has returned, in a thread too.
    """
    from asyncio import get_running_loop  # only programs that use it pay for the import

    loop = get_running_loop()
    future: asyncio.Future[R] = loop.create_future()
    results: list[R] = []
    # The result or the cancellation takes this lock, whichever is earlier; the later one calls undo, without the loop.
    first = Lock()

    def work() -> None:
        try:
            results.append(call())
            end = partial(_succeed, future, results[0])
        except BaseException as error:  # noqa: BLE001  the coroutine raises it
            end = partial(_fail, future, error)
        if results and not first.acquire(blocking=False) and undo:
            undo(results[0])
        with suppress(RuntimeError):  # the loop is closed by now
            loop.call_soon_threadsafe(end)

    start_thread(work, "zdev asyncio")
    try:
        return await future
    except BaseException:
        if not first.acquire(blocking=False) and undo:
            start_thread(undo, "zdev asyncio", results[0])
        raise


def _succeed(future: asyncio.Future[R], result: R) -> None:
    if not future.cancelled():
        future.set_result(result)


def _fail(future: asyncio.Future[R], error: BaseException) -> None:
    if not future.cancelled():
        future.set_exception(error)


class AsyncLifeCycle(LifeCycle):
    """A life cycle with coroutines for what waits. All other methods return at once unless the device's process is starved."""

    async def start_async(self, timeout: float | None = 30.0) -> None:
        """Start the device, as `start` does, without blocking the event loop.

        When it is cancelled, no device is left running that did not run before.
        """
        await run_in_thread(partial(self._start, timeout), self._undo_start)

    def _undo_start(self, is_mine: bool) -> None:
        if is_mine:
            self.stop()

    async def stop_async(self, timeout: float | None = 10.0) -> None:
        """Stop the device, as `stop` does, without blocking the event loop. When it is cancelled, the device stops anyway."""
        await run_in_thread(partial(self.stop, timeout))

    async def drain_async(self, timeout: float | None = 30.0) -> bool:
        """Drain the device, as `drain` does, without blocking the event loop. When it is cancelled, the drain goes on."""
        return await run_in_thread(partial(self.drain, timeout))

    async def join_async(self) -> None:
        """Wait until the device has ended, without blocking the event loop. When it is cancelled, the device runs on."""
        while not await run_in_thread(partial(self._ended_within, WAIT_STEP)):
            pass

    def _ended_within(self, timeout: float) -> bool:
        return self._launcher is None or self._launcher.wait(timeout)

    async def __aenter__(self) -> Self:
        await self.start_async()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_async()
