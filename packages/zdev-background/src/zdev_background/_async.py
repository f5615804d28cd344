"""Devices in asyncio programs: the methods that wait, as coroutines that leave the event loop free meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Self, TypeVar

from ._threads import start_thread

R = TypeVar("R")
WAIT_STEP = 0.5  # seconds that a cancelled wait may keep its thread


async def in_thread(call: Callable[[], R], undo: Callable[[R], object] | None = None) -> R:
    """What `call` returns, from a thread of its own: the loop's executor may be busy, and must not be waited for at the end.

    undo: when the coroutine is cancelled, it is called, in a thread too, once `call` has returned, with what that returned.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[R] = loop.create_future()
    results: list[R] = []
    # Taken by what comes first, the result or the cancellation; the other one sees to the undo, without the loop.
    first = Lock()

    def work() -> None:
        try:
            results.append(call())
            end = partial(_succeed, future, results[0])
        except BaseException as error:  # noqa: BLE001  the coroutine raises it
            end = partial(_fail, future, error)
        if results and not first.acquire(blocking=False) and undo:
            undo(results[0])
        with suppress(RuntimeError):  # the loop was closed meanwhile
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


class Awaitable:
    """For `Device`: what waits, as coroutines. All its other methods return at once, but for a process that is starved."""

    if TYPE_CHECKING:

        def _start(self, timeout: float | None) -> bool: ...
        def stop(self, timeout: float | None = ...) -> None: ...
        def drain(self, timeout: float | None = ...) -> bool: ...
        def join(self, timeout: float | None = None) -> None: ...

    async def start_async(self, timeout: float | None = 30.0) -> None:
        """`start`, for asyncio. Cancelled, it leaves no device running that did not run before."""
        await in_thread(partial(self._start, timeout), self._undo_start)

    def _undo_start(self, is_mine: bool) -> None:
        if is_mine:
            self.stop()

    async def stop_async(self, timeout: float | None = 10.0) -> None:
        """`stop`, for asyncio. Cancelled, the device stops all the same."""
        await in_thread(partial(self.stop, timeout))

    async def drain_async(self, timeout: float | None = 30.0) -> bool:
        """`drain`, for asyncio. Cancelled, the drain goes on."""
        return await in_thread(partial(self.drain, timeout))

    async def join_async(self) -> None:
        """`join`, for asyncio: until the device has ended. Cancelled, the device runs on."""
        while not await in_thread(partial(self._ended_within, WAIT_STEP)):
            pass

    def _ended_within(self, timeout: float) -> bool:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self.start_async()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_async()
