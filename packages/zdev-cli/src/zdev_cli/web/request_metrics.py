"""Metrics of queues that know their workers. No label identifies a worker: there may be any number of them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from ..snapshot import Snapshot
from ..snapshot.requests import REQUEST_METRICS, WORKER_STATES, DurationsView, RequestsView

_GAUGES = {
    "waiting": ("zdev_requests_waiting", "Requests that wait for a worker now."),
    "waiting_bytes": ("zdev_requests_waiting_bytes", "Bytes of the requests that wait for a worker now."),
    "at_work": ("zdev_requests_at_work", "Requests that workers have now."),
}
_HISTOGRAMS = {
    "waited": ("zdev_request_wait_seconds", "Time for which requests waited for a worker."),
    "served": ("zdev_request_service_seconds", "Time from a request to the reply of its worker."),
    "latency": ("zdev_request_latency_seconds", "Time from the arrival of an answered request to its reply."),
}
_BUCKETS = range(6, 27)
"""Powers of two microseconds, less one: from 128 microseconds to 134 seconds."""


def request_metrics(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield the metrics of requests and workers."""
    known = [(device.name, device.requests) for device in snapshot.devices if device.requests]
    for field, (name, text) in _GAUGES.items():
        gauge = GaugeMetricFamily(name, text, labels=("device",))
        for device, requests in known:
            gauge.add_metric((device,), getattr(requests, field))
        yield gauge
    workers = GaugeMetricFamily("zdev_workers", "Workers now, by state.", labels=("device", "state"))
    for device, requests in known:
        for state in WORKER_STATES:
            workers.add_metric((device, state), getattr(requests.workers, state))
    yield workers
    yield from _counters(known)
    for field, (name, text) in _HISTOGRAMS.items():
        histogram = HistogramMetricFamily(name, text, labels=("device",))
        for device, requests in known:
            durations: DurationsView = getattr(requests, field)
            histogram.add_metric((device,), _buckets(durations), durations.sum)
        yield histogram


def _counters(known: list[tuple[str, RequestsView]]) -> Iterator[Metric]:
    families: dict[str, CounterMetricFamily] = {}
    for field, metric in REQUEST_METRICS.items():
        labels = ("device", "reason") if metric.reason else ("device",)
        family = families.setdefault(metric.name, CounterMetricFamily(metric.name, metric.help, labels=labels))
        for device, requests in known:
            family.add_metric((device, metric.reason) if metric.reason else (device,), getattr(requests, field))
    yield from families.values()


def _buckets(of: DurationsView) -> list[tuple[str, float]]:
    """Return the upper limits in seconds, and how many durations each has below it."""
    below = [(str(2 ** (i + 1) / 1e6), of.below[i] if i < len(of.below) else of.count) for i in _BUCKETS]
    return [*below, ("+Inf", of.count)]
