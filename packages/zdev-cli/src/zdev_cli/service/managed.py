"""A device of the configuration, as operators control and see it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from socket import socket
from typing import TypeVar

import zmq

from zdev_background import Device, Engine, Outcome, Peer, Role, State

from .._failure import Failure, Status
from ..config import DeviceConfig
from ..config.given_sockets import GivenSockets
from ..config.protection import mechanism_of
from ..config.rules import sends_to_connected_only
from ..snapshot import DeviceState, DeviceView, SocketView
from ..snapshot.peers import PeerView, id_text, peer_view
from ..snapshot.requests import WorkerView, worker_view
from .connects import ConnectChanges, connection_fields
from .endings import Ended, ended_text, pending_replies, undelivered
from .keeper import START_TIMEOUT, DeviceKeeper
from .live import Change, change, differences, released_by
from .statistics import CumulativeStatistics, Meter, Reading

logger = logging.getLogger("zdev.service")

T = TypeVar("T")
STUCK = 5.0  # seconds without an iteration of the relay's loop, which makes four per second

_STATES: dict[State, DeviceState] = {State.PAUSED: "paused", State.DRAINING: "draining"}


class Managed:
    """One device. All methods may be called from any thread; those that change something wait until it is done."""

    def __init__(self, config: DeviceConfig, given: GivenSockets) -> None:
        self.config = config
        self._given = given
        self.statistics = CumulativeStatistics()
        self._meter = Meter(self.statistics)
        self._connect_changes = ConnectChanges()
        self._keeper: DeviceKeeper | None = None
        self._stopping: DeviceKeeper | None = None  # the one that was stopped without a drain
        self._is_wanted = True  # by the operator, who may stop and drain it
        self._is_paused = False
        self._is_retired = False
        self._restarts = 0  # of former keepers
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def running_config(self) -> DeviceConfig:
        """The configuration of the present run, which a reload may have changed since."""
        return self._keeper.config if self._keeper else self.config

    @property
    def state(self) -> DeviceState:
        keeper = self._keeper
        if keeper is None or keeper.phase == "ended" or (keeper.phase == "failed" and not self._is_wanted):
            return "stopped"
        if keeper.phase == "running":
            return "draining" if keeper.is_ending else _STATES.get(self.statistics.read().state, "active")
        return keeper.phase

    @property
    def is_wanted(self) -> bool:
        """Whether it should run: no operator stopped it, by a command or on its ctrl socket."""
        return self._is_wanted and self.state != "stopped"

    @property
    def is_tried(self) -> bool:
        """Whether the outcome of the first start is known."""
        return self._keeper is not None and self._keeper.tried.is_set()

    def start(self) -> str:
        """Start it now unless it runs, and wait until it is known whether it does. Raises Failure if it does not."""
        if self.state in ("active", "paused"):
            return f"{self.name}: already running"
        self.begin()
        return self.await_start()

    def begin(self) -> None:
        """Start it now unless it runs. If it is about to end, wait for that first."""
        keeper = self._keeper
        if keeper and keeper.is_ending and not keeper.join():
            raise Failure(f"{self.name}: cannot start: its last run has not ended: {keeper.error}", Status.UNAVAILABLE)
        with self._lock:
            if self._is_retired:
                raise Failure(f"{self.name}: cannot start: it was removed, or zdev is shutting down", Status.UNAVAILABLE)
            self._is_wanted = True
            if self._keeper and not self._keeper.is_ending:
                self._keeper.restart_now()
                return
            self._restarts += self._keeper.restarts if self._keeper else 0
            self._keeper = DeviceKeeper(self.config, self.statistics, self.log, paused=self._is_paused, given=self._given)

    def await_start(self) -> str:
        """The outcome of `begin`. Raises Failure if the device does not run."""
        keeper = self._keeper
        assert keeper
        if not keeper.tried.wait(START_TIMEOUT):
            raise Failure(f"{self.name}: not started within {START_TIMEOUT:g} s", Status.UNAVAILABLE)
        if keeper.error:
            raise Failure(f"{self.name}: {self.state}: {keeper.error}", Status.UNAVAILABLE)
        return f"{self.name}: started"

    def end(self, *, drain: bool, by_operator: bool = True) -> Ended:
        """Stop it, after a drain within its drain_timeout if `drain`. It stays stopped."""
        with self._lock:
            keeper, state = self._keeper, self.state
            self._is_wanted = self._is_wanted and not by_operator
            may_be_cut = drain and self._stopping is not keeper
            device = keeper.device if keeper else None
            if not drain:
                self._stopping = keeper
        if keeper is None or state == "stopped":
            return Ended("already stopped")
        began, undelivered_before = time.monotonic(), self._undelivered()
        outcome = keeper.end(keeper.config.drain_timeout if drain else None)
        error = keeper.error if state not in ("waiting", "failed") else None
        took = time.monotonic() - began
        was_cut = may_be_cut and outcome is Outcome.STOPPED
        ended = ended_text(outcome, took, pending_replies(device), error, drain=drain, was_cut=was_cut)
        if device and outcome and (warning := undelivered(device, self._undelivered() - undelivered_before)):
            ended = Ended(f"{ended.text}; {warning}", ended.is_drained and not drain, ended.pending)
        self.log(ended.text, logging.INFO if ended.is_drained else logging.WARNING)
        return ended

    def _undelivered(self) -> int:
        """Return how many messages were accepted for a receiver that did not get them. Unknown, and so 0, with libzmq."""
        return sum(each.totals["messages_lost"] for role, each in self.statistics.read().roles.items() if role in ("in", "out"))

    def retire(self) -> None:
        """Do not start it any more."""
        with self._lock:
            self._is_retired = True

    def pause(self) -> str:
        return self._steer("pause", "paused", is_paused=True)

    def resume(self) -> str:
        return self._steer("resume", "resumed", is_paused=False)

    @property
    def shows_peers(self) -> bool:
        """Whether it runs on the engine that knows its peers."""
        keeper = self._keeper
        return keeper is not None and keeper.phase == "running" and keeper.engine == "wire"

    def peers(self) -> list[PeerView]:
        """Return its peers; none while it does not run. Raises Failure."""
        keeper = self._keeper
        if keeper is None or keeper.phase != "running":
            return []
        now = time.time()
        return [peer_view(self.name, each, now) for each in self._asked(keeper.device.peers)]

    def listening_sockets(self) -> Mapping[Role, Sequence[socket]]:
        """Return duplicates of the sockets on which it listens, without those that cannot be handed over. Raises Failure."""
        keeper = self._keeper
        return self._asked(keeper.device.listening_sockets) if keeper else {}

    def stop_accepting(self) -> None:
        """Leave new connections to others that have its listening sockets, if it can: on libzmq, only its end does so."""
        keeper = self._keeper
        if keeper and keeper.engine == "wire":
            with suppress(Failure):  # it has ended, or does not answer
                self._asked(keeper.device.stop_accepting)

    def kick(self, number: int) -> str:
        """End the connection with this number. Raises Failure if no connection has it."""
        device = self._running("kick a peer of")
        peer = next((each for each in self._asked(device.peers) if each.number == number), None)
        if peer is None or not self._asked(lambda: device.kick(peer)):
            text = f"{self.name}: no connection has the ID {number} (zdev peers {self.name} shows them)"
            raise Failure(text, Status.UNAVAILABLE)
        return f"{self.name}: kicked {_described(peer)}"

    @property
    def knows_workers(self) -> bool:
        """Whether it is a queue that knows its workers."""
        return self.running_config.workers is not None

    def workers(self) -> list[WorkerView]:
        """Return its workers; none while it does not run. Raises Failure."""
        keeper = self._keeper
        self._refuse_unknown_workers()
        if keeper is None or keeper.phase != "running":
            return []
        now = time.time()
        return [worker_view(self.name, each, now) for each in self._asked(keeper.device.requests).workers]

    def drain_worker(self, number: int, *, on: bool) -> str:
        """Give no more requests to the worker with this number, or give it some again. Raises Failure if no worker has this number."""
        self._refuse_unknown_workers()
        device = self._running(f"{'drain' if on else 'resume'} a worker of")
        worker = next((each for each in self._asked(device.requests).workers if each.number == number), None)
        if worker is None or not self._asked(lambda: device.drain_worker(number, on)):
            text = f"{self.name}: no worker has the ID {number} (zdev workers {self.name} shows them)"
            raise Failure(text, Status.UNAVAILABLE)
        done = "gets no more requests" if on else "gets requests again"
        return f"{self.name}: worker {number} at {worker.address} {done}"

    def _refuse_unknown_workers(self) -> None:
        if not self.knows_workers:
            text = f"{self.name}: it does not know its workers (add [device.workers] to it, and run zdev reload)"
            raise Failure(text, Status.UNAVAILABLE)

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except (TimeoutError, zmq.ZMQError, RuntimeError) as error:
            raise Failure(str(error), Status.UNAVAILABLE) from error

    def released_by(self, config: DeviceConfig | None) -> set[str]:
        """Return the ports and paths that it does not bind any more with this configuration; None: it is removed."""
        return released_by(self._keeper, self.config, config)

    def configure(self, config: DeviceConfig, released: Collection[str]) -> Change:
        """Take over a configuration, live if that is possible. Otherwise `end` and `begin` apply it, unless it is refused."""
        result = change(self._keeper, self.config, config, released)
        if result.how != "refused":
            self.config = config
        return result

    def preview(self, config: DeviceConfig, released: Collection[str]) -> str:
        """Return what `configure`, and the restart if that needs one, would do."""
        result = change(self._keeper, self.config, config, released, dry_run=True)
        what = "; ".join(differences(self.config, config))
        if result.how == "refused":
            return f"would stay unchanged: {result.text}"
        if result.how == "live":
            return f"would change live: {what}"
        if not self.is_wanted:
            return f"would change, and stay stopped: {what}"
        return f"would restart ({result.text or f'it is {self.state}'}): {what}"

    def stuck(self) -> float:
        """Seconds for which the relay has been unresponsive; 0: it is responsive, or does not run."""
        seconds = self.statistics.stuck_for()
        return seconds if seconds > STUCK else 0.0

    def log(self, text: str, level: int = logging.INFO) -> None:
        logger.log(level, "%s: %s", self.name, text, extra={"device": self.name})

    def sample(self) -> None:
        """Note the rates, and log which connects have failed or recovered. For one thread, once a second."""
        self._meter.sample()
        if self.running_config.isolation != "process":  # which its keeper asks
            self.statistics.requests.sample()
        connects = {role: each.connects for role, each in self.statistics.read().roles.items()}
        for line, level in self._connect_changes.lines(connects):
            self.log(line, level)

    def view(self) -> DeviceView:
        keeper, reading, began = self._keeper, self.statistics.read(), self.statistics.began
        in_, out = self._meter.views(reading)
        stuck = self.stuck()
        retry_at = keeper.retry_at if keeper else None
        types = [self.config.socket_type(role) for role in ("in", "out")]
        engine = keeper.engine if keeper else Engine(self.config.engine or "auto")
        return DeviceView(
            name=self.name,
            type=self.config.type,
            isolation=self.config.isolation or "thread",
            state=self.state,
            sockets=self._sockets(keeper, engine, reading),
            engine=str(engine),
            engine_reason=engine.reason,
            in_=in_,
            out=out,
            two_ways=types[0] not in ("PULL", "SUB") and types[1] not in ("PUSH", "PUB"),
            in_flight=reading.in_flight,
            requests=self.statistics.requests.view(),
            lost=reading.lost,
            uptime=None if began is None else round(time.monotonic() - began, 1),
            ready_when=self.config.ready_when or "bound",
            restart=self.config.restart or "on-failure",
            restarts=self._restarts + (keeper.restarts if keeper else 0),
            error=f"unresponsive for {stuck:.0f} s" if stuck else keeper.error if keeper else None,
            retry_in=None if retry_at is None else round(max(0.0, retry_at - time.monotonic()), 1),
        )

    def _sockets(self, keeper: DeviceKeeper | None, engine: Engine, reading: Reading) -> list[SocketView]:
        bound = keeper.endpoints if keeper else {}
        immediate = sends_to_connected_only(self.config)
        if immediate is not None and engine == "wire":
            immediate = True
        return [
            SocketView(
                role=role,
                type=self.config.socket_type(role),
                binds=list(bound.get(role, socket.binds)),
                connects=socket.connects,
                security=mechanism_of(socket),
                has_rights=socket.rights is not None,
                immediate=immediate if role == "out" else None,
                **({} if engine == "libzmq" or role not in reading.roles else connection_fields(reading.roles[role])),
            )
            for role, socket in self.config.sockets.items()
        ]

    def _steer(self, verb: str, done: str, *, is_paused: bool) -> str:
        device = self._running(verb)
        was = self._is_paused
        self._is_paused = is_paused
        try:
            getattr(device, verb)()
            self.statistics.refresh()
        except TimeoutError as error:
            raise Failure(str(error), Status.UNAVAILABLE) from error
        except RuntimeError:  # it has just ended; if it starts again, it will be steered so
            pass
        if was != is_paused:
            self.log(done)
        return f"{self.name}: {done}" if was != is_paused else f"{self.name}: already {done}"

    def _running(self, verb: str) -> Device:
        keeper = self._keeper
        if keeper is None or keeper.phase != "running" or keeper.is_ending:
            raise Failure(f'cannot {verb} "{self.name}": it is {self.state}', Status.UNAVAILABLE)
        return keeper.device


def _described(peer: Peer) -> str:
    named = f" {id_text(peer.routing_id)}" if peer.routing_id else ""
    return f"peer {peer.number} of {peer.role},{named} at {peer.address}"
