"""Export of the metrics by OTLP, in a thread that delays nothing else."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..config.model import OtlpConfig
from ..snapshot import Snapshot
from .metrics import Metrics

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter

logger = logging.getLogger("zdev.service.otlp")

TIMEOUT = 10.0  # seconds for an export with its retries, if the interval is not shorter
STOP_TIMEOUT = 2.0  # seconds for the last export
LOG_INTERVAL = 60.0  # seconds between log lines about failures

_ERROR = re.compile(r"\[Errno -?\d+\] ([^\"')]+)")
"""The cause in the text of an exception of requests, which has many around it."""


class OtlpExporter:
    """Exports what `snapshot` returns, from its creation to stop(). `snapshot` is called in its thread.

    Args:
        config: Where to, and how often.
        snapshot: Returns the devices as they are now.
    """

    def __init__(self, config: OtlpConfig, snapshot: Callable[[], Snapshot]) -> None:
        self._config, self._snapshot = config, snapshot
        self._stopping = threading.Event()
        self._failures = _Failures(config.endpoint)
        self._thread = threading.Thread(target=self._run, name="zdev otlp", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Export once more, if the receiver answers promptly. A second call does nothing."""
        self._stopping.set()
        self._thread.join(0 if self._failures.count else STOP_TIMEOUT)

    def _run(self) -> None:
        try:
            exporter = _new_exporter(self._config, self._failures)
            while not self._stopping.wait(self._config.interval):
                self._export(exporter)
            if not self._failures.count:
                self._export(exporter)
            exporter.shutdown()
        except Exception:
            logger.exception("otlp: export ended by an error")

    def _export(self, exporter: MetricExporter) -> None:
        from opentelemetry.sdk.metrics.export import MetricExportResult

        from .otlp_data import data_of, resource_of

        snapshot = self._snapshot()
        families = Metrics(lambda: snapshot).families()
        data = data_of(families, resource_of(snapshot), snapshot.started, snapshot.time)
        self._failures.add(exporter.export(data) is MetricExportResult.SUCCESS)


class _Failures:
    """Logs that exports fail, when they begin to and then rarely.

    Attributes:
        count: Failed exports since the last success.
        reason: Why the last request failed.
    """

    def __init__(self, endpoint: str) -> None:
        self.count = 0
        self.reason = "no reason given"
        self._endpoint = endpoint
        self._said = float("-inf")

    def add(self, is_success: bool) -> None:
        """Count an export."""
        if is_success:
            if self.count:
                logger.info("otlp: exports to %s succeed again (%d failed)", self._endpoint, self.count)
            self.count, self._said = 0, float("-inf")
            return
        self.count += 1
        if time.monotonic() >= self._said + LOG_INTERVAL:
            self._said = time.monotonic()
            total = f" ({self.count} failed exports)" if self.count > 1 else ""
            logger.warning("otlp: export to %s failed: %s%s", self._endpoint, self.reason, total)


def _new_exporter(config: OtlpConfig, failures: _Failures) -> MetricExporter:
    """Make the SDK's exporter. It tells the reasons of failures in its log only, so they are taken from its session."""
    import requests
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    class Session(requests.Session):
        def request(self, *args: Any, **options: Any) -> requests.Response:
            try:
                response = super().request(*args, **options)
            except requests.RequestException as error:
                failures.reason = found[1] if (found := _ERROR.search(str(error))) else str(error)
                raise
            failures.reason = f"{response.status_code} {response.reason}"
            return response

    records = logging.getLogger("opentelemetry")
    records.addHandler(logging.NullHandler())  # what it logs is not for stderr
    records.propagate = False
    url = config.endpoint.rstrip("/") + "/v1/metrics"
    return OTLPMetricExporter(url, timeout=min(TIMEOUT, config.interval), session=Session())
