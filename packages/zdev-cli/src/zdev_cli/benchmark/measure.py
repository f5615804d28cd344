"""One case measured: a device in a separate process, or one that runs already, and a load on both its ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import zmq

from zdev_core._load import Load, Result

from .._failure import Failure, Status, status_of
from .._signals import StopSignals
from ..config import DeviceConfig, SocketConfig
from ..config.build import device_of
from ..config.model import SocketType
from .cases import SOCKET_TYPES, BenchOptions, Bucket, Case, Endpoints, Figures
from .in_use import RunningDevice, peers_of_load

TICK = 0.1  # seconds between two readings of a load
Report = Callable[[int], None]


class Target(NamedTuple):
    """A running device, and how to connect to it."""

    endpoints: Endpoints
    credentials: dict[str, str]
    """Arguments of a Load."""
    device: RunningDevice | None
    """None: no zdev that can be asked has it."""
    advice: str
    """How to proceed if it has other peers."""


def measure(case: Case, options: BenchOptions, target: Target | None, stop: StopSignals, report: Report) -> Figures | None:
    """Measure a case; returns None when a signal came first. target: a running device; None: one is made.

    report: called now and then with the number of messages that arrived. Raises Failure when a message was lost, changed or out
    of order, and when a running device has other peers.
    """
    if target or case.direct:
        return _loaded(case, options, target or Target({}, {}, None, ""), stop, report)
    with _device(case, options) as made:
        return _loaded(case, options, Target(made, {}, None, ""), stop, report)


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


def _loaded(case: Case, options: BenchOptions, target: Target, stop: StopSignals, report: Report) -> Figures | None:
    at = target.endpoints
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
        **target.credentials,
    )
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(load.run)
        while not run.done():
            report(load.received)
            if stop.wait(TICK):
                load.cancel()
                return None
    if target.device:  # before the connections of the load end with it
        target.device.refuse_others(peers_of_load(case))
    advice = f" (does the device have other peers? if so, {target.advice})" if target.advice else ""
    try:
        return _figures(case, options, run.result())
    except TimeoutError as error:
        raise Failure(f"{case.name}: {error}{advice}", Status.UNAVAILABLE) from error
    except RuntimeError as error:
        raise Failure(f"{case.name}: {error}{advice}", Status.INTERNAL) from error


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
