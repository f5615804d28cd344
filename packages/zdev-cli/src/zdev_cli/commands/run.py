"""`zdev run`: run one device, or all those of a file, in the foreground."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._words import DEVICE_TYPES, ROLES, STARTER, Role, needed_roles
from .options import SocketArguments, socket_options
from .worker_options import worker_options

if TYPE_CHECKING:
    from ..config import DeviceConfig

EXAMPLES = """\b
Default socket types:
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
@click.option(
    "-c", "--config", metavar="FILE", type=click.Path(path_type=Path), help="Configuration file whose devices to run."
)
@click.option(
    "--control",
    metavar="PATH",
    type=click.Path(),
    help="With FILE: its control socket. Default: control.endpoint of FILE, then ZDEV_CONTROL, then this user's socket.",
)
@click.option("--take-over", is_flag=True, help="With FILE: replace the running zdev without refusing a connection.")
@socket_options("in")
@socket_options("out")
@socket_options("mon")
@socket_options("ctrl")
@click.option("--in-prefix", help="First frame of monitor messages received on in. Default: in.")
@click.option("--out-prefix", help="First frame of monitor messages received on out. Default: out.")
@click.option("--dropped-prefix", help="First frame of copies of undelivered messages. Default: no such copies.")
@click.option(
    "--engine",
    type=click.Choice(("auto", "wire", "libzmq")),
    help="Engine; auto takes wire if it supports all that the device asks for. Default: auto.",
)
@click.option(
    "--on-full", type=click.Choice(("block", "drop")), help="Policy when a ROUTER's one receiver is full. Default: drop."
)
@click.option(
    "--mon-on-full",
    type=click.Choice(("block", "drop")),
    help="Policy when a mon of type PUSH, PAIR or DEALER is full. Default: block.",
)
@worker_options
@click.option("--insecure", is_flag=True, default=None, help="Permit binds that other hosts can reach without authentication.")
def run(type_: str | None, config: Path | None, control: str | None, take_over: bool, **arguments: Any) -> None:
    """Run a device, or those of a file, until a signal ends it.

    TYPE is monitored-queue, queue, forwarder or streamer. SIGINT, SIGTERM, and TERMINATE or DRAIN on the ctrl socket, end it.

    Options --bind-..., --connect-... and --setsockopt-... may be repeated. Once the device runs, one line per endpoint
    shows role, socket type, bind or connect, and the endpoint with its port resolved, and another line the engine; the last line,
    at the end, shows the statistics. NAME of a socket option is as in zmq_setsockopt(3), without the prefix ZMQ; VALUE is text or
    a number. A SUB socket subscribes to everything unless SUBSCRIBE is set.

    With -c, everything except --control and --take-over comes from FILE. With neither, ./zdev.toml is used if present. These
    devices have a control socket, for zdev status, top, drain and so on; the device of a TYPE has none. SIGHUP and zdev reload
    reload the file. SIGINT and SIGTERM drain the devices; a second signal ends them immediately, with status 75. With
    --take-over, a zdev that runs at the same control socket hands over its listening sockets, drains and ends, once all devices
    of FILE have started.

    Sockets that systemd passes (LISTEN_FDS) serve the binds with their addresses.
    """
    given = any(value not in (None, ()) for value in arguments.values())
    if config is None and type_ is None and not given and Path(STARTER).exists():
        config = Path(STARTER)
    if config is not None:
        _run_file(config, control, type_, given, take_over=take_over)
    elif take_over:
        raise click.UsageError("--take-over needs -c FILE: the device of a TYPE has no control socket")
    elif type_ is not None:
        _run_type(type_, arguments)
    else:
        raise click.UsageError(f"missing TYPE or -c FILE: name a type of device or a file of devices ({STARTER} was not found)")


def _run_file(config: Path, control: str | None, type_: str | None, given: bool, *, take_over: bool) -> None:
    if type_ or given:
        what = f"TYPE {type_}" if type_ else "an option of one device"
        raise click.UsageError(f"-c FILE cannot be used with {what}: describe the device in the file")
    from ..service.foreground import run_many

    run_many(config, control, take_over=take_over)


def _run_type(type_: str, arguments: dict[str, Any]) -> None:
    insecure = arguments.pop("insecure")
    sockets = [SocketArguments.take(role, arguments) for role in ROLES]
    _check(type_, sockets, arguments)
    if not insecure:
        _check_exposure(sockets)
    from ..service.foreground import run_one

    run_one(_config(type_, sockets, arguments))


def _check(type_: str, sockets: Sequence[SocketArguments], arguments: dict[str, Any]) -> None:
    """Raises UsageError for errors that are known before any socket is made."""
    by_role = {socket.role: socket for socket in sockets}
    for role in needed_roles(type_):
        if not by_role[role].wanted:
            raise click.UsageError(f"{type_} needs an endpoint for {role}: add --bind-{role} or --connect-{role}")
    settings: dict[Role, tuple[str, ...]] = {"mon": ("in_prefix", "out_prefix", "dropped_prefix", "mon_on_full"), "ctrl": ()}
    for role, names in settings.items():
        given = [f"--{name.replace('_', '-')}" for name in names if arguments[name] is not None]
        given += [f"--{role}-type"] * bool(by_role[role].type) + [f"--setsockopt-{role}"] * bool(by_role[role].settings)
        if given and not by_role[role].wanted:
            raise click.UsageError(f"{given[0]} needs a {role} socket: add --bind-{role} or --connect-{role}")
    if arguments["workers"] and not type_.endswith("queue"):
        raise click.UsageError(f"a {type_} has no workers: --workers and its settings are for a queue or monitored-queue")
    _check_endpoints(sockets)


def _check_exposure(sockets: Sequence[SocketArguments]) -> None:
    from ..config.protection import is_exposed

    for socket in sockets:
        for endpoint in socket.binds:
            if is_exposed(endpoint, dict(socket.settings)):
                text = f'{endpoint}: "{socket.role}" is reachable from other hosts without authentication: bind 127.0.0.1, '
                raise click.UsageError(text + "use curve in a configuration file, or pass --insecure")


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
    settings = {name: arguments[name] for name in ("dropped_prefix", "engine", "on_full", "mon_on_full", "workers")}
    device = DeviceConfig(name=type_, type=kind, **by_role, **settings)
    return Config(device=[device]).devices()[type_]
