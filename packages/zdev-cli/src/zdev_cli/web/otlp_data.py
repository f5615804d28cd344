"""The families of /metrics as data of OpenTelemetry's SDK: the same names, labels and values."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Iterable

from opentelemetry.sdk.metrics import export as otel
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import Metric
from prometheus_client.samples import Sample

from ..snapshot import Snapshot

_Labels = tuple[tuple[str, str], ...]


def resource_of(snapshot: Snapshot) -> Resource:
    """Return what this zdev is. OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME add to it and override it."""
    instance = f"{socket.gethostname()}:{snapshot.config}"
    ours = {"service.name": "zdev", "service.version": snapshot.version, "service.instance.id": instance}
    return Resource(ours).merge(OTELResourceDetector().detect())


def data_of(families: Iterable[Metric], resource: Resource, started: float, now: float) -> otel.MetricsData:
    """Convert families.

    Args:
        families: The families.
        resource: What they are about.
        started: When the counters were 0, in seconds since 1970.
        now: When the families were made.
    """
    times = _Times(int(started * 1e9), int(now * 1e9))
    metrics = [times.metric(family) for family in families if family.samples]
    scope = otel.ScopeMetrics(InstrumentationScope("zdev"), metrics, "")
    return otel.MetricsData([otel.ResourceMetrics(resource, [scope], "")])


class _Times:
    """Makes metrics with these times, in nanoseconds since 1970."""

    def __init__(self, started: int, now: int) -> None:
        self._started, self._now = started, now

    def metric(self, family: Metric) -> otel.Metric:
        """Convert a family; one that is neither a counter nor a histogram is a gauge."""
        if family.type == "histogram":
            return otel.Metric(family.name, family.documentation, "", self._histogram(family))
        points = [self._number(each) for each in family.samples if not each.name.endswith("_created")]
        cumulative = otel.AggregationTemporality.CUMULATIVE
        data = otel.Sum(points, cumulative, is_monotonic=True) if family.type == "counter" else otel.Gauge(points)
        return otel.Metric(family.samples[0].name, family.documentation, "", data)

    def _number(self, sample: Sample) -> otel.NumberDataPoint:
        return otel.NumberDataPoint(dict(sample.labels), self._started, self._now, float(sample.value))

    def _histogram(self, family: Metric) -> otel.Histogram:
        samples: dict[_Labels, list[Sample]] = defaultdict(list)
        for each in family.samples:
            labels = tuple((name, value) for name, value in each.labels.items() if name != "le")
            samples[labels].append(each)
        points = [self._distribution(labels, each) for labels, each in samples.items()]
        return otel.Histogram(points, otel.AggregationTemporality.CUMULATIVE)

    def _distribution(self, labels: _Labels, samples: list[Sample]) -> otel.HistogramDataPoint:
        below = [(float(each.labels["le"]), int(each.value)) for each in samples if each.name.endswith("_bucket")]
        counts = [count for _, count in below]
        return otel.HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=self._started,
            time_unix_nano=self._now,
            count=counts[-1],
            sum=next(each.value for each in samples if each.name.endswith("_sum")),
            bucket_counts=[count - before for before, count in zip([0, *counts], counts, strict=False)],
            explicit_bounds=[bound for bound, _ in below[:-1]],  # the last is infinite
            min=None,  # type: ignore[arg-type]  # not known, as the format allows
            max=None,  # type: ignore[arg-type]
        )
