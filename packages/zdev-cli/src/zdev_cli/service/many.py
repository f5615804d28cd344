"""`zdev run -c FILE` from its start to its end."""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path

import click

from zdev_background import raise_file_limit

from .._failure import Failure, Status
from .._signals import ENDING, StopSignals
from .log import FLUSH, StderrHandler
from .managed import Managed
from .service import Service

TICK = 1.0  # seconds between looks
START_TICK = 0.02
LAST_MOMENT = 0.5  # seconds, after a second signal, for what can be saved at once

logger = logging.getLogger("zdev.service")


def run_many(path: Path, control: str | None) -> None:
    """Run the devices of the file until a signal ends it. Prints endpoints first; what changes later is told on stderr."""
    with StopSignals(signal.SIGHUP) as signals:
        log = _log_to_stderr()
        raise_file_limit()
        service = Service(path, control)
        service.open()
        try:
            _print_beginning(service)
            ended_early = _print_devices(service, signals)
            if not ended_early:
                _watch(service, signals)
        finally:
            drained = _end(service, signals)
            is_told = log.is_written(FLUSH)
    if not is_told:
        os._exit(Status.OK if drained else Status.DRAIN_TIMED_OUT)  # the text of a failure could not be written either
    if not drained:
        raise Failure("not every device was drained completely: see the log above", Status.DRAIN_TIMED_OUT)


def _log_to_stderr() -> StderrHandler:
    logging.getLogger("zdev").addHandler(logging.NullHandler())  # what devices tell is told with their names here
    handler = StderrHandler()
    for each in (logger, logging.getLogger("zdev.security")):
        each.addHandler(handler)
        each.setLevel(logging.INFO)
        each.propagate = False
    return handler


def _print_beginning(service: Service) -> None:
    click.echo(f"control  {service.control.endpoint}")
    if service.web:
        click.echo(f"http     http://{service.web.address}/")


def _print_devices(service: Service, signals: StopSignals) -> bool:
    """Whether a signal came that ends it."""
    width = max((len(device.name) for device in service.supervisor.devices), default=0)
    for device in service.supervisor.devices:
        while not device.is_tried:
            if signals.take(START_TICK, ENDING):
                return True
        for line in _lines(device):
            click.echo(f"{device.name:<{width}}  {line}")
    service.notifier.status(service.summary())
    service.notifier.ready()
    click.echo(f"ready: {service.summary()}")
    return False


def _lines(device: Managed) -> list[str]:
    view = device.view()
    lines = []
    for socket in view.sockets:
        for verb, endpoints in (("bind", socket.binds), ("connect", socket.connects)):
            lines += [f"{socket.role:<4} {socket.type:<6} {verb:<7} {endpoint}" for endpoint in endpoints]
    return lines if not view.error else [f"{view.state}: {view.error}"]


def _watch(service: Service, signals: StopSignals) -> None:
    """Until a signal ends it."""
    period = service.notifier.watchdog
    tick = TICK if period is None else min(TICK, period / 2)
    were_stuck: list[str] = []
    reloads = threading.Semaphore(2)  # the one under way may have read the file before it changed again
    while (number := signals.take(tick)) not in ENDING:
        if number == signal.SIGHUP and reloads.acquire(blocking=False):
            threading.Thread(target=_reload, args=(service, reloads), name="zdev reload", daemon=True).start()
        stuck = [device.name for device in service.supervisor.devices if device.stuck()]
        service.notifier.status(service.summary() + (f"; not moving: {', '.join(stuck)}" if stuck else ""))
        if not stuck and period is not None:
            service.notifier.alive()
        if stuck != were_stuck:
            feeds = "" if period is None else "; the watchdog is not fed" if stuck else "; the watchdog is fed"
            logger.info("%s%s", f"not moving: {', '.join(stuck)}" if stuck else "all devices move again", feeds)
        were_stuck = stuck


def _reload(service: Service, reloads: threading.Semaphore) -> None:
    logger.info("asked to reload, by SIGHUP")
    try:
        service.reload()
    except Failure:  # it is in the log
        pass
    except Exception:
        logger.exception("reload: this is a bug in zdev")
    finally:
        reloads.release()


def _end(service: Service, signals: StopSignals) -> bool:
    """Drain all devices, then close. Whether all could be drained in time; a second signal ends the program here."""
    logger.info("ending: draining %s", service.summary())
    service.notifier.stopping()
    result: list[bool] = []
    drain = threading.Thread(target=lambda: result.append(service.supervisor.end_all()), name="zdev end", daemon=True)
    drain.start()
    while drain.is_alive():
        if signals.take(START_TICK, ENDING):
            _end_at_once(service)
    service.close()
    return result == [True]


def _end_at_once(service: Service) -> None:
    logger.info("ending at once, by a second signal")
    service.notifier.status("ending at once")
    last = threading.Thread(target=service.supervisor.stop_all, name="zdev stop", daemon=True)
    last.start()
    last.join(LAST_MOMENT)
    service.control.remove()
    logging.shutdown()
    os._exit(Status.DRAIN_TIMED_OUT)
