"""One device in the foreground, as the command line describes it."""

from __future__ import annotations

import logging

import click
import zmq

from zdev_background import Device, Outcome, Statistics

from .._failure import Failure, Status, status_of
from .._signals import StopSignals
from ..config import DeviceConfig
from .build import device_of, outstanding, undelivered

TICK = 0.2  # seconds until the end of a device that ends by itself is noticed


def run_one(config: DeviceConfig) -> None:
    """Run the device until a signal ends it, or it ends by itself. Prints its endpoints first and its statistics last."""
    with StopSignals() as stop:
        device = device_of(config)
        _start(device)
        try:
            _print_endpoints(device)
            while device.is_alive() and not stop.wait(TICK):
                pass
        finally:
            _stop(device)
        _conclude(device)


def _start(device: Device) -> None:
    logging.getLogger("zdev").addHandler(logging.NullHandler())  # what it tells is told here
    try:
        device.start()
    except zmq.ZMQError as error:
        raise Failure(str(error), status_of(error.errno)) from error
    except TimeoutError as error:
        raise Failure(str(error), Status.UNAVAILABLE) from error


def _stop(device: Device) -> None:
    try:
        device.stop()
    except TimeoutError as error:
        text = f"{error}: its sockets still had messages to send, which are lost; a smaller LINGER makes it end earlier"
        raise Failure(text, Status.UNAVAILABLE) from error


def _print_endpoints(device: Device) -> None:
    bound = device.endpoints
    for role, spec in device.specs.items():
        for verb, endpoints in (("bind", bound.get(role, ())), ("connect", spec.connects)):
            for endpoint in endpoints:
                click.echo(f"{role:<4} {spec.type_name:<6} {verb:<7} {endpoint}")


def _conclude(device: Device) -> None:
    click.echo(statistics_line(device.statistics(), device.lost))
    if warning := undelivered(device):
        click.echo(f"zdev: {device.name}: {warning}", err=True)
    if device.exception:
        raise Failure(f"{device.name}: ended by an error: {device.exception}", Status.INTERNAL)
    if device.outcome is Outcome.DRAIN_TIMED_OUT:
        raise Failure(f"{device.name}: drain timed out: {outstanding(device)}", Status.DRAIN_TIMED_OUT)


def statistics_line(statistics: Statistics, lost: int) -> str:
    """name=number of what the device did, in one line: messages each way, then what became of those not sent on."""
    ways = (statistics.in_, statistics.out)
    numbers = {
        "in_received": statistics.in_.messages_received,
        "in_bytes": statistics.in_.bytes_received,
        "out_received": statistics.out.messages_received,
        "out_bytes": statistics.out.bytes_received,
        "sent": sum(way.messages_sent for way in ways),
        "malformed": sum(way.malformed for way in ways),
        "unroutable": sum(way.unroutable for way in ways),
        "overflowed": sum(way.overflowed for way in ways),
        "monitor_sent": sum(way.monitor_sent for way in ways),
        "monitor_dropped": sum(way.monitor_dropped for way in ways),
        "lost": lost,
    }
    return "statistics " + " ".join(f"{name}={number}" for name, number in numbers.items())
