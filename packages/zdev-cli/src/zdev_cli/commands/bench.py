"""`zdev bench`: how fast this machine's devices are, or one that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .._words import DEVICE_TYPES, Role, endpoint_of
from .options import checked

if TYPE_CHECKING:
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
@click.option("--size", default=64, show_default=True, type=click.IntRange(8, 1 << 30), help="Bytes a frame.")
@click.option("--frames", default=1, show_default=True, type=click.IntRange(1, 1000), help="Frames a message.")
@click.option(
    "--clients", default=1, show_default=True, type=click.IntRange(1, 10000), help="Clients; of a forwarder, subscribers."
)
@click.option("--window", type=click.IntRange(1, 100000), help="Requests that a client keeps under way.  [256, then 1]")
@click.option("--seconds", default=1.5, show_default=True, type=click.FloatRange(0.01, 3600), help="Measured for each row.")
@click.option("--monitor", type=click.Choice(("none", "no-subscriber", "fast")), help="Who listens at mon.")
@_endpoint("in", "The in socket of a device that runs already.")
@_endpoint("out", "Its out socket.")
@_endpoint("mon", "Its mon socket, for --monitor fast.")
@click.option(
    "--timeout", default=5.0, show_default=True, type=click.FloatRange(0.01, 3600), help="Seconds to reach a running device."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object rather than a table.")
def bench(type_: DeviceType, timeout: float, as_json: bool, **arguments: Any) -> None:
    """Measure how fast a device is.

    TYPE is monitored-queue (the default), queue, forwarder or streamer. Without --in and --out a device is made for each row,
    in a process of its own, on loopback. With them the load goes through a device that runs already; it must have no other
    peers meanwhile. The load plays the peers of both ends, is C++, and checks every message: a loss, change or disorder is an
    error. Latencies are those of a round trip: request to reply, through the device twice.
    """
    endpoints: dict[Role, str] = {
        role: endpoint for role in ("in", "out", "mon") if (endpoint := arguments.pop(f"{role}_endpoint"))
    }
    options = _options_of(type_, endpoints, arguments)
    from ..benchmark.run import run

    run(options, endpoints, timeout, as_json)


def _options_of(type_: DeviceType, endpoints: dict[Role, str], arguments: dict[str, Any]) -> BenchOptions:
    """Raises UsageError for what makes no sense together."""
    if ("in" in endpoints) != ("out" in endpoints) or (set(endpoints) == {"mon"}):
        raise click.UsageError("--in and --out go together: the load plays the peers of both ends")
    monitor: Monitor = arguments.pop("monitor") or _usual_monitor(type_, endpoints)
    if monitor == "none" and type_ == "monitored-queue" and not endpoints:
        raise click.UsageError("a monitored-queue has a mon socket: for one without, zdev bench queue")
    if endpoints and (monitor == "fast") != ("mon" in endpoints):
        raise click.UsageError("--monitor fast and --mon ENDPOINT go together")
    if arguments["window"] and type_ in ("streamer", "forwarder"):
        raise click.UsageError(f"--window: nothing comes back through a {type_}")
    if arguments["clients"] > 1 and type_ == "streamer":
        raise click.UsageError("--clients: the load of a streamer is one sender and one receiver")
    from ..benchmark.cases import BenchOptions

    return BenchOptions(type=type_, monitor=monitor, **arguments)


def _usual_monitor(type_: str, endpoints: dict[Role, str]) -> Monitor:
    if "mon" in endpoints:
        return "fast"
    return "no-subscriber" if type_ == "monitored-queue" else "none"
