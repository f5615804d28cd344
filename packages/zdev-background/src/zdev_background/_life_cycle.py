"""The life cycle of a device: start, stop, drain, wait, and start again."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import Self

import zmq

from zdev_core import Outcome

from . import _registry
from ._launchers import Launcher
from ._plan import Ending
from ._threads import countdown, normalise_timeout

logger = logging.getLogger("zdev")

END_TIMEOUT = 10.0  # seconds for a device to end once it has drained
EXIT_GRACE = 0.3  # seconds to send on what has arrived, when the interpreter exits
KILL_TIMEOUT = 1.0  # seconds for a process to end after it was killed


class LifeCycle(ABC):
    """A device that can be started and stopped any number of times. Methods may be called from any thread."""

    name: str

    daemon: bool = True
    """Whether the interpreter may exit while the device runs; if not, it waits for the device."""

    _launcher: Launcher | None = None  # of the run under way, or of the last one

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._begin_run()

    def _begin_run(self) -> None:
        self._done = False
        self._exception: BaseException | None = None
        self._ending = Ending()

    @property
    def done(self) -> bool:
        """Whether the last run has ended."""
        return self._done

    @property
    def exception(self) -> BaseException | None:
        """The error that ended the last run, or kept it from starting. None if there was no error."""
        return self._exception

    @property
    def outcome(self) -> Outcome | None:
        """How the last run ended, STOPPED, DRAINED or DRAIN_TIMED_OUT. None after an error, and before the end."""
        return self._ending.outcome

    @property
    def lost(self) -> int:
        """How many messages the last run had received and not sent on when it ended.

        On the wire engine also those that had waited for a receiver that left. On the libzmq engine, a message is sent on once
        libzmq has accepted it.
        """
        return self._ending.lost

    @property
    def linger_expired(self) -> bool | None:
        """Whether LINGER ended the last run while libzmq still had messages to send, which are lost and cannot be counted.

        None if unknown: a socket that connects in a shared context goes on sending after the end. False on the wire engine, where
        `lost` counts them.
        """
        return self._ending.linger_expired

    def start(self, timeout: float | None = 30.0) -> None:
        """Start the device, and return when all its sockets are bound and connected.

        Returns at once if the device runs already. If it is about to end, waits for the end and starts it again. After an
        error no thread, process, socket or port is left.

        Args:
            timeout: Seconds that the start may take; None for no limit.

        Raises:
            zmq.ZMQError: A socket cannot be made, set, bound or connected as described, or the socket types do not work together.
                The text names the socket and the remedy; errno is that of libzmq.
            TimeoutError: The device has not started within `timeout` seconds.
            ValueError: A setting, or `timeout`, is invalid.
        """
        self._start(timeout)

    def _start(self, timeout: float | None) -> bool:
        """Start the device. Returns whether this call did, for the device may run already."""
        left = countdown(normalise_timeout(timeout))
        why = ""
        try:
            while True:
                launcher, is_mine = self._alive_or_new()
                if is_mine:
                    self._launch(launcher, left())
                    return True
                error = None if launcher.is_ending else launcher.ready.exception(left())
                if error and not launcher.is_ending:
                    raise error
                if not launcher.is_ending:
                    return False
                if not launcher.wait(left()) or launcher.is_alive():
                    why = ": the run before has not ended"
                    raise TimeoutError
        except TimeoutError:
            raise TimeoutError(f"{self.name}: not started within {timeout} s{why}") from None

    def _alive_or_new(self) -> tuple[Launcher, bool]:
        """Return the launcher, and whether it is a new one, which the caller must launch."""
        with self._lock:
            if launcher := self._alive():
                return launcher, False
            try:
                self._refuse_mistakes()
            except (zmq.ZMQError, TypeError, ValueError) as error:
                self._exception, self._done = error, True
                raise
            self._launcher = launcher = self._new_launcher()
            self._begin_run()
            _registry.add(self)
            return launcher, True

    def _launch(self, launcher: Launcher, timeout: float | None) -> None:
        try:
            launcher.launch()
            launcher.ready.result(timeout)
        except BaseException as error:
            self._give_up(launcher, error)
            raise

    def stop(self, timeout: float | None = 10.0) -> None:
        """Stop the device and close its sockets. Does nothing if the device does not run.

        What the device has received is sent on first, for the LINGER of the out socket and half of `timeout` at most; then the
        sockets have their LINGER to send what libzmq holds. Senders keep what they have not sent. `lost` counts what was not
        handed to libzmq; `linger_expired` shows that libzmq lost messages, which cannot be counted.

        In the device's own threads, as in a handler of its log records, returns without waiting for the end.

        Args:
            timeout: Seconds that the stop may take; None for no limit.

        Raises:
            TimeoutError: The device has not ended within `timeout` seconds. A process is killed instead.
        """
        timeout = normalise_timeout(timeout)
        launcher = self._launcher
        if launcher is None:
            return
        launcher.is_ending = True
        launcher.stop(None if timeout is None else timeout / 2)
        if not launcher.wait(timeout):
            launcher.kill()
            if not launcher.wait(KILL_TIMEOUT):
                raise TimeoutError(f"{self.name}: not stopped within {timeout} s")

    def drain(self, timeout: float | None = 30.0) -> bool:
        """Stop reading from the in socket, forward the pending replies, then end the device.

        Args:
            timeout: Seconds to wait for replies; None for no limit. After that the device ends without them.

        Returns:
            True if all replies were forwarded, or if the device does not run. False if the device ended by the timeout, by a
            stop, or because it had failed and was waiting to be restarted.
        """
        timeout = normalise_timeout(timeout)
        launcher = self._alive()
        if launcher is None:
            return True
        launcher.is_ending = launcher.is_ending or launcher.ready.done()
        launcher.drain(timeout)
        launcher.wait(None if timeout is None else timeout + END_TIMEOUT)
        return self.outcome is Outcome.DRAINED

    def join(self, timeout: float | None = None) -> None:
        """Wait until the device has ended and its sockets are closed.

        Returns at once in the device's own threads, as in a handler of its log records, where it would wait for itself.

        Args:
            timeout: Seconds to wait at most; None for no limit.
        """
        timeout = normalise_timeout(timeout)
        if self._launcher:
            self._launcher.wait(timeout)

    def is_alive(self) -> bool:
        """Return whether the device runs: from the start until its sockets are closed."""
        return self._alive() is not None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _new_launcher(self) -> Launcher: ...

    @abstractmethod
    def _refuse_mistakes(self) -> None: ...

    def _alive(self) -> Launcher | None:
        launcher = self._launcher
        return launcher if launcher and launcher.is_alive() else None

    def _give_up(self, launcher: Launcher, error: BaseException) -> None:
        launcher.is_ending = launcher.is_alive()
        launcher.stop()
        launcher.kill()
        launcher.wait(KILL_TIMEOUT)
        with self._lock:
            if launcher is self._launcher:  # else another start came before
                self._exception, self._done = error, True
                _registry.discard(self)

    def _on_end(self, launcher: Launcher, ending: Ending) -> None:
        if launcher is not self._launcher:  # a start that was given up because it took too long
            return
        self._exception = self._exception or ending.error  # the former of a start that was given up
        self._ending, self._done = ending, True
        _registry.discard(self)
        if self.lost:
            logger.warning("%r: lost %d message(s), received and not sent when it ended", self, self.lost)
        if self.linger_expired:
            text = "%r: LINGER ended while messages waited for a slow or absent peer: they are lost, and libzmq does not count them"
            logger.warning(text, self)
        if isinstance(ending.error, Exception):
            logger.error("%r: ended by an error: %s", self, ending.error)

    def _end_at_exit(self, timeout: float | None) -> None:
        launcher = self._alive()
        if launcher is None or not self.daemon:
            return
        if timeout is None:
            launcher.stop(EXIT_GRACE)
        elif not launcher.wait(timeout):
            launcher.kill()

    def _forget_after_fork(self) -> None:
        self._lock = threading.RLock()
        if self._launcher:
            self._launcher.forget()
        self._launcher = None
