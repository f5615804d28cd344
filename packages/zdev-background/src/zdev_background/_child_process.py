"""A child process whose end is noticed even if another part of the program reaps it.

multiprocessing relies on waitpid(). Where SIGCHLD is ignored, or a handler waits for all children, as in a container's PID 1, that
call fails with ECHILD, and multiprocessing takes the dead process for alive for ever.
"""

from __future__ import annotations

import multiprocessing.forkserver
import os
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

STATUS_UNKNOWN = 255  # multiprocessing's exit code for a process of unknown status
STATUS_TIMEOUT = 1.0  # seconds for the exit status of a process that has ended
POLL_INTERVAL = 0.001  # seconds


class ChildProcess:
    """A started process of multiprocessing. `kill` may be called from any thread, `reap` from one."""

    def __init__(self, process: BaseProcess) -> None:
        assert process.pid is not None
        self.process = process
        self.pid = process.pid
        self._has_ended = False
        self._lock = threading.RLock()  # a signal handler may call kill() anywhere
        self._pidfd: int | None = None  # shows the end whoever reaps, without help of a fork server
        if hasattr(os, "pidfd_open"):
            try:
                self._pidfd = os.pidfd_open(self.pid)
            except ProcessLookupError:
                self._has_ended = True
            except OSError:  # no descriptor is left, or a sandbox forbids it: use the sentinel
                pass

    @property
    def evidence(self) -> list[Any]:
        """Objects that `multiprocessing.connection.wait` finds ready once the process has ended."""
        return [self.process.sentinel] if self._pidfd is None else [self._pidfd]

    def kill(self) -> None:
        """Kill the process, unless it has been reaped. With a pidfd, no other process of the same number can be killed."""
        with self._lock, suppress(OSError):
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            elif not self._has_ended:
                self.process.kill()

    def reap(self, timeout: float) -> None:
        """Wait for the end, and leave no zombie. After `timeout` seconds the process is killed."""
        kill_at = time.monotonic() + timeout
        while not (self._has_ended or wait(self.evidence, 0)):  # join() would have to be called in the thread of gevent's hub
            if time.monotonic() > kill_at:
                self.kill()
            time.sleep(POLL_INTERVAL)
        if self.process.is_alive():  # a fork server has not sent the status yet, or waitpid() fails
            wait([self.process.sentinel], STATUS_TIMEOUT)
            if self.process.is_alive():
                _mark_as_ended(self.process)
        with self._lock:
            self._has_ended = True
            if self._pidfd is not None:
                os.close(self._pidfd)
                self._pidfd = None

    def how_it_ended(self) -> str:
        """Return a phrase for an error, such as "was killed by SIGKILL"."""
        code = self.process.exitcode
        if code is None or code == STATUS_UNKNOWN:
            return "ended, exit status unknown: another part of the program reaped it, or its fork server was killed"
        if code < 0:
            with suppress(ValueError):
                return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit status {code}"


def _mark_as_ended(process: BaseProcess) -> None:
    """Make multiprocessing treat the process as ended."""
    popen: Any = vars(process).get("_popen")
    if popen.returncode is None:
        popen.returncode = STATUS_UNKNOWN
    process.is_alive()  # removes it from the list of children


def forget_dead_fork_server() -> None:
    """Make the next start create a fork server. multiprocessing does not notice the death of one that another part reaped."""
    server: Any = vars(multiprocessing.forkserver).get("_forkserver")
    with server._lock:
        try:
            is_alive = server._forkserver_pid is not None and not os.waitpid(server._forkserver_pid, os.WNOHANG)[0]
        except ChildProcessError:
            is_alive = False
        if is_alive or server._forkserver_pid is None:  # another thread has created one
            return
        with suppress(OSError):
            os.close(server._forkserver_alive_fd)
        server._forkserver_address = server._forkserver_alive_fd = server._forkserver_pid = None
