"""The export of the metrics by OTLP, as a collector receives it."""

from __future__ import annotations

import queue
import signal
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from devices_text import BIND, device
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from patience import PATIENCE
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from conftest import Service

Start = Callable[..., "Service"]
Key = tuple[str, frozenset[tuple[str, str]]]
DEVICES = device("tasks", "streamer", in_=BIND, out=BIND) + device("orders", "queue", in_=BIND, out=BIND) + "[device.workers]\n"
HIDDEN = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
"""
"""A sitecustomize.py for a Python that does not have OpenTelemetry."""


class Collector:
    """Receives exports at `url`.

    Attributes:
        status: Its answer.
        headers: Those of the last request.
    """

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.received: queue.Queue[tuple[str, ExportMetricsServiceRequest]] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.headers = dict(self.headers)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                collector.received.put((self.path, ExportMetricsServiceRequest.FromString(body)))

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def next(self) -> ExportMetricsServiceRequest:
        path, request = self.received.get(timeout=PATIENCE)
        assert path == "/v1/metrics"
        return request

    def until(self, condition: Callable[[dict[Key, Any]], object]) -> dict[Key, Any]:
        """Return the first points for which the condition holds."""
        while not condition(found := points(self.next())):
            pass
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)


@pytest.fixture
def collect() -> Iterator[Callable[..., Collector]]:
    """Starts a collector, on any port or on this one."""
    running: list[Collector] = []

    def start(port: int = 0) -> Collector:
        running.append(Collector(port))
        return running[-1]

    yield start
    for each in running:
        each.close()


def configuration(url: str, interval: float = 0.1, devices: str = DEVICES) -> str:
    return f'[http]\nlisten = "127.0.0.1:0"\n[otlp]\nendpoint = "{url}"\ninterval = {interval}\n{devices}'


def points(request: ExportMetricsServiceRequest) -> dict[Key, Any]:
    """Each data point, by the name of its metric and its attributes."""
    found: dict[Key, Any] = {}
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        for point in getattr(metric, metric.WhichOneof("data")).data_points:
            found[metric.name, frozenset((each.key, each.value.string_value) for each in point.attributes)] = point
    return found


def scraped(running: Service) -> dict[Key, float]:
    """The samples of /metrics; a histogram is its count."""
    with urllib.request.urlopen(f"{running.http}/metrics", timeout=PATIENCE) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [
        (family.name if family.type == "histogram" else each.name, each)
        for family in families
        for each in family.samples
        if family.type != "histogram" or each.name.endswith("_count")
    ]
    return {(name, frozenset(each.labels.items())): each.value for name, each in samples}


def key(name: str, **labels: str) -> Key:
    return name, frozenset(labels.items())


def test_the_export_has_the_names_labels_and_values_of_metrics(
    service: Start, collect: Callable[..., Collector], connected: Callable[..., zmq.Socket[bytes]]
) -> None:
    collector = collect()
    running = service(configuration(collector.url))
    at = running.until_ready()
    push, pull = connected(zmq.PUSH, at["tasks in"]), connected(zmq.PULL, at["tasks out"])
    for _ in range(10):
        push.send(b"12345")
        assert pull.recv() == b"12345"
    sent = key("zdev_messages_sent_total", device="tasks", direction="in")
    exported = collector.until(lambda found: found[sent].as_double == 10)
    shown = scraped(running)
    assert exported.keys() == shown.keys()
    changing = ("process_", "zdev_peers", "zdev_connections", "zdev_backpressure")
    for name, labels in exported:
        point = exported[name, labels]
        value = point.count if hasattr(point, "bucket_counts") else point.as_double
        if not name.startswith(changing):
            assert value == shown[name, labels], name


def test_counters_are_cumulative_sums_from_the_start_of_zdev_and_histograms_have_buckets(
    service: Start, collect: Callable[..., Collector]
) -> None:
    collector = collect()
    running = service(configuration(collector.url))
    running.until_ready()
    request = collector.next()
    by_name = {each.name: each for each in request.resource_metrics[0].scope_metrics[0].metrics}
    total = by_name["zdev_messages_sent_total"].sum
    assert (total.is_monotonic, total.aggregation_temporality) == (True, 2)
    started = running.snapshot()["started"]
    assert {point.start_time_unix_nano for point in total.data_points} == {int(started * 1e9)}
    assert all(point.time_unix_nano > point.start_time_unix_nano for point in total.data_points)
    assert by_name["zdev_inflight_messages"].WhichOneof("data") == "gauge"
    [waits] = by_name["zdev_request_wait_seconds"].histogram.data_points
    assert len(waits.bucket_counts) == len(waits.explicit_bounds) + 1
    assert list(waits.explicit_bounds) == sorted(waits.explicit_bounds)
    assert not waits.HasField("min")


def test_the_resource_is_this_zdev_and_the_environment_may_change_it(service: Start, collect: Callable[..., Collector]) -> None:
    collector = collect()
    environment = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=relay,site=b", "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=t1"}
    running = service(configuration(collector.url), **environment)
    resource = collector.next().resource_metrics[0].resource
    shown = {each.key: each.value.string_value for each in resource.attributes}
    assert shown["service.name"] == "relay"
    assert shown["site"] == "b"
    assert shown["service.version"]
    assert shown["service.instance.id"] == f"{socket.gethostname()}:{running.file}"
    assert collector.headers["x-tenant"] == "t1"


def test_a_receiver_that_is_down_is_logged_once_and_again_when_it_is_back(
    service: Start, collect: Callable[..., Collector]
) -> None:
    collector = collect()
    collector.status = 404
    running = service(configuration(collector.url))
    running.until_ready()
    for _ in range(5):
        collector.next()
    assert running.snapshot()["ready"]
    collector.status = 200
    said = [running.err.next_with("otlp"), running.err.next_with("otlp")]
    assert f"otlp: export to {collector.url} failed: " in said[0]
    assert "404" in said[0]
    assert f"otlp: exports to {collector.url} succeed again (" in said[1]


def test_a_receiver_that_is_not_there_is_logged_with_the_reason(service: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    running = service(configuration(url))
    running.until_ready()
    assert running.err.next_with("otlp").endswith(f"otlp: export to {url} failed: Connection refused")


def test_a_receiver_that_never_answers_delays_nothing(service: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        running = service(configuration(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        running.until_ready()
        accepted, _ = silent.accept()
        with accepted:
            assert running.do("restart", "tasks")[-1].startswith("tasks: started")
            assert scraped(running)[key("zdev_ready")] == 1
            running.send(signal.SIGTERM)
            assert running.status() == 0


def test_the_end_exports_once_more(service: Start, collect: Callable[..., Collector]) -> None:
    collector = collect()
    running = service(configuration(collector.url, interval=1))
    running.until_ready()
    assert points(collector.next())[key("zdev_ready")].as_double == 1
    running.send(signal.SIGTERM)
    assert running.status() == 0
    ended = key("zdev_device_state", device="tasks", state="stopped")
    collector.until(lambda found: found[ended].as_double == 1)


@pytest.mark.slow
def test_a_reload_starts_moves_and_ends_the_export(service: Start, collect: Callable[..., Collector]) -> None:
    first, second = collect(), collect()
    running = service(DEVICES)
    running.until_ready()
    for collector in (first, second):
        running.write(configuration(collector.url))
        running.do("reload")
        collector.next()
    while not first.received.empty():
        first.next()
    second.next()
    assert first.received.empty()
    running.write(DEVICES)
    running.do("reload")
    with pytest.raises(queue.Empty):
        while True:
            second.received.get(timeout=0.3)


def test_without_the_extra_it_is_refused_with_the_command_that_installs_it(zdev: Callable[..., Any], folder: Path) -> None:
    (folder / "sitecustomize.py").write_text(HIDDEN)
    (folder / "zdev.toml").write_text(configuration("http://127.0.0.1:4318"))
    for command in (("run", "-c"), ("validate",)):
        program = zdev(*command, str(folder / "zdev.toml"), PYTHONPATH=str(folder))
        assert program.status() == 78
        assert program.err.next().endswith('otlp: OpenTelemetry is not installed (run: pip install "zdev-cli[otlp]")')


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("127.0.0.1:4318", "must be like http://127.0.0.1:4318"),
        ("grpc://127.0.0.1:4317", "must be like http://127.0.0.1:4318"),
        ("http://", "must be like http://127.0.0.1:4318"),
        ("http://127.0.0.1:70000", "must be like http://127.0.0.1:4318"),
        ("http://127.0.0.1:4318?x=1", "must be like http://127.0.0.1:4318"),
        ("http://anna:secret@127.0.0.1:4318", "OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_a_url_that_is_not_of_a_receiver_is_refused(url: str, why: str) -> None:
    from zdev_cli.config import ConfigError, read

    with pytest.raises(ConfigError, match=r"otlp\.endpoint") as caught:
        read(configuration(url).encode(), "zdev.toml")
    [found] = caught.value.diagnostics
    assert why in found.message
    assert "secret" not in found.message
