"""A launcher that runs the device in its own process, steered through a pipe. `_child` is the other end."""

from __future__ import annotations

import errno
import itertools
import logging
import multiprocessing
import multiprocessing.process
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from socket import socket
from typing import Any

import zmq

from zdev_core import Statistics

from ._child import Order, Report, serve
from ._child_process import ChildProcess, forget_dead_fork_server
from ._inherited import terminal_signals_blocked
from ._ipc import WILDCARD, remove_file
from ._launchers import START_TIMEOUT, Launcher, OnEnd
from ._open_files import PROCESS, room_for
from ._peers import Peer
from ._plan import Connections, Ending, Listening, Plan, Update
from ._ports import Ports
from ._requests import Requests
from ._rights import UserRights
from ._spec import Role, option_name
from ._threads import Promise, start_thread

ANSWER_TIMEOUT = 5.0  # seconds; the child answers at once unless it is suspended or starved
EXIT_TIMEOUT = 5.0  # seconds from the child's last report to its end
MAX_PENDING = 64  # orders: some hundreds would fill the pipe to a suspended child, and block a stop

# A child that is forked while another thread is between making a pipe and closing the child's end of it would hold that
# end open, and the death of the pipe's own child would not be seen. A signal handler may start a device in the midst of a start.
_starting = threading.RLock()


_forks: list[int] = []  # the id of this process, if it is a fork


def _become_a_fork() -> None:
    """Another thread may have been starting a device, and is not here to finish that."""
    global _starting
    _forks.append(os.getpid())
    _starting = threading.RLock()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_become_a_fork)


class ProcessLauncher(Launcher):
    """Runs the device in a process. A thread of this process takes the child's reports and notices its end.

    Args:
        start_method: "fork", "spawn" or "forkserver"; None: the default of multiprocessing.
    """

    worker: BaseProcess | None = None

    def __init__(self, plan: Plan, on_end: OnEnd, daemon: bool, start_method: str | None = None) -> None:
        super().__init__(plan, on_end, daemon)
        self._start_method = start_method
        self._lock = threading.RLock()  # a signal handler may call stop() anywhere
        self._pipe: Connection | None = None
        self._child: ChildProcess | None = None
        self._stopping = False
        self._answers: dict[int, Promise[Any]] = {}  # by number of the order
        self._numbers = itertools.count()
        self._statistics = Statistics()
        self._connections: Mapping[Role, Connections] = {}
        self._requests = Requests()
        self._reader: threading.Thread | None = None
        self._reader_id = 0

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self.is_alive() else None

    def launch(self) -> None:
        try:
            context = _context(self._start_method)
            method: str = context.get_start_method()
            _refuse_in_daemonic_process(self._plan)
            if method != "fork":
                _refuse_what_does_not_pickle(self._plan)
            try:
                self._start_worker(context, method)
            except ChildProcessError:  # ECHILD: somebody else reaped the fork server, which has died
                forget_dead_fork_server()
                self._start_worker(context, method)
            if self._stopping:
                self.stop()
        except BaseException as error:  # noqa: BLE001  the caller of start() raises it
            if self._child:
                self._child.kill()
                self._child.reap(0)
            self._fail(error)

    def _start_worker(self, context: Any, method: str) -> None:
        with _starting, room_for(self._plan.owner, PROCESS):
            pipe, child_end = context.Pipe()
            worker = context.Process(
                target=serve, args=(child_end, self._plan, method == "fork"), name=self._plan.owner, daemon=self._daemon
            )
            try:
                with terminal_signals_blocked(method):
                    worker.start()
            except BaseException:
                pipe.close()
                raise
            finally:
                child_end.close()
        self.worker, self._pipe, self._child = worker, pipe, ChildProcess(worker)
        self._reader = start_thread(self._read, f"{self._plan.owner} {worker.pid}", self._child, pipe)

    def stop(self, grace: float | None = None) -> None:
        self._stopping = True
        self._order("stop", grace, answer=False)

    def kill(self) -> None:
        if self._child:
            self._child.kill()

    def forget(self) -> None:
        # When it exits, multiprocessing would end what it takes for children of this copy, and so the original's.
        vars(multiprocessing.process).get("_children", set()).discard(self.worker)

    def pause(self) -> None:
        self._order("pause")

    def resume(self) -> None:
        self._order("resume")

    def drain(self, timeout: float | None) -> None:
        self._order("drain", timeout)

    def statistics(self) -> Statistics:
        statistics = self._order("statistics")
        if statistics is not None:
            self._statistics = statistics
        return self.ending.statistics if self.ending else self._statistics

    def connections(self) -> Mapping[Role, Connections]:
        connections = self._order("connections")
        if connections is not None:
            self._connections = connections
        return self.ending.connections if self.ending else self._connections

    def peers(self) -> list[Peer]:
        return self._order("peers") or []

    def kick(self, number: int) -> bool:
        return bool(self._order("kick", number))

    def listening_sockets(self) -> Listening:
        found = self._order("listening_sockets") or {}
        return {role: tuple(socket(fileno=each.detach()) for each in listeners) for role, listeners in found.items()}

    def stop_accepting(self) -> None:
        self._order("stop_accepting")

    def set_rights(self, role: Role, rights: UserRights | None) -> None:
        self._plan = self._plan.with_rights(role, rights)
        self.ready.exception(START_TIMEOUT)
        self._order("set_rights", role, rights)

    def _update(self, plan: Plan) -> Update:
        _refuse_what_does_not_pickle(plan)
        plan.ports.release()  # a descriptor cannot be passed to a process that runs: it binds the port
        update: Update | None = self._order("update", replace(plan, ports=Ports()))
        if update is None:
            raise RuntimeError(f"{plan.owner} is not running: start it first")
        return update

    def requests(self) -> Requests:
        requests = self._order("requests")
        if requests is not None:
            self._requests = requests
        return self.ending.requests if self.ending else self._requests

    def drain_worker(self, number: int, on: bool) -> bool:
        return bool(self._order("drain_worker", number, on))

    def wait(self, timeout: float | None = None) -> bool:
        ended = super().wait(timeout)
        if ended and self._reader and not self._is_own_thread():
            self._reader.join(timeout)
        return ended

    def _is_own_thread(self) -> bool:
        return threading.get_ident() == self._reader_id

    def _order(self, verb: Order, *arguments: Any, answer: bool = True) -> Any:
        """Return the child's answer, None if it has ended. Raises the error that the order met there."""
        answered: Promise[Any] = Promise()
        try:
            while before := self._send(answered, verb, arguments, at_once=not answer):
                before.exception(ANSWER_TIMEOUT)
            return answered.result(ANSWER_TIMEOUT) if answer else None
        except TimeoutError:
            raise TimeoutError(f"{self._plan.owner}: its process does not answer") from None

    def _send(self, answered: Promise[Any], verb: Order, arguments: tuple[Any, ...], *, at_once: bool) -> Promise[Any] | None:
        """Send an order. Returns the promise of an earlier one to wait for, if the pipe may be full."""
        with self._lock:
            waiting = list(self._answers.values())
            if not at_once and len(waiting) >= MAX_PENDING:
                return waiting[0]
            if self._pipe is None:
                answered.set_result(None)
                return None
            number = next(self._numbers)  # at once: a signal handler may give another order between any two steps
            self._answers[number] = answered
            try:
                self._pipe.send((number, verb, arguments))
            except OSError:
                answered.set_result(None)
        return None

    def _read(self, child: ChildProcess, pipe: Connection) -> None:
        self._reader_id = threading.get_ident()
        ending: Ending | None = None
        with suppress(Exception):  # usually EOFError; after any error the child is of no use
            while pipe in wait([pipe, *child.evidence]):
                report: Report = pipe.recv()
                match report:
                    case ("ready", started):
                        self._become_ready(started)
                    case ("answer", (number, value)):
                        answered = self._answers.pop(number)
                        if isinstance(value, Exception):
                            answered.set_exception(value)
                        else:
                            answered.set_result(value)
                    case ("log", record):
                        _log(record)
                    case ("ending", last_word):
                        ending = last_word
        self._close_pipe(pipe)
        child.reap(EXIT_TIMEOUT)
        self._remove_ipc_files()
        unexpected = ChildProcessError(f"{self._plan.owner}: its process {child.pid} {child.how_it_ended()}")
        held = self._statistics.in_.pending + self._statistics.out.pending
        ending = ending or Ending(None, unexpected, self._statistics, held, connections=self._connections)
        if self.ready.done():
            self._end(ending)
        else:
            self._fail(ending.error or unexpected)

    def _remove_ipc_files(self) -> None:
        """Remove the files of ipc endpoints, which a killed child leaves."""
        given = {endpoint for spec in (*self._plan.sockets(), *self._plan.dead_letters()) for endpoint in spec.binds}
        bound = [each for role in self.ready.result().endpoints.values() for each in role] if self.ready.done() else []
        for endpoint in {*given, *bound}:
            remove_file(endpoint, made_by_libzmq=WILDCARD in given and endpoint not in given)

    def _close_pipe(self, pipe: Connection) -> None:
        with self._lock:
            self._pipe = None
            pipe.close()
            for answered in self._answers.values():
                answered.set_result(None)
            self._answers.clear()


def _log(record: logging.LogRecord) -> None:
    """Give a record of the child to the logger of its name."""
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        with suppress(Exception):  # of a filter of the application
            logger.handle(record)


def _context(start_method: str | None) -> Any:
    context = multiprocessing.get_context(start_method)
    # A fork of a process that has a fork server takes it for its own child, and can't start any process by it.
    return multiprocessing.get_context("spawn") if context.get_start_method() == "forkserver" and _forks else context


def _refuse_in_daemonic_process(plan: Plan) -> None:
    if multiprocessing.current_process().daemon:
        raise zmq.ZMQError(
            errno.ENOTSUP,
            f"{plan.owner}: cannot start a process: this one is daemonic, as the workers of a multiprocessing.Pool are, and may "
            "have no children (use a device in a thread, or concurrent.futures.ProcessPoolExecutor)",
        )


def _refuse_what_does_not_pickle(plan: Plan) -> None:
    parts: dict[str, Any] = {"context_factory": plan.context_factory}
    parts |= {"in_prefix": plan.in_prefix, "out_prefix": plan.out_prefix, "dropped_prefix": plan.dropped_prefix}
    for role, spec in plan.specs.items():
        parts |= {f"option {option_name(option)} of {role}": (option, value) for option, value in spec.options}
        parts |= {f"endpoint {addr!r} of {role}": addr for addr in (*spec.binds, *spec.connects)}
    for name, part in parts.items():
        try:
            ForkingPickler.dumps(part)
        except Exception as error:
            raise zmq.ZMQError(
                errno.EINVAL,
                f"{plan.owner}: {name} cannot be sent to another process: {error}; "
                "use a plain value or something defined at the top of a module",
            ) from error
