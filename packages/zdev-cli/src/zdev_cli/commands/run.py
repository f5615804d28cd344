"""`zdev run`: run one device, or all those of a file, in the foreground."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._words import DEVICE_TYPES, ROLES, STARTER, Role, needed_roles
from ..control.client import control_option
from .options import SocketArguments, socket_options

if TYPE_CHECKING:
    from ..config import DeviceConfig

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
  zdev run -c zdev.toml
"""


@click.command(epilog=EXAMPLES)
@click.argument("type_", metavar="[TYPE]", required=False, type=click.Choice(tuple(DEVICE_TYPES), case_sensitive=False))
@click.option("-c", "--config", metavar="FILE", type=click.Path(path_type=Path), help="Run the devices of this file.")
@control_option
@socket_options("in")
@socket_options("out")
@socket_options("mon")
@socket_options("ctrl")
@click.option("--in-prefix", help="First frame of a monitor message that in received ('in').")
@click.option("--out-prefix", help="First frame of a monitor message that out received ('out').")
@click.option("--on-full", type=click.Choice(("block", "drop")), help="When a ROUTER's one receiver is full.")
@click.option("--mon-on-full", type=click.Choice(("block", "drop")), help="When a mon of type PUSH, PAIR or DEALER is full.")
@click.option("--insecure", is_flag=True, default=None, help="Bind where other hosts can reach it: anybody may connect.")
def run(type_: str | None, config: Path | None, control: str | None, **arguments: Any) -> None:
    """Run a device, or those of a file, until a signal ends it.

    TYPE is monitored-queue, queue, forwarder or streamer. SIGINT, SIGTERM and TERMINATE or DRAIN on the ctrl socket end it.

    Options --bind-*, --connect-* and --setsockopt-* may be repeated. Once all sockets are bound and connected, a line an
    endpoint tells role, socket type, bind or connect, and the endpoint, ports resolved; the last line tells the statistics.
    NAME of a socket option is as in zmq_setsockopt(3), without ZMQ_; VALUE is text or a number, as the option takes it. A SUB
    socket subscribes to everything unless SUBSCRIBE is set.

    With -c all is in FILE, but for --control; without TYPE it is zdev.toml, if that is here. These devices, and not that of a TYPE, have
    a control socket: zdev status, top, drain and the like reach them. SIGHUP and zdev reload read the file again. SIGINT and SIGTERM
    drain the devices, a second one ends at once, with status 75.
    """
    told = any(value not in (None, ()) for value in arguments.values())
    if config is None and type_ is None and not told and Path(STARTER).exists():
        config = Path(STARTER)
    if config is not None:
        _run_file(config, control, type_, told)
    elif type_ is not None:
        _run_type(type_, arguments)
    else:
        raise click.UsageError(f"what? Name a TYPE of device, or a file of devices with -c FILE; there is no {STARTER} here")


def _run_file(config: Path, control: str | None, type_: str | None, told: bool) -> None:
    if type_ or told:
        what = f"TYPE {type_}" if type_ else "an option of one device"
        raise click.UsageError(f"either -c FILE or {what}, not both: devices of a file are described in it")
    from ..service.foreground import run_many

    run_many(config, control)


def _run_type(type_: str, arguments: dict[str, Any]) -> None:
    insecure = arguments.pop("insecure")
    sockets = [SocketArguments.take(role, arguments) for role in ROLES]
    _check(type_, sockets, arguments)
    if not insecure:
        _check_exposure(sockets)
    from ..service.foreground import run_one

    run_one(_config(type_, sockets, arguments))


def _check(type_: str, sockets: Sequence[SocketArguments], arguments: dict[str, Any]) -> None:
    """Raises UsageError for what can be known to make no sense before any socket is made."""
    by_role = {socket.role: socket for socket in sockets}
    for role in needed_roles(type_):
        if not by_role[role].wanted:
            raise click.UsageError(f"{type_} needs an endpoint for {role}: add --bind-{role} or --connect-{role}")
    settings: dict[Role, tuple[str, ...]] = {"mon": ("in_prefix", "out_prefix", "mon_on_full"), "ctrl": ()}
    for role, names in settings.items():
        told = [f"--{name.replace('_', '-')}" for name in names if arguments[name] is not None]
        told += [f"--{role}-type"] * bool(by_role[role].type) + [f"--setsockopt-{role}"] * bool(by_role[role].settings)
        if told and not by_role[role].wanted:
            raise click.UsageError(f"{told[0]} needs a {role} socket: add --bind-{role} or --connect-{role}")
    _check_endpoints(sockets)


def _check_exposure(sockets: Sequence[SocketArguments]) -> None:
    from ..config.protection import is_exposed

    for socket in sockets:
        for endpoint in socket.binds:
            if is_exposed(endpoint, dict(socket.settings)):
                text = f"{endpoint}: other hosts can reach {socket.role}, and anybody there may connect; bind 127.0.0.1, "
                raise click.UsageError(text + "protect it by a configuration file with curve, or say --insecure")


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


def _config(type_: str, sockets: Sequence[SocketArguments], arguments: dict[str, Any]) -> DeviceConfig:
    from ..config import Config, DeviceConfig

    prefixes = {"in": arguments["in_prefix"], "out": arguments["out_prefix"]}
    by_role: Any = {("in_" if each.role == "in" else each.role): each.config(prefixes.get(each.role)) for each in sockets}
    kind: Any = type_
    device = DeviceConfig(name=type_, type=kind, **by_role, on_full=arguments["on_full"], mon_on_full=arguments["mon_on_full"])
    return Config(device=[device]).devices()[type_]
