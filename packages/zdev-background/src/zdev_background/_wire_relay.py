"""The wire engine, which owns the connections of its device."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, TypeVar

import zmq

from zdev_core import Outcome, WireDevice, WireSocket, WireWorkers

from ._credentials import CredentialsWatch
from ._open_files import CONTEXT, raise_file_limit, room_for
from ._option_table import OPTIONS
from ._peers import Peer
from ._placement import restore_affinity
from ._plan import Connections, Ending, Endpoints, Engine, Plan, Update
from ._relay import STEERING_TIMEOUT, Relay
from ._requests import Requests
from ._rights import UserRights
from ._security import Server
from ._spec import OptionValue, Role, SocketSpec, encoded, option_name

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
                sockets = self._sockets(plan)
                self._engine = self._new_engine(WireDevice, *_of_roles(sockets), workers=_workers(plan, sockets))
            servers: dict[str, Server] = {role: server for role, server in plan.servers().items() if role in sockets}
            self._credentials = CredentialsWatch(self._engine, plan.owner, servers, own_threads)
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

    def stop_accepting(self) -> None:
        self._answered(self._engine.stop_accepting)

    def set_rights(self, role: Role, rights: UserRights | None) -> None:
        self._credentials.set_rights(role, rights)

    def update(self, plan: Plan, /) -> Update:
        new = [_without(spec, self._plan.specs.get(role)) for role, spec in plan.specs.items() if spec.role == role]
        if plan.placement != self._plan.placement:
            text = f"{plan.owner}: cannot be changed while it runs: io_threads or cpus changed"
            raise zmq.ZMQError(errno.ENOTSUP, text)
        with room_for(plan.owner, CONTEXT + sum(len(spec.binds) + len(spec.connects) for spec in new)):
            sockets = self._sockets(plan, {spec.role: spec for spec in new})
            changes = self._changed(plan, sockets)
        servers, before = plan.servers(), self._plan.servers()
        changes += [
            f"{role}: {_difference(server, before[role])}" for role, server in servers.items() if server != before[role]
        ]
        self._credentials.replace(servers)
        self._plan = plan
        for spec in new:
            self._warn_of_exposure(spec)
        return Update(changes, self.endpoints)

    def _changed(self, plan: Plan, sockets: Mapping[Role, WireSocket]) -> list[str]:
        """Have the engine take over what differs. It is ready a moment before it runs."""
        deadline = time.monotonic() + STEERING_TIMEOUT
        workers = _workers(plan, sockets)
        while True:
            try:
                return self._answered(
                    lambda: self._settings_to(self._engine.change, plan, *_of_roles(sockets), workers=workers)
                )
            except zmq.ZMQError as error:
                if error.errno != errno.EAGAIN:
                    raise
                if self._shutting_down or time.monotonic() > deadline:
                    raise RuntimeError(str(error)) from error
                time.sleep(0.001)

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
            owner = self._plan.owner
            text = str(error).removeprefix("device: ").removeprefix(f"{owner}: ")
            raise TimeoutError(f"{owner}: {text}") from error

    def _sockets(self, plan: Plan, new: Mapping[Role, SocketSpec] | None = None) -> dict[Role, WireSocket]:
        """Describe the sockets that have endpoints, after libzmq has checked the values of their options.

        Args:
            plan: What to describe.
            new: The same sockets with the endpoints that are not open yet; None: with all.
        """
        found = {}
        with zmq.Context(io_threads=0) as context:
            if not isinstance(plan.context_factory, type):  # then it is zmq.Context.instance
                context.sockopts.update(plan.context_factory().sockopts)
            for spec in (*plan.sockets(), *plan.dead_letters()):
                if not (spec.binds or spec.connects):
                    continue
                (new.get(spec.role, spec) if new else spec).refuse_invalid_endpoints(plan.owner, plan.ports)
                with closing(spec.make(context, plan.owner)):
                    options = _by_name([*context.sockopts.items(), *spec.defaults(context), *spec.options])
                options |= spec.limits.options() if spec.limits else {}
                security = spec.security_options(plan.owner)
                listening = plan.ports.listening(spec.binds)
                found[spec.role] = WireSocket(
                    spec.type, binds=spec.binds, connects=spec.connects, listening=listening, **options, **security
                )
        return found


def _difference(server: Server, before: Server) -> str:
    if server.rights == before.rights:
        return "clients changed"
    former: Any = before
    return "rights changed" if server == replace(former, rights=server.rights) else "clients and rights changed"


def _of_roles(sockets: Mapping[Role, WireSocket]) -> tuple[WireSocket, WireSocket | None, WireSocket | None]:
    return sockets["in"], sockets.get("out"), sockets.get("mon")


def _workers(plan: Plan, sockets: Mapping[Any, WireSocket]) -> WireWorkers | None:
    """Return the settings of the workers of a plan, with the socket of dead letters."""
    if plan.workers is None:
        return None
    return WireWorkers(**plan.workers.wire_settings(), dead_letter=sockets.get("dead_letter"))


def _without(spec: SocketSpec, former: SocketSpec | None) -> SocketSpec:
    """Return the socket with the endpoints that it did not have before."""
    if former is None:
        return spec
    binds = [each for each in spec.binds if each not in former.binds]
    return replace(spec, binds=binds, connects=[each for each in spec.connects if each not in former.connects])


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
