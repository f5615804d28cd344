"""`zdev run`: run one device in the foreground."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .._failure import Failure, Status, status_of
from .._signals import StopSignals
from .._sockets import ROLES, Role, SocketArguments, socket_options

if TYPE_CHECKING:
    from .._device import CommandLineDevice

# The socket types of in and out, unless they are told. A forwarder is XSUB/XPUB so that subscriptions travel upstream; that of
# ØMQ 2, SUB/PUB, carried all messages whether anybody wanted them or not.
TYPES = {
    "monitored-queue": ("ROUTER", "DEALER"),
    "queue": ("ROUTER", "DEALER"),
    "forwarder": ("XSUB", "XPUB"),
    "streamer": ("PULL", "PUSH"),
}
EXAMPLES = """\b
Socket types unless told:
  monitored-queue, queue  in ROUTER, out DEALER
  forwarder               in XSUB, out XPUB: subscriptions travel upstream
  streamer                in PULL, out PUSH
  all                     mon PUB, ctrl REP
\b
Example:
  zdev run monitored-queue --bind-in tcp://127.0.0.1:5559 --bind-out tcp://127.0.0.1:5560 \\
      --bind-mon tcp://127.0.0.1:5561 --setsockopt-mon SNDHWM=100000
"""
TICK = 0.2  # seconds until the end of a device that ends by itself is noticed


@click.command(epilog=EXAMPLES)
@click.argument("type_", metavar="TYPE", type=click.Choice(tuple(TYPES), case_sensitive=False))
@socket_options("in")
@socket_options("out")
@socket_options("mon")
@socket_options("ctrl")
@click.option("--in-prefix", help="First frame of a monitor message that in received ('in').")
@click.option("--out-prefix", help="First frame of a monitor message that out received ('out').")
@click.option("--on-full", type=click.Choice(("block", "drop")), help="When a ROUTER's one receiver is full.")
@click.option("--mon-on-full", type=click.Choice(("block", "drop")), help="When a mon of type PUSH, PAIR or DEALER is full.")
def run(type_: str, **arguments: Any) -> None:
    """Run a device until a signal ends it.

    TYPE is monitored-queue, queue, forwarder or streamer. SIGINT, SIGTERM and TERMINATE or DRAIN on the ctrl socket end it.

    Options --bind-*, --connect-* and --setsockopt-* may be repeated. Once all sockets are bound and connected, a line an
    endpoint tells role, socket type, bind or connect, and the endpoint, ports resolved; the last line tells the statistics.
    NAME of a socket option is as in zmq_setsockopt(3), without ZMQ_; VALUE is text or a number, as the option takes it. A SUB
    socket subscribes to everything unless SUBSCRIBE is set.
    """
    sockets = [SocketArguments.take(role, arguments) for role in ROLES]
    _check(type_, sockets, arguments)
    with StopSignals() as stop:
        device = _device(type_, sockets, arguments)
        _start(device)
        try:
            _print_endpoints(device, sockets)
            while device.is_alive() and not stop.wait(TICK):
                pass
        finally:
            _stop(device)
        _conclude(device)


def _check(type_: str, sockets: Sequence[SocketArguments], arguments: dict[str, Any]) -> None:
    """Raises UsageError for what can be known to make no sense before any socket is made."""
    by_role = {socket.role: socket for socket in sockets}
    needed: tuple[Role, ...] = ("in", "out", "mon") if type_ == "monitored-queue" else ("in", "out")
    for role in needed:
        if not by_role[role].wanted:
            raise click.UsageError(f"{type_} needs an endpoint for {role}: add --bind-{role} or --connect-{role}")
    settings: dict[Role, tuple[str, ...]] = {"mon": ("in_prefix", "out_prefix", "mon_on_full"), "ctrl": ()}
    for role, names in settings.items():
        told = [f"--{name.replace('_', '-')}" for name in names if arguments[name] is not None]
        told += [f"--{role}-type"] * bool(by_role[role].type) + [f"--setsockopt-{role}"] * bool(by_role[role].settings)
        if told and not by_role[role].wanted:
            raise click.UsageError(f"{told[0]} needs a {role} socket: add --bind-{role} or --connect-{role}")
    _check_endpoints(sockets)


def _check_endpoints(sockets: Sequence[SocketArguments]) -> None:
    bound: dict[str, str] = {}
    for socket in sockets:
        for endpoint in socket.binds:
            if endpoint in bound:
                raise click.UsageError(f"{endpoint} is bound twice, by {bound[endpoint]} and by {socket.role}")
            if not endpoint.endswith("*"):  # a wildcard is another address each time
                bound[endpoint] = socket.role
    for socket in sockets:
        for endpoint in socket.connects:
            if endpoint in bound:
                raise click.UsageError(
                    f"{endpoint} is bound by {bound[endpoint]}: {socket.role} would connect to its own device"
                )


def _device(type_: str, sockets: Sequence[SocketArguments], arguments: dict[str, Any]) -> CommandLineDevice:
    from .._device import CommandLineDevice, Policies, spec_of

    in_type, out_type = TYPES[type_]
    defaults: dict[Role, str] = {"in": in_type, "out": out_type, "mon": "PUB", "ctrl": "REP"}
    specs = {socket.role: spec_of(socket, defaults[socket.role]) for socket in sockets if socket.wanted}
    for name in ("in", "out"):
        if arguments[f"{name}_prefix"] is None:
            arguments[f"{name}_prefix"] = name
    return CommandLineDevice(type_, specs, Policies(**arguments))


def _start(device: CommandLineDevice) -> None:
    import zmq

    logging.getLogger("zdev").addHandler(logging.NullHandler())  # what it tells is told here
    try:
        device.start()
    except zmq.ZMQError as error:
        raise Failure(str(error), status_of(error.errno)) from error
    except TimeoutError as error:
        raise Failure(str(error), Status.UNAVAILABLE) from error


def _stop(device: CommandLineDevice) -> None:
    try:
        device.stop()
    except TimeoutError as error:
        text = f"{error}: its sockets still had messages to send, which are lost; a smaller LINGER makes it end earlier"
        raise Failure(text, Status.UNAVAILABLE) from error


def _print_endpoints(device: CommandLineDevice, sockets: Sequence[SocketArguments]) -> None:
    bound = device.endpoints
    for socket in sockets:
        for verb, endpoints in (("bind", bound.get(socket.role, ())), ("connect", socket.connects)):
            for endpoint in endpoints:
                click.echo(f"{socket.role:<4} {device.type_name(socket.role):<6} {verb:<7} {endpoint}")


def _conclude(device: CommandLineDevice) -> None:
    from .._device import statistics_line

    click.echo(statistics_line(device.statistics(), device.lost))
    if device.exception:
        raise Failure(f"{device.name}: ended by an error: {device.exception}", Status.INTERNAL)
