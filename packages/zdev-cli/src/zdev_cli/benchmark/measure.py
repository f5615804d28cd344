"""One case measured: a device in a separate process, or one that runs already, and a load on both its ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from time import monotonic

import zmq
from zmq import Event
from zmq.utils.monitor import recv_monitor_message

from zdev_core._load import Load, Result

from .._failure import Failure, Status, status_of
from .._signals import StopSignals
from .._words import Role
from ..config import DeviceConfig, SocketConfig
from ..config.build import device_of
from ..config.model import SocketType
from .cases import SOCKET_TYPES, BenchOptions, Bucket, Case, Endpoints, Figures

TICK = 0.1  # seconds between two readings of a load
Report = Callable[[int], None]


def measure(case: Case, options: BenchOptions, endpoints: Endpoints, stop: StopSignals, report: Report) -> Figures | None:
    """Measure a case; returns None when a signal came first. endpoints: of a running device; empty: one is made.

    report: called now and then with the number of messages that arrived. Raises Failure when a message was lost, changed or out of order.
    """
    if case.direct or endpoints:
        return _loaded(case, options, endpoints, stop, report)
    with _device(case, options) as made:
        return _loaded(case, options, made, stop, report)


@contextmanager
def _device(case: Case, options: BenchOptions) -> Iterator[Endpoints]:
    """Its endpoints."""
    in_type, out_type = SOCKET_TYPES[case.pattern]
    mon = _socket("PUB") if options.monitor != "none" else None
    config = DeviceConfig(
        name=options.type, type=options.type, isolation="process", in_=_socket(in_type), out=_socket(out_type), mon=mon
    )
    device = device_of(config)
    try:
        device.start()
    except zmq.ZMQError as error:
        raise Failure(str(error), status_of(error.errno)) from error
    try:
        yield {role: bound[0] for role, bound in device.endpoints.items() if bound}
    finally:
        device.stop()


def _socket(kind: SocketType) -> SocketConfig:
    """An XPUB has no limit: the load paces itself by its slowest subscriber, and nothing may be dropped."""
    return SocketConfig(type=kind, bind="tcp://127.0.0.1:*", options={"SNDHWM": 0} if kind == "XPUB" else {})


def _loaded(case: Case, options: BenchOptions, at: Endpoints, stop: StopSignals, report: Report) -> Figures | None:
    load = Load(
        case.pattern,
        size=options.size,
        frames=options.frames,
        window=case.window,
        clients=case.clients,
        seconds=options.seconds,
        in_endpoint=at.get("in", ""),
        out_endpoint=at.get("out", ""),
        mon_endpoint=at.get("mon", "") if options.monitor == "fast" else "",
    )
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(load.run)
        while not run.done():
            report(load.received)
            if stop.wait(TICK):
                load.cancel()
                return None
    try:
        return _figures(case, options, run.result())
    except TimeoutError as error:
        raise Failure(f"{case.name}: {error} (is the device running, without other peers?)", Status.UNAVAILABLE) from error
    except RuntimeError as error:
        raise Failure(f"{case.name}: {error}", Status.INTERNAL) from error


def _figures(case: Case, options: BenchOptions, result: Result) -> Figures:
    volume = result.per_second * options.size * options.frames
    watched = result.watched if options.monitor == "fast" and not case.direct else None
    if not result.trips:
        return Figures(case=case, per_second=result.per_second, bytes_per_second=volume, watched=watched)
    return Figures(
        case=case,
        per_second=result.per_second,
        bytes_per_second=volume,
        p50_us=result.quantile(0.5),
        p99_us=result.quantile(0.99),
        p999_us=result.quantile(0.999),
        max_us=result.quantile(1),
        histogram=list(_histogram(result)),
        watched=watched,
    )


def _histogram(result: Result) -> Iterator[Bucket]:
    """Buckets of 1, 1.5, 2, 3, 5, 7, 10, ... microseconds, from the first to the last that are not empty."""
    limits = [0.0, *(step * 10.0**power for power in range(8) for step in (1, 1.5, 2, 3, 5, 7))]
    first, last = result.quantile(0), result.quantile(1)
    for low, high in pairwise(limits):
        if high > first and low <= last:
            yield Bucket(from_us=low, below_us=high, trips=result.count_below(high) - result.count_below(low))


_REFUSED = (
    Event.DISCONNECTED  # a peer that rejects the socket type only disconnects
    | Event.HANDSHAKE_FAILED_PROTOCOL
    | Event.HANDSHAKE_FAILED_NO_DETAIL
    | Event.HANDSHAKE_FAILED_AUTH
)


def reach(role: Role, endpoint: str, type_name: str, timeout: float) -> None:
    """Connect once, as a peer of this type. Raises Failure when none answers within `timeout` seconds, or it rejects the connection."""
    with zmq.Context() as context, context.socket(zmq.SocketType[type_name]) as socket:
        socket.linger = 0
        events = socket.get_monitor_socket(Event.CONNECTED | Event.HANDSHAKE_SUCCEEDED | _REFUSED)
        try:
            socket.connect(endpoint)
            _shake_hands(events, f"--{role} {endpoint}", type_name, monotonic() + timeout)
        except zmq.ZMQError as error:
            text = f"--{role}: cannot connect to {endpoint}: {zmq.strerror(error.errno or 0)}"
            raise Failure(text, status_of(error.errno)) from error
        finally:
            socket.disable_monitor()


def _shake_hands(events: zmq.Socket[bytes], where: str, type_name: str, deadline: float) -> None:
    while events.poll(max(0, int((deadline - monotonic()) * 1000))):
        event = recv_monitor_message(events)["event"]
        if event == Event.HANDSHAKE_SUCCEEDED:
            return
        if event & _REFUSED:
            text = (
                f"{where}: the socket there does not accept a {type_name}: check TYPE, and that --in and --out are not swapped"
            )
            raise Failure(text, Status.UNAVAILABLE)
    raise Failure(f"{where}: no answer: check that the device is running and that this is its endpoint", Status.UNAVAILABLE)
