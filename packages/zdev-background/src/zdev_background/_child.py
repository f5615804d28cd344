"""The process of a process device: runs the relay in its main thread, and takes orders of the parent from a pipe.

A second thread sleeps until an order comes or the parent is gone.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import threading
import traceback
from contextlib import suppress
from dataclasses import replace
from multiprocessing import parent_process, reduction
from multiprocessing.connection import Connection, wait
from typing import Any, Literal

import zmq

from ._engine import open_relay
from ._inherited import forget_inherited_signals, forget_inherited_sockets
from ._ipc import remove_file
from ._listening import close_listeners
from ._plan import Ending, Listening, Plan, Started
from ._relay import Relay
from ._spec import Role
from ._threads import start_thread

Order = Literal[
    "stop",
    "pause",
    "resume",
    "drain",
    "statistics",
    "connections",
    "peers",
    "kick",
    "listening_sockets",
    "stop_accepting",
    "set_rights",
    "update",
    "requests",
    "drain_worker",
]
Report = (
    tuple[Literal["ready"], Started]
    | tuple[Literal["answer"], tuple[int, Any]]
    | tuple[Literal["log"], logging.LogRecord]
    | tuple[Literal["ending"], Ending]
)

PARENT_POLL = 0.25  # seconds between checks of the parent, where no descriptor shows its death
ORPHAN_TIMEOUT = 0.5  # seconds for an orphan to send what it still holds


def serve(pipe: Connection, plan: Plan, forked: bool) -> None:
    """Run the device of `plan` until an order, a command, SIGTERM or the parent's death ends it.

    Args:
        pipe: To the parent.
        plan: What to run.
        forked: Whether this process is a fork of the parent, and so has all that the parent had open.
    """
    forget_inherited_signals()
    if forked:
        forget_inherited_sockets(keep={pipe.fileno(), *plan.ports.filenos()})
    reports = ReportPipe(pipe)
    if not forked:  # a fork has the handlers of the parent
        _log_in_parent(reports)
    try:
        relay = open_relay(plan)
    except BaseException as error:  # noqa: BLE001  the parent raises it
        reports.report(("ending", Ending(error=_portable(error))))
        return
    finally:
        plan.ports.close()
    signal.signal(signal.SIGTERM, lambda *_: relay.stop())
    reports.report(("ready", Started(relay.endpoints, relay.engine, plan.engine)))
    over = threading.Event()
    start_thread(_serve_commands, "zdev orders", pipe, reports, relay, over)
    ending = relay.run()
    over.set()
    reports.report(("ending", replace(ending, error=ending.error and _portable(ending.error))))


class ReportPipe:
    """The sending end of the pipe, for two threads. Reports are dropped when the parent is gone."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def report(self, report: Report) -> None:
        with self._lock, suppress(OSError):
            self._pipe.send(report)


class _ReportHandler(logging.Handler):
    """Sends log records to the parent, without arguments and tracebacks, which may not pickle."""

    def __init__(self, reports: ReportPipe) -> None:
        super().__init__()
        self._reports = reports

    def emit(self, record: logging.LogRecord) -> None:
        plain = {"msg": self.format(record), "args": None, "exc_info": None, "exc_text": None}
        self._reports.report(("log", logging.makeLogRecord({**vars(record), **plain})))


def _log_in_parent(reports: ReportPipe) -> None:
    """Leave the records of this process to the loggers of the parent, which know what to do with them."""
    logger = logging.getLogger("zdev")
    logger.addHandler(_ReportHandler(reports))
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


def _serve_commands(pipe: Connection, reports: ReportPipe, relay: Relay, over: threading.Event) -> None:
    with suppress(Exception):  # usually EOFError; after any error the parent can give no further order
        parent = _Parent()
        while not parent.gone(ready := wait([pipe, *parent.descriptors], PARENT_POLL)):
            if pipe in ready:
                number, verb, arguments = pipe.recv()
                reports.report(("answer", (number, _answer(relay, verb, arguments))))
    relay.stop(ORPHAN_TIMEOUT / 2)
    if not over.wait(ORPHAN_TIMEOUT):
        bound = [each for role in relay.endpoints.values() for each in role]
        close_listeners(bound)
        for each in bound:
            remove_file(each)
    os._exit(1)


def _answer(relay: Relay, verb: Order, arguments: tuple[Any, ...]) -> Any:
    try:
        answer = getattr(relay, verb)(*arguments)
        return _sent(answer) if verb == "listening_sockets" else answer
    except Exception as error:  # noqa: BLE001  the parent raises it
        return _portable(error)


def _sent(listening: Listening) -> dict[Role, list[Any]]:
    """Return objects that pickle for the parent, whose `detach` returns the descriptor there."""
    sent: dict[Role, list[Any]] = {}
    for role, listeners in listening.items():
        sent[role] = [reduction.DupFd(each.fileno()) for each in listeners]
        for each in listeners:
            each.close()
    return sent


class _Parent:
    """Whether the parent lives. Each sign of its death fails somewhere.

    The sentinel, a pipe, stays open when another child of the parent has a copy of its other end; a pidfd is Linux's alone; the
    parent's id is that of another process under forkserver.
    """

    def __init__(self) -> None:
        parent = parent_process()
        assert parent is not None
        assert parent.pid is not None
        self._is_ours = os.getppid() == parent.pid
        self._pid = parent.pid
        self.descriptors = [parent.sentinel]
        if hasattr(os, "pidfd_open"):
            try:
                self.descriptors.append(os.pidfd_open(self._pid))
            except ProcessLookupError:
                self._is_ours, self._pid = True, -1
            except OSError:  # not permitted in some containers
                pass

    def gone(self, ready: list[Any]) -> bool:
        return any(each in self.descriptors for each in ready) or (self._is_ours and os.getppid() != self._pid)


def _portable(error: BaseException) -> BaseException:
    """Return `error`, or a RuntimeError with its text if it cannot be pickled; with the traceback as a note if that says more."""
    if not isinstance(error, zmq.ZMQError):
        error.add_note("In the device's process:\n" + "".join(traceback.format_exception(error)))
    with suppress(Exception):
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    return RuntimeError(f"{type(error).__name__}: {error}")
