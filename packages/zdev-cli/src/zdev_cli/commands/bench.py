"""`zdev bench`: measure a device made for it, or one that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .._words import DEVICE_TYPES, Role, endpoint_of
from ..control.client import control_option
from .options import checked, key_options

if TYPE_CHECKING:
    from zdev_background import Security

    from ..benchmark.cases import BenchOptions, Monitor
    from ..config.model import DeviceType

EXAMPLES = """\b
Example:
  zdev bench
  zdev bench streamer --size 4096 --seconds 3
  zdev bench queue --clients 100 --json
  zdev bench queue --in tcp://127.0.0.1:5559 --out tcp://127.0.0.1:5560
"""


_Command = TypeVar("_Command", bound=Callable[..., Any])


def _endpoint(role: Role, text: str) -> Callable[[_Command], _Command]:
    return click.option(f"--{role}", f"{role}_endpoint", metavar="ENDPOINT", callback=_endpoint_or_none, help=text)


def _endpoint_or_none(context: click.Context, parameter: click.Parameter, value: str | None) -> object:
    return None if value is None else checked(endpoint_of)(context, parameter, value)


@click.command(epilog=EXAMPLES)
@click.argument("type_", metavar="[TYPE]", default="monitored-queue", type=click.Choice(tuple(DEVICE_TYPES)))
@click.option("--size", default=64, show_default=True, type=click.IntRange(8, 1 << 30), help="Bytes per frame.")
@click.option("--frames", default=1, show_default=True, type=click.IntRange(1, 1000), help="Frames per message.")
@click.option(
    "--clients",
    default=1,
    show_default=True,
    type=click.IntRange(1, 10000),
    help="Number of clients; for a forwarder, of subscribers.",
)
@click.option("--window", type=click.IntRange(1, 100000), help="Outstanding requests per client. Default: 256, then 1.")
@click.option(
    "--seconds", default=1.5, show_default=True, type=click.FloatRange(0.01, 3600), help="Seconds to measure, per row."
)
@click.option(
    "--monitor",
    type=click.Choice(("none", "no-subscriber", "fast")),
    help="Subscriber at mon. Default: none; no-subscriber for a monitored-queue; fast with --mon.",
)
@_endpoint("in", "Endpoint of the in socket of a running device.")
@_endpoint("out", "Endpoint of its out socket.")
@_endpoint("mon", "Endpoint of its mon socket, for --monitor fast.")
@click.option(
    "--timeout", default=5.0, show_default=True, type=click.FloatRange(0.01, 3600), help="Seconds to wait for a running device."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@key_options
@control_option
def bench(
    type_: DeviceType, timeout: float, as_json: bool, security: Security | None, control: str | None, **arguments: Any
) -> None:
    """Measure throughput and latency of a device.

    TYPE is monitored-queue (the default), queue, forwarder or streamer. Without --in and --out a device is made for each row, in
    a separate process, on loopback. With them the load goes through a running device, which must have no other peers; the zdev at
    --control is asked for these. Keys and passwords are used at the sockets that require them. The load generator, in C++, plays
    the peers of both ends and checks every message: a lost, changed or reordered message is an error. Latencies are those of a
    round trip: request to reply, through the device twice.
    """
    endpoints: dict[Role, str] = {
        role: endpoint for role in ("in", "out", "mon") if (endpoint := arguments.pop(f"{role}_endpoint"))
    }
    options = _options_of(type_, endpoints, arguments)
    if security and not endpoints:
        raise click.UsageError("keys and passwords are for a running device: add --in and --out")
    from ..benchmark.run import Running, run

    run(options, Running(endpoints, timeout, security, control) if endpoints else None, as_json)


def _options_of(type_: DeviceType, endpoints: dict[Role, str], arguments: dict[str, Any]) -> BenchOptions:
    """Raises UsageError for options that cannot be used together."""
    if ("in" in endpoints) != ("out" in endpoints) or (set(endpoints) == {"mon"}):
        raise click.UsageError("--in and --out must be given together: the load plays the peers of both ends")
    monitor: Monitor = arguments.pop("monitor") or _usual_monitor(type_, endpoints)
    if monitor == "none" and type_ == "monitored-queue" and not endpoints:
        raise click.UsageError("a monitored-queue has a mon socket: use zdev bench queue for a device without")
    if endpoints and (monitor == "fast") != ("mon" in endpoints):
        raise click.UsageError("--monitor fast and --mon ENDPOINT must be given together")
    if arguments["window"] and type_ in ("streamer", "forwarder"):
        raise click.UsageError(f"--window: a {type_} returns no replies")
    if arguments["clients"] > 1 and type_ == "streamer":
        raise click.UsageError("--clients: a streamer is measured with one sender and one receiver")
    from ..benchmark.cases import BenchOptions

    return BenchOptions(type=type_, monitor=monitor, **arguments)


def _usual_monitor(type_: str, endpoints: dict[Role, str]) -> Monitor:
    if "mon" in endpoints:
        return "fast"
    return "no-subscriber" if type_ == "monitored-queue" else "none"
