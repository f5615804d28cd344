"""`zdev run` in the foreground: one device as the command line describes it, or all those of a file."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import click
import zmq

from zdev_background import Device, Outcome, Statistics, raise_file_limit

from .._failure import Failure, Status, status_of
from .._signals import ENDING, REQUESTED, StopSignals
from ..config import DeviceConfig
from ..config.build import device_of
from ..config.given_sockets import GivenSockets, from_systemd
from ..snapshot import REASONS
from .connects import ConnectChanges
from .endings import outstanding, pending_replies, undelivered
from .keeper import engine_text
from .log import FLUSH, log_to_stderr
from .managed import Managed
from .service import Service
from .supervisor import Applied

END_TICK = 0.2  # seconds until the end of a device that ends by itself is noticed
TICK = 1.0  # seconds between checks
START_TICK = 0.02
CONNECT_TICK = 0.1  # seconds until zdev is reported ready, once the connects that this waits for are up
FIRST = (*ENDING, REQUESTED)  # what ends zdev; after that, ENDING ends it immediately
LAST_MOMENT = 0.5  # seconds, after a second signal, for what can be saved at once

logger = logging.getLogger("zdev.service")


def run_one(config: DeviceConfig) -> None:
    """Run the device until it ends, by a signal or by itself. Prints its endpoints first and its statistics last."""
    with StopSignals() as stop:
        given = GivenSockets(from_systemd())
        given.refuse_unused({config.name: config}, None, "zdev run")
        device = device_of(config, given)
        _start_one(device)
        try:
            _print_endpoints(device, config.engine)
            changes = ConnectChanges()
            while device.is_alive() and not stop.wait(END_TICK):
                _report_connects(device, changes)
        finally:
            _stop_one(device)
        _conclude(device)


def _report_connects(device: Device, changes: ConnectChanges) -> None:
    for line, _ in changes.lines({role: each.connects for role, each in device.connections().items()}):
        click.echo(f"zdev: {device.name}: {line}", err=True)


def _start_one(device: Device) -> None:
    logging.getLogger("zdev").addHandler(logging.NullHandler())  # its errors are reported here
    try:
        device.start()
    except zmq.ZMQError as error:
        raise Failure(str(error), status_of(error.errno)) from error
    except TimeoutError as error:
        raise Failure(str(error), Status.UNAVAILABLE) from error


def _stop_one(device: Device) -> None:
    try:
        device.stop()
    except TimeoutError as error:
        text = f"{error}: unsent messages are lost (a smaller LINGER makes it stop earlier)"
        raise Failure(text, Status.UNAVAILABLE) from error


def _print_endpoints(device: Device, setting: str | None) -> None:
    bound = device.endpoints
    for role, spec in device.specs.items():
        for line in _endpoint_lines(role, spec.type_name, bound.get(role, ()), spec.connects):
            click.echo(line)
    click.echo(f"engine {engine_text(device.engine, setting)}")


def _endpoint_lines(role: str, type_name: str, binds: Sequence[str], connects: Sequence[str]) -> list[str]:
    lines = [f"{role:<4} {type_name:<6} bind    {each}" for each in binds]
    return lines + [f"{role:<4} {type_name:<6} connect {each}" for each in connects]


def _conclude(device: Device) -> None:
    click.echo(statistics_line(device.statistics(), device.lost))
    if warning := undelivered(device):
        click.echo(f"zdev: {device.name}: {warning}", err=True)
    if device.exception:
        raise Failure(f"{device.name}: ended by an error: {device.exception}", Status.INTERNAL)
    if device.outcome is Outcome.DRAIN_TIMED_OUT:
        raise Failure(f"{device.name}: drain timed out: {outstanding(pending_replies(device))}", Status.DRAIN_TIMED_OUT)


def statistics_line(statistics: Statistics, lost: int) -> str:
    """One line of name=number: messages of both directions, then those that were not sent on, by reason."""
    ways = (statistics.in_, statistics.out)
    numbers = {
        "in_received": statistics.in_.messages_received,
        "in_bytes": statistics.in_.bytes_received,
        "out_received": statistics.out.messages_received,
        "out_bytes": statistics.out.bytes_received,
        "sent": sum(way.messages_sent for way in ways),
        **{reason: sum(getattr(way, reason) for way in ways) for reason in REASONS},
        "monitor_sent": sum(way.monitor_sent for way in ways),
        "monitor_dropped": sum(way.monitor_dropped for way in ways),
        "lost": lost,
    }
    return "statistics " + " ".join(f"{name}={number}" for name, number in numbers.items())


def run_many(path: Path, control: str | None, *, take_over: bool = False) -> None:
    """Run the devices of the file until a signal ends it. Prints endpoints first; later changes are logged on stderr.

    Args:
        path: The file.
        control: Path of the control socket; None: as the file says, or ZDEV_CONTROL.
        take_over: Whether to replace the zdev that runs at this control socket.
    """
    with StopSignals(signal.SIGHUP) as signals:
        log = log_to_stderr()
        raise_file_limit()
        service = Service(path, control, from_systemd(), lambda: signals.post(REQUESTED))
        service.open(take_over=take_over)
        try:
            _print_beginning(service)
            ended_early = _print_devices(service, signals)
            if not ended_early:
                _watch(service, signals)
        finally:
            failure = _end(service, signals)
            is_log_written = log.is_written(FLUSH)
    if not is_log_written:
        os._exit(failure.status if failure else Status.OK)  # the text of a failure could not be written either
    if failure:
        raise failure


def _print_beginning(service: Service) -> None:
    click.echo(f"control  {service.control.endpoint}")
    if service.web:
        click.echo(f"http     {service.web.url}")


def _print_devices(service: Service, signals: StopSignals) -> bool:
    """Print the endpoints as devices are tried. Returns whether a signal came that ends the program."""
    width = max((len(device.name) for device in service.supervisor.devices), default=0)
    for device in service.supervisor.devices:
        while not device.is_tried:
            if signals.take(START_TICK, FIRST):
                return True
        for line in _lines(device):
            click.echo(f"{device.name:<{width}}  {line}")
    service.replace_former()
    service.notifier.status(service.summary())
    service.report_ready()
    is_any_active = any(device.state == "active" for device in service.supervisor.devices)
    click.echo(f"{'started' if is_any_active else 'not ready'}: {service.summary()}")
    return False


def _lines(device: Managed) -> list[str]:
    view = device.view()
    if view.error:
        return [f"{view.state}: {view.error}"]
    return [line for each in view.sockets for line in _endpoint_lines(each.role, each.type, each.binds, each.connects)]


def _watch(service: Service, signals: StopSignals) -> None:
    """Supervise until a signal ends the program."""
    period = service.notifier.watchdog
    tick = TICK if period is None else min(TICK, period / 2)
    were_stuck: list[str] = []
    reloads = threading.Semaphore(2)  # one that is running may have read the file before it changed again
    while (number := signals.take(tick if service.report_ready() else min(tick, CONNECT_TICK))) not in FIRST:
        if number == signal.SIGHUP and reloads.acquire(blocking=False):
            threading.Thread(target=_reload, args=(service, reloads), name="zdev reload", daemon=True).start()
        stuck = [device.name for device in service.supervisor.devices if device.stuck()]
        service.notifier.status(service.summary() + (f"; unresponsive: {', '.join(stuck)}" if stuck else ""))
        if not stuck and period is not None:
            service.notifier.alive()
        if stuck != were_stuck:
            feeds = "" if period is None else "; watchdog not notified" if stuck else "; watchdog notified"
            text = f"unresponsive: {', '.join(stuck)}" if stuck else "all devices responsive again"
            logger.log(logging.WARNING if stuck else logging.INFO, "%s%s", text, feeds)
        were_stuck = stuck


def _reload(service: Service, reloads: threading.Semaphore) -> None:
    logger.info("reloading on SIGHUP")
    try:
        service.reload()
    except Failure:  # it is in the log
        pass
    except Exception:
        logger.exception("reload: this is a bug in zdev")
    finally:
        reloads.release()


def _end(service: Service, signals: StopSignals) -> Failure | None:
    """Drain all devices, then close. Returns what went wrong, if anything; a second signal ends the program here."""
    devices = service.supervisor.devices
    have_failed = bool(devices) and all(device.state == "failed" for device in devices)
    doing = "stopping" if service.stops_at_once else "draining"
    logger.info("shutting down: %s all devices (%s)", doing, service.summary())
    service.notifier.stopping()
    result: list[Applied] = []
    drain = threading.Thread(target=lambda: result.append(service.end()), name="zdev end", daemon=True)
    drain.start()
    while drain.is_alive():
        if signals.take(START_TICK, ENDING):
            _end_at_once(service)
    service.close()
    if not (result and result[0].is_drained):
        return Failure("not every device was drained completely: see the log above", Status.DRAIN_TIMED_OUT)
    if have_failed:
        return Failure("no device was running: all had failed, and none restarts by itself", Status.UNAVAILABLE)
    return None


def _end_at_once(service: Service) -> None:
    logger.warning("shutting down immediately on a second signal")
    service.is_cut_off = True
    service.notifier.status("shutting down immediately")
    last = threading.Thread(target=service.supervisor.stop_all, name="zdev stop", daemon=True)
    last.start()
    last.join(LAST_MOMENT)
    service.control.remove()
    logging.shutdown()
    os._exit(Status.DRAIN_TIMED_OUT)
