"""The snapshot as Prometheus metrics. No label identifies a peer: there may be any number of them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator

import zmq
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ..snapshot import DEVICE_STATES, METRICS, DeviceView, DirectionView, Snapshot
from ..snapshot.connections import CONNECTION_METRICS, PEER_STATES, ConnectionsView
from .request_metrics import request_metrics

OPENMETRICS = "application/openmetrics-text"
DEVICE_COUNTERS: dict[str, tuple[str, Callable[[DeviceView], float]]] = {
    "zdev_messages_lost_total": (
        "Messages received but not sent on: with the wire engine also while the device runs, else when it ended.",
        lambda device: device.lost,
    ),
    "zdev_device_restarts_total": ("Restarts after a failure.", lambda device: device.restarts),
}


class Metrics:
    """The content of /metrics: one snapshot per request."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_SnapshotCollector(snapshot))
        ProcessCollector(registry=self._registry)

    def families(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self._registry.collect()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics and their content type: OpenMetrics if accepted, else the older text format."""
        encode, content_type = choose_encoder(OPENMETRICS if OPENMETRICS in accept else "")
        return encode(self._registry), content_type


class _SnapshotCollector(Collector):
    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def describe(self) -> list[Metric]:
        """Return nothing: otherwise the registry would take a snapshot to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        snapshot = self._snapshot()
        yield _build(snapshot)
        yield from _configuration(snapshot)
        yield GaugeMetricFamily("zdev_ready", "1 if /readyz reports ready, else 0.", value=snapshot.ready)
        yield _states(snapshot)
        yield _engines(snapshot)
        for field, metric in METRICS.items():
            family = CounterMetricFamily(metric.name, metric.help, labels=("device", "direction"))
            for device, direction, way in _ways(snapshot):
                family.add_metric((device, direction), getattr(way, field))
            yield family
        yield _dropped(snapshot)
        for name, (text, number) in DEVICE_COUNTERS.items():
            family = CounterMetricFamily(name, text, labels=("device",))
            for each in snapshot.devices:
                family.add_metric((each.name,), number(each))
            yield family
        in_flight = GaugeMetricFamily(
            "zdev_inflight_messages", "Requests awaiting their reply, and messages being forwarded.", labels=("device",)
        )
        for each in snapshot.devices:
            in_flight.add_metric((each.name,), each.in_flight)
        yield in_flight
        yield from _connections(snapshot)
        yield from request_metrics(snapshot)


def _ways(snapshot: Snapshot) -> Iterator[tuple[str, str, DirectionView]]:
    """A direction has the name of the socket that it receives on."""
    for device in snapshot.devices:
        for direction, way in device.directions.items():
            yield device.name, direction, way


def _build(snapshot: Snapshot) -> Metric:
    versions = {
        "version": snapshot.version,
        "libzmq": zmq.zmq_version(),
        "pyzmq": zmq.pyzmq_version(),
        "python": platform.python_version(),
    }
    return InfoMetricFamily("zdev_build", "Versions of the running zdev and its libraries.", value=versions)


def _configuration(snapshot: Snapshot) -> Iterator[Metric]:
    used = snapshot.configuration
    yield InfoMetricFamily("zdev_config", "SHA-256 of the configuration file in use.", value={"hash": used.sha256})
    text = "1 if the last reload succeeded, or there was none; 0 if it was refused."
    yield GaugeMetricFamily("zdev_config_last_reload_successful", text, value=not used.reload_failed)
    text = "When the configuration in use was applied, in seconds since 1970."
    yield GaugeMetricFamily("zdev_config_last_reload_success_timestamp_seconds", text, value=used.applied)


def _states(snapshot: Snapshot) -> Metric:
    family = GaugeMetricFamily(
        "zdev_device_state", "1 for the present state of the device, else 0.", labels=("device", "state")
    )
    for device in snapshot.devices:
        for state in DEVICE_STATES:
            family.add_metric((device.name, state), device.state == state)
    return family


def _engines(snapshot: Snapshot) -> Metric:
    family = InfoMetricFamily(
        "zdev_device", "The engine that relays; that of the last run while the device does not run.", labels=("device",)
    )
    for device in snapshot.devices:
        family.add_metric((device.name,), {"engine": device.engine})
    return family


def _known(snapshot: Snapshot) -> Iterator[tuple[str, str, ConnectionsView]]:
    """The connections of each device and role, where the engine knows them."""
    for device in snapshot.devices:
        for socket in device.sockets:
            if socket.connections:
                yield device.name, socket.role, socket.connections


def _connections(snapshot: Snapshot) -> Iterator[Metric]:
    current = GaugeMetricFamily("zdev_connections", "Connections now, past their handshake.", labels=("device", "role"))
    for device, role, connections in _known(snapshot):
        current.add_metric((device, role), connections.connections)
    yield current
    peers = GaugeMetricFamily(
        "zdev_peers",
        "Connections now, and endpoints to connect to that have none, by state.",
        labels=("device", "role", "state"),
    )
    for each in snapshot.devices:
        for socket in each.sockets:
            for state in PEER_STATES if socket.peers else ():
                peers.add_metric((each.name, socket.role, state), getattr(socket.peers, state))
    yield peers
    families: dict[str, CounterMetricFamily] = {}
    for field, metric in CONNECTION_METRICS.items():
        labels = ("device", "role", "reason") if metric.reason else ("device", "role")
        family = families.setdefault(metric.name, CounterMetricFamily(metric.name, metric.help, labels=labels))
        for device, role, connections in _known(snapshot):
            values = (device, role, metric.reason) if metric.reason else (device, role)
            family.add_metric(values, getattr(connections, field))
    yield from families.values()


def _dropped(snapshot: Snapshot) -> Metric:
    labels = ("device", "direction", "reason")
    family = CounterMetricFamily("zdev_messages_dropped_total", "Messages that could not be forwarded.", labels=labels)
    for device, direction, way in _ways(snapshot):
        for reason, count in way.dropped.by_reason.items():
            family.add_metric((device, direction, reason), count)
    return family
