"""The wire engine, which owns the connections of its device."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, TypeVar

import zmq

from zdev_core import Outcome, WireDevice, WireSocket, WireWorkers

from ._credentials import CredentialsWatch
from ._open_files import CONTEXT, raise_file_limit, room_for
from ._option_table import OPTIONS
from ._peers import Peer
from ._placement import restore_affinity
from ._plan import Connections, Ending, Endpoints, Engine, Plan
from ._relay import Relay
from ._requests import Requests
from ._spec import OptionValue, Role, encoded, option_name

LARGEST_MESSAGE = 2**30  # bytes; MAXMSGSIZE limits frames, of which a message may have many
T = TypeVar("T")
ENGINE = 4  # the poller, the descriptor that wakes it, and two of a lookup


class WireRelay(Relay):
    """A relay that speaks ZMTP itself."""

    _engine: WireDevice

    def __init__(self, plan: Plan, engine: Engine, own_threads: set[int] | None = None) -> None:
        super().__init__(plan, engine)
        raise_file_limit(plan.file_limit)
        self._former_cpus = plan.placement.apply_affinity(plan.owner)
        try:
            endpoints = sum(len(spec.binds) + len(spec.connects) for spec in (*plan.sockets(), *plan.dead_letters()))
            with room_for(plan.owner, ENGINE + CONTEXT + endpoints):
                sockets: Any = self._sockets()
                dead_letter = sockets.get("dead_letter")
                workers = plan.workers and WireWorkers(**plan.workers.wire_settings(), dead_letter=dead_letter)
                of_roles = sockets["in"], sockets.get("out"), sockets.get("mon")
                self._engine = self._new_engine(WireDevice, *of_roles, workers=workers)
            self._credentials = CredentialsWatch(self._engine, plan.owner, plan.servers(), own_threads)
            if plan.paused:
                self._engine.pause()
        except BaseException:
            restore_affinity(self._former_cpus)
            raise

    @property
    def endpoints(self) -> Endpoints:
        return {role: tuple(self._engine.endpoints(spec.role)) for role, spec in self._plan.specs.items()}

    def run(self) -> Ending:
        outcome: Outcome | None = None
        error: BaseException | None = None
        self._thread = threading.get_ident()
        try:
            outcome = self._engine.run()
        except BaseException as problem:  # noqa: BLE001  the launcher tells or raises it
            error = problem
        self._shutting_down = True
        self._credentials.stop()
        restore_affinity(self._former_cpus)
        connections = self.connections()
        lost = sum(each.lost for role, each in connections.items() if role in ("in", "out"))
        return Ending(
            outcome,
            error,
            self.statistics(),
            lost,
            linger_expired=False,
            connections=connections,
            requests=self.requests(),
        )

    def stop(self, grace: float | None = None) -> None:
        self._engine.stop(grace)

    def connections(self) -> Mapping[Role, Connections]:
        return {
            spec.role: Connections(self._engine.connections(spec.role), tuple(self._engine.connects(spec.role)))
            for spec in self._plan.sockets()
        }

    def peers(self) -> list[Peer]:
        found: list[Any] = self._answered(self._engine.peers)
        return [Peer(**each) for each in found]

    def kick(self, number: int, /) -> bool:
        return self._answered(lambda: self._engine.kick(number))

    def requests(self) -> Requests:
        return Requests.of_report(self._answered(self._engine.workers))

    def drain_worker(self, number: int, on: bool, /) -> bool:
        return self._answered(lambda: self._engine.drain_worker(number, on))

    def _answered(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except zmq.ZMQError as error:
            if error.errno != errno.ETIMEDOUT:
                raise
            raise TimeoutError(f"{self._plan.owner}: {str(error).removeprefix('device: ')}") from error

    def _sockets(self) -> dict[Role, WireSocket]:
        """Describe the sockets that have endpoints, after libzmq has checked the values of their options."""
        plan = self._plan
        found = {}
        with zmq.Context(io_threads=0) as context:
            if not isinstance(plan.context_factory, type):  # then it is zmq.Context.instance
                context.sockopts.update(plan.context_factory().sockopts)
            for spec in (*plan.sockets(), *plan.dead_letters()):
                if not (spec.binds or spec.connects):
                    continue
                spec.refuse_invalid_endpoints(plan.owner)
                with closing(spec.make(context, plan.owner)):
                    options = _by_name([*context.sockopts.items(), *spec.defaults(context), *spec.options])
                options |= spec.limits.options() if spec.limits else {}
                security = spec.security_options(plan.owner)
                listening = plan.ports.listening(spec.binds)
                found[spec.role] = WireSocket(
                    spec.type, binds=spec.binds, connects=spec.connects, listening=listening, **options, **security
                )
        return found


def _by_name(options: list[tuple[int, OptionValue]]) -> dict[str, Any]:
    """Return the values that the engine takes, by name. Of options that are given twice, the last one counts."""
    values: dict[str, Any] = {}
    for option, value in options:
        name = option_name(option)
        if OPTIONS[name].wire.kind == "supported":
            OPTIONS[name].wire.apply(values, name.lower(), encoded(value))
    largest_frame: int = values.get("maxmsgsize", -1)
    values["max_message_bytes"] = -1 if largest_frame < 0 else max(LARGEST_MESSAGE, largest_frame)
    return values
