"""A running zdev: the devices of a file, with their control socket, HTTP server and statistics."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from .._failure import Failure, Status
from ..config import Config, load_with_digest
from ..config.given_sockets import GivenSocket, GivenSockets
from ..config.http_access import OPEN_ACCESS, Access, access_of, unencrypted
from ..control.lookup import VARIABLE, listening_path, overruled
from ..control.protocol import Reply, Request
from ..control.server import ControlServer
from ..snapshot import Snapshot, states_text
from .former import Former
from .hand_over import offer_of
from .log import configure
from .managed import Managed
from .notify import Notifier
from .reloads import ReloadRecord
from .statistics import Sampler
from .steering import reply_of, steer, steer_several
from .supervisor import Applied, Supervisor, in_parallel

if TYPE_CHECKING:
    from ..config.model import OtlpConfig
    from ..web import WebServer
    from ..web.otlp import OtlpExporter

logger = logging.getLogger("zdev.service")

_FINE = ("active", "paused", "draining", "stopped")
_KEPT = "not reloaded: the running configuration stays as it was"


class Service:
    """A running zdev.

    Args:
        path: The configuration file.
        control: Path of the control socket; None: as the file says, or ZDEV_CONTROL.
        given: Listening sockets from systemd.
        request_end: Has the main thread end zdev as upon SIGTERM: it calls `end`, then `close`.
    """

    def __init__(self, path: Path, control: str | None, given: Iterable[GivenSocket], request_end: Callable[[], None]) -> None:
        self.path = path.absolute()
        self.config, digest = load_with_digest(self.path)
        self.reloads = ReloadRecord(digest)
        configure(self.config.log)
        self.given = GivenSockets(given)
        self.given.refuse_unused(self.config.devices(), _listen(self.config), str(self.path))
        self.supervisor = Supervisor(self.config.devices(), self.given)
        self.notifier = Notifier()
        self.control = ControlServer(listening_path(control, self.config.control.endpoint), self.answer)
        if value := overruled(control, self.config.control.endpoint):
            advice = f"{self.path} sets control.endpoint (pass --control to override that)"
            logger.warning("%s=%s is ignored: %s", VARIABLE, value, advice)
        self.web: WebServer | None = None
        self.otlp: OtlpExporter | None = None
        self._control_given = control
        self._sampler = Sampler(lambda: self.supervisor.devices)
        self._started = time.time()
        self._version = version("zdev-cli")
        self._is_tried = self._is_reported = False
        self._former: Former | None = None
        self._request_end = request_end
        self._ended: Future[Applied] = Future()
        self.stops_at_once = False
        """Whether the devices are to be stopped without a drain when zdev ends."""
        self.is_cut_off = False
        """Whether a second signal ends zdev before it is done: then a `zdev shutdown` gets no answer, but notices the end."""
        self._reloading, self._handing_over = threading.Lock(), threading.Lock()

    def open(self, *, take_over: bool = False) -> None:
        """Listen, then start all devices without waiting for them. Raises Failure; nothing is left behind then.

        Args:
            take_over: Whether to use the sockets of a zdev that runs; `replace_former` must follow.
        """
        self._former = Former.find(str(self.control.path)) if take_over else None
        if self._former:
            logger.info("taking over from process %d", self._former.pid)
            self.given.add(self._former.sockets)
        else:
            self.control.start()
        try:
            self.web = self._new_web(_listen(self.config), _access_of(self.config))
        except BaseException:
            self.control.stop()
            raise
        self._set_otlp(self.config.otlp)
        self._sampler.start()
        self.supervisor.begin()

    def replace_former(self) -> None:
        """Have the zdev that this one takes over from end, if there is one. All devices must have been tried.

        Raises Failure if a device does not run, or the other zdev does not hand over; that one goes on then.
        """
        former = self._former
        if former is None:
            return
        for device in self.supervisor.devices:
            if device.state not in _FINE and not former.keeps(device.config):
                text = f"not taken over: {device.name}: {device.view().error}; the zdev of process {former.pid} goes on"
                raise Failure(text, Status.UNAVAILABLE)
        self.given.close_handed_over()  # the devices have theirs; the file of one that nobody has any more can be removed
        if former.hand_over():
            self.control.start(former.control)
        else:  # it has ended by itself, and removed its control socket
            former.control.close()
            self.control.start()
        logger.info("took over from process %d, which ends after its drain", former.pid)
        threading.Thread(target=self._await_former, args=(former,), name="zdev former", daemon=True).start()

    def _await_former(self, former: Former) -> None:
        """Start the devices that wait for an endpoint of the former zdev as soon as it has ended."""
        former.wait()
        logger.info("process %d has ended", former.pid)
        for device in self.supervisor.devices:
            if device.state in ("waiting", "failed") and former.keeps(device.config):
                with suppress(Failure):  # zdev is ending
                    device.begin()

    def end(self) -> Applied:
        """Drain all devices, permanently, or stop them if `zdev shutdown --now` asked for that."""
        result = Applied([], is_drained=False)
        try:
            self.supervisor.retire_all()
            result = self.supervisor.end_all(drain=not self.stops_at_once)
        finally:
            if not self.is_cut_off:
                self._ended.set_result(result)
        return result

    def close(self) -> None:
        """Close everything else, once the devices have ended."""
        self._sampler.stop()
        self._set_otlp(None)
        if self.web:
            self.web.stop()
        self.control.stop()

    def is_tried(self) -> bool:
        """Return whether the outcome of every device's first start is known."""
        self._is_tried = self._is_tried or all(device.is_tried for device in self.supervisor.devices)
        return self._is_tried

    def answer(self, request: Request) -> Reply | tuple[Reply, list[socket]]:
        """Do what is asked. Raises Failure when that is not possible."""
        if request.verb == "listeners":
            return offer_of(self.supervisor.devices, self.web, self.control)
        if request.verb == "hand-over":
            return self._hand_over(request)
        if request.verb == "status":
            if request.device is not None:
                self.supervisor.find(request.device)
            return Reply(snapshot=self.snapshot())
        if request.verb == "peers":
            return self._peers(request.device)
        if request.verb == "workers":
            return self._workers(request.device)
        if request.verb == "reload":
            applied = self.preview() if request.dry_run else self.reload()
            return reply_of(applied.lines, is_drained=applied.is_drained)
        if request.verb == "shutdown":
            return self._shut_down(now=request.now)
        if request.all or request.devices:
            return steer_several(request.verb, self.supervisor.chosen(None if request.all else request.devices))
        if request.device is None:
            raise Failure(f"{request.verb} needs the name of a device", Status.USAGE)
        device = self.supervisor.find(request.device)
        if request.verb == "kick":
            if request.peer is None:
                raise Failure("kick needs the number of a peer", Status.USAGE)
            return reply_of([device.kick(request.peer)])
        if request.worker is not None:
            if request.verb not in ("drain", "resume"):
                raise Failure(f"{request.verb} is not for a worker (only drain and resume)", Status.USAGE)
            return reply_of([device.drain_worker(request.worker, on=request.verb == "drain")])
        return steer(request.verb, device)

    def _shut_down(self, *, now: bool) -> Reply:
        """End zdev as SIGTERM does. Returns how the devices ended; the process ends after that."""
        self.stops_at_once = self.stops_at_once or now
        if now and self.supervisor.is_ending:  # which cuts the drain short
            self.supervisor.stop_all()
        self._request_end()
        ended = self._ended.result()
        return reply_of(ended.lines, is_drained=ended.is_drained)

    def _hand_over(self, request: Request) -> Reply:
        """Leave new connections to the zdev that takes over, and end as upon SIGTERM."""
        if not self._handing_over.acquire(blocking=False):  # for ever
            raise Failure("another process has taken over", Status.UNAVAILABLE)
        logger.info("handing over to process %s", request.successor)
        self.control.hand_over()
        in_parallel(Managed.stop_accepting, self.supervisor.devices)
        self._set_otlp(None)  # the other zdev exports as the same instance
        if self.web:
            self.web.stop()
        self.notifier.hand_over(request.successor)
        self._request_end()
        return Reply(lines=[f"handed over to process {request.successor}"])

    def _peers(self, name: str | None) -> Reply:
        """Return the peers of a device, or of all whose engine knows them."""
        if name is not None:
            return Reply(peers=self.supervisor.find(name).peers())
        devices = self.supervisor.devices
        running = [each for each in devices if each.state in ("active", "paused", "draining")]
        hidden = [each.name for each in running if not each.shows_peers]
        lines = [f"not shown, because the libzmq engine does not know its peers: {', '.join(hidden)}"] if hidden else []
        return Reply(peers=[peer for each in devices if each.shows_peers for peer in each.peers()], lines=lines)

    def _workers(self, name: str | None) -> Reply:
        """Return the workers of a device, or of all that know them."""
        known = [each for each in self.supervisor.devices if each.knows_workers]
        devices = known if name is None else [self.supervisor.find(name)]
        return Reply(workers=[worker for each in devices for worker in each.workers()])

    def snapshot(self) -> Snapshot:
        """Return the devices as they are now."""
        devices = [device.view() for device in self.supervisor.devices]
        stuck = any(device.stuck() for device in self.supervisor.devices)
        fine = all(device.state in _FINE for device in devices) and not stuck
        return Snapshot(
            version=self._version,
            pid=os.getpid(),
            time=time.time(),
            started=self._started,
            config=os.fsencode(self.path).decode(errors="backslashreplace"),
            configuration=self.reloads.view(),
            ready=fine and not any(device.awaited for device in devices) and self.is_tried() and not self.supervisor.is_ending,
            devices=devices,
        )

    def report_ready(self) -> bool:
        """Notify the service manager, once, when every device has the connects that its `ready_when` requires.

        Returns:
            Whether it was notified, now or before.
        """
        if not self._is_reported and not any(device.view().awaited for device in self.supervisor.devices):
            self._is_reported = True
            self.notifier.ready()
        return self._is_reported

    def summary(self) -> str:
        """Return a line like `2 of 3 devices active, 1 waiting (billing)`."""
        return states_text({device.name: device.state for device in self.supervisor.devices})

    def reload(self) -> Applied:
        """Apply the file as it is now. Raises Failure, with nothing changed, when it cannot be used."""
        with self._reloading:
            is_reported = self._is_reported  # else the service manager takes it for starting
            if is_reported:
                self.notifier.reloading()
            try:
                config, digest = self._loaded()
                applied = self._apply(config)
                self.reloads.succeeded(digest)
                return applied
            except Failure as failure:
                self.reloads.failed()
                for line in str(failure).splitlines():
                    logger.error("reload: %s", line)
                raise
            finally:
                if is_reported:
                    self.notifier.ready()

    def preview(self) -> Applied:
        """Return what a reload would do now. Raises Failure where it would."""
        with self._reloading:
            config, _ = self._loaded()
            lines = self.supervisor.preview(config.devices())
            if (listen := _listen(config)) != _listen(self.config):
                lines.append(f"http: would listen at {listen}" if listen else "http: would be off")
            elif changed := access_of(config.http).changed_from(self._access()):
                lines.append(f"http: would change: {changed}")
            if config.log != self.config.log:
                lines.append(f"log: would have {_log_text(config)}")
            if config.otlp != self.config.otlp:
                lines.append("otlp: would be changed")
            return Applied([*lines, "nothing was changed (--dry-run)"], is_drained=True)

    def _loaded(self) -> tuple[Config, str]:
        """Read the file again, and return it with its digest. Raises Failure if a reload cannot use it."""
        try:
            config, digest = load_with_digest(self.path)
        except Failure as failure:
            raise Failure(f"{failure}\n{_KEPT}", failure.status) from failure
        if listening_path(self._control_given, config.control.endpoint) != self.control.path:
            text = f"{self.path}: control.endpoint cannot be changed by a reload (restart zdev instead)"
            raise Failure(f"{text}\n{_KEPT}", Status.CONFIGURATION)
        return config, digest

    def _apply(self, config: Config) -> Applied:
        before, former = self.web and self.web.url, self._access()
        try:
            access = _access_of(config)
            if _listen(config) != _listen(self.config):
                self._replace_web(_listen(config), access)
            elif self.web:
                self.web.set_access(access)
        except Failure as failure:
            raise Failure(f"{failure}\n{_KEPT}", failure.status) from failure
        now = self.web and self.web.url
        lines = []
        if now != before or _listen(config) != _listen(self.config):
            lines.append(f"http: {now or 'off'}")
        elif changed := access.changed_from(former):
            lines.append(f"http: changed: {changed}")
        if config.log != self.config.log:
            lines.append(f"log: {_log_text(config)}")
            configure(config.log)
        if config.otlp != self.config.otlp:
            self._set_otlp(config.otlp)
            lines.append(f"otlp: {config.otlp.endpoint if config.otlp else 'off'}")
        self.config = config
        applied = self.supervisor.apply(config.devices())
        applied = applied._replace(lines=[*applied.lines, *lines])
        for line in applied.lines:
            _log_reloaded(line)
        for unused in self.given.unused(config.devices(), _listen(config)):
            logger.warning("no bind has the address of socket %s: clients that connect there wait", unused)
        return applied

    def _set_otlp(self, config: OtlpConfig | None) -> None:
        """Export the metrics in this way from now on."""
        if self.otlp:
            self.otlp.stop()
        self.otlp = None
        if config:
            from ..web.otlp import OtlpExporter

            self.otlp = OtlpExporter(config, self.snapshot)

    def _replace_web(self, listen: str | None, access: Access) -> None:
        """Bind the new address, then release the old one; in reverse on the same port, where one address may contain the other."""
        before = self.web
        shared = before if before and listen and _port(before.address) == _port(listen) else None
        if shared:
            shared.stop()
        try:
            self.web = self._new_web(listen, access)
        except Failure:
            if shared:
                self.web = self._new_web(shared.address, shared.access)
            raise
        if before and not shared:
            before.stop()

    def _access(self) -> Access:
        return self.web.access if self.web else OPEN_ACCESS

    def _new_web(self, listen: str | None, access: Access) -> WebServer | None:
        if listen is None:
            return None
        from ..web import WebServer

        given = self.given.for_http(listen)
        find = self.supervisor.find
        server = WebServer(
            listen,
            self.snapshot,
            lambda name: find(name).peers(),
            given,
            workers=lambda name: find(name).workers(),
            access=access,
        )
        server.start()
        return server


def _log_reloaded(line: str) -> None:
    """Log what a reload has done to a device, or to another part of the configuration."""
    name, _, done = line.partition(": ")
    level = logging.DEBUG if done == "unchanged" else logging.WARNING if done.startswith("unchanged: ") else logging.INFO
    logger.log(level, "reload: %s", line, extra={"device": None if name in ("http", "log") else name})


def _listen(config: Config) -> str | None:
    return config.http.listen if config.http else None


def _log_text(config: Config) -> str:
    return f"format {config.log.format}, level {config.log.level}"


def _access_of(config: Config) -> Access:
    for warning in unencrypted(config.http) if config.http else ():
        logger.warning("http: %s", warning.message)
    return access_of(config.http)


def _port(address: str) -> str:
    return address.rpartition(":")[2]
