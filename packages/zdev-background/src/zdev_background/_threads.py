"""Threads of the system, also where gevent has patched threading, and how greenlets wait for them.

The engine does not return before the end of its run: in a greenlet it would stop all others.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from numbers import Real
from typing import Any, Generic, TypeVar

T = TypeVar("T")

LONGEST = threading.TIMEOUT_MAX / 2  # seconds; leaves room for what is added to a timeout
POLL_INTERVAL = 0.001  # seconds, where a latch must be polled


def normalise_timeout(timeout: float | None) -> float | None:
    """Return `timeout`, or None if it is longer than the system can count.

    Raises:
        ValueError: It is below 0 or NaN.
        TypeError: It is not a number.
    """
    given: Any = timeout  # callers without a type checker give text
    if given is not None and not isinstance(given, Real):
        raise TypeError(f"timeout must be a number of seconds, or None for no limit, not {timeout!r}")
    if timeout is not None and not timeout >= 0:  # NaN too
        raise ValueError(f"invalid timeout {timeout}: it must be 0 or more seconds, or None for no limit")
    return None if timeout is None or timeout > LONGEST else timeout


def countdown(timeout: float | None) -> Callable[[], float | None]:
    """Return a function that returns what is left of `timeout`, which begins now."""
    end = None if timeout is None else time.monotonic() + timeout
    return lambda: None if end is None else max(0.0, end - time.monotonic())


def start_thread(target: Callable[..., object], name: str, *args: Any, daemon: bool = True) -> threading.Thread | None:
    """Start a thread. Returns None under gevent's patches, where `threading` does not know the thread.

    Greenlets wait for such a thread by a latch or a promise: locks and events of a patched `threading` fail when a greenlet and a thread
    use them at the same moment ("cannot release un-acquired lock", gevent 26.9).
    """
    if monkey := _gevent():
        monkey.get_original("_thread", "start_new_thread")(target, args)
        return None
    thread = threading.Thread(target=target, args=args, name=name, daemon=daemon)
    thread.start()
    return thread


class Latch:
    """Opened once, by any thread; waited for by any thread or greenlet, and by a signal handler that interrupts a wait.

    Each waiter has its own lock: an event has one for all, in which a handler would wait for what it interrupted.
    """

    def __init__(self) -> None:
        self._is_open = False
        self._polls = _gevent() is not None
        self._waiting: list[threading.Lock] = []  # locked, each until the latch opens

    def open(self) -> None:
        self._is_open = True
        with suppress(IndexError):
            while True:
                self._waiting.pop().release()

    def is_open(self) -> bool:
        return self._is_open

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is open now, or within `timeout` seconds."""
        if self._polls:
            return self._poll(timeout)
        mine = threading.Lock()
        mine.acquire()
        self._waiting.append(mine)
        if not self._is_open:  # else it may have opened before `mine` was there
            mine.acquire(timeout=-1 if timeout is None else max(0.0, timeout))
        with suppress(ValueError):
            self._waiting.remove(mine)
        return self._is_open

    def _poll(self, timeout: float | None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._is_open and (deadline is None or time.monotonic() < deadline):
            time.sleep(POLL_INTERVAL)  # gevent's: other greenlets go on
        return self._is_open


class Promise(Generic[T]):
    """A result to come, or an error, from another thread: as `concurrent.futures.Future`, for greenlets too."""

    def __init__(self, then: Callable[[Promise[T]], object] | None = None) -> None:
        """then: called in the thread that fulfils it."""
        self._latch = Latch()
        self._then = then
        self._error: BaseException | None = None
        self._result: T

    def set_result(self, result: T) -> None:
        self._result = result
        self._open()

    def set_exception(self, error: BaseException) -> None:
        self._error = error
        self._open()

    def _open(self) -> None:
        self._latch.open()
        if self._then:
            self._then(self)

    def done(self) -> bool:
        return self._latch.is_open()

    def result(self, timeout: float | None = None) -> T:
        """Raises the error instead, or TimeoutError after `timeout` seconds."""
        if error := self.exception(timeout):
            raise error
        return self._result

    def exception(self, timeout: float | None = None) -> BaseException | None:
        if not self._latch.wait(timeout):
            raise TimeoutError
        return self._error


def _gevent() -> Any:
    """gevent.monkey, if it has patched `threading`."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey if monkey and monkey.is_module_patched("threading") else None
