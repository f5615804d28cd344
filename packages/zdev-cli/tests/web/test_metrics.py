"""The metrics that Prometheus scrapes."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq
from msgspec.structs import replace
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from zdev_cli.snapshot import DEVICE_STATES, Snapshot
from zdev_cli.snapshot.connections import CONNECTION_METRICS, PEER_STATES
from zdev_cli.snapshot.requests import PRESENT_REQUESTS, REQUEST_METRICS, WORKER_STATES

if TYPE_CHECKING:
    from conftest import Served

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"  # as Prometheus asks
DOCUMENTATION = Path(__file__).parents[4] / "docs" / "cli" / "monitoring.md"

Serve = Callable[[Snapshot], "Served"]
Labels = frozenset[tuple[str, str]]


def families(served: Served, accept: str = "") -> list[Metric]:
    answer = served.ask("/metrics", Accept=accept)
    parse = parse_openmetrics if "openmetrics" in answer.headers["content-type"] else parse_text
    return list(parse(answer.text))


def samples(found: list[Metric]) -> dict[tuple[str, Labels], float]:
    return {(each.name, frozenset(each.labels.items())): each.value for family in found for each in family.samples}


def exposed_name(family: Metric) -> str:
    """The parsers leave out the ends that types have."""
    return family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_each_number_of_a_device_is_reported_by_direction(serve: Serve, snapshot: Snapshot, accept: str) -> None:
    scraped = samples(families(serve(snapshot), accept))

    def value(name: str, **labels: str) -> float:
        return scraped[name, frozenset({"device": "orders", **labels}.items())]

    assert value("zdev_messages_received_total", direction="in") == 11
    assert value("zdev_messages_sent_total", direction="in") == 12
    assert value("zdev_received_bytes_total", direction="in") == 13
    assert value("zdev_sent_bytes_total", direction="in") == 14
    assert value("zdev_messages_dropped_total", direction="in", reason="malformed") == 15
    assert value("zdev_messages_dropped_total", direction="in", reason="unroutable") == 16
    assert value("zdev_messages_dropped_total", direction="in", reason="overflowed") == 17
    assert value("zdev_monitor_messages_total", direction="in") == 18
    assert value("zdev_monitor_messages_dropped_total", direction="in") == 19
    assert value("zdev_backpressure_seconds_total", direction="in") == 20.5
    assert value("zdev_messages_received_total", direction="out") == 21
    assert value("zdev_messages_sent_total", direction="out") == 22
    assert value("zdev_messages_dropped_total", direction="out", reason="unroutable") == 26
    assert value("zdev_inflight_messages") == 5
    assert value("zdev_messages_lost_total") == 6
    assert value("zdev_device_restarts_total") == 7


def test_every_counter_of_connections_has_its_value_by_role_and_reason(serve: Serve, snapshot: Snapshot) -> None:
    scraped = samples(families(serve(snapshot)))
    [queue] = [each for each in snapshot.devices if each.name == "orders"]
    for socket in queue.sockets:
        labels = {"device": "orders", "role": socket.role}
        assert scraped["zdev_connections", frozenset(labels.items())] == socket.connections.connections
        for field, metric in CONNECTION_METRICS.items():
            reason = {"reason": metric.reason} if metric.reason else {}
            assert scraped[metric.name, frozenset({**labels, **reason}.items())] == getattr(socket.connections, field) > 0


def test_peers_are_counted_by_role_and_state_and_none_has_a_label(serve: Serve, snapshot: Snapshot) -> None:
    found = {labels: value for (name, labels), value in samples(families(serve(snapshot))).items() if name == "zdev_peers"}
    shown = {(dict(labels)["role"], dict(labels)["state"]): value for labels, value in found.items()}
    assert {place: value for place, value in shown.items() if value} == {
        **{("in", state): number + 1 for number, state in enumerate(("handshake", "up", "blocked", "held"))},
        ("out", "up"): 1,
        ("out", "retrying"): 1,
    }
    assert len(shown) == 2 * len(PEER_STATES)
    assert {name for labels in found for name, _ in labels} == {"device", "role", "state"}


def test_every_counter_of_requests_has_its_value_by_reason(serve: Serve, snapshot: Snapshot) -> None:
    scraped = samples(families(serve(snapshot)))
    requests = snapshot.devices[0].requests
    assert requests
    for field, metric in REQUEST_METRICS.items():
        reason = {"reason": metric.reason} if metric.reason else {}
        labels = frozenset({"device": "orders", **reason}.items())
        assert scraped[metric.name, labels] == getattr(requests, field) > 0
    here = frozenset({("device", "orders")})
    for field in PRESENT_REQUESTS:
        assert scraped[f"zdev_requests_{field}", here] == getattr(requests, field) > 0
    workers = {dict(labels)["state"]: value for (name, labels), value in scraped.items() if name == "zdev_workers"}
    assert workers == {state: float(state in ("busy", "set_aside")) for state in WORKER_STATES}


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_times_of_requests_are_histograms(serve: Serve, snapshot: Snapshot, accept: str) -> None:
    scraped = samples(families(serve(snapshot), accept))
    for name in ("zdev_request_wait_seconds", "zdev_request_service_seconds", "zdev_request_latency_seconds"):
        buckets = [
            (float(dict(labels)["le"]), value) for (sample, labels), value in scraped.items() if sample == f"{name}_bucket"
        ]
        assert sorted(buckets)[:3] == [(0.000128, 6), (0.000256, 9), (0.000512, 10)]
        assert max(buckets) == (float("inf"), 10)
        here = frozenset({("device", "orders")})
        assert (scraped[f"{name}_count", here], scraped[f"{name}_sum", here]) == (10, 4.5)


def test_a_device_that_does_not_know_its_workers_has_no_such_metrics(serve: Serve, snapshot: Snapshot) -> None:
    names = {name for name, labels in samples(families(serve(snapshot))) if ("device", "tasks") in labels}
    assert names.isdisjoint({"zdev_workers", "zdev_requests_waiting", *(each.name for each in REQUEST_METRICS.values())})


def test_an_engine_that_does_not_know_its_connections_shows_none(serve: Serve, snapshot: Snapshot) -> None:
    names = {name for name, labels in samples(families(serve(snapshot))) if ("device", "tasks") in labels}
    assert names.isdisjoint({"zdev_connections", "zdev_peers", *(metric.name for metric in CONNECTION_METRICS.values())})


def test_the_engine_of_each_device_is_a_label(serve: Serve, snapshot: Snapshot) -> None:
    scraped = samples(families(serve(snapshot)))
    assert scraped["zdev_device_info", frozenset({"device": "orders", "engine": "wire"}.items())] == 1
    assert scraped["zdev_device_info", frozenset({"device": "tasks", "engine": "auto"}.items())] == 1


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_a_device_is_in_exactly_one_of_all_states(serve: Serve, snapshot: Snapshot, accept: str) -> None:
    scraped = samples(families(serve(snapshot), accept))
    states = {
        state: scraped["zdev_device_state", frozenset({"device": "tasks", "state": state}.items())] for state in DEVICE_STATES
    }
    assert states == {state: float(state == "waiting") for state in DEVICE_STATES}


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_the_build_shows_the_versions(serve: Serve, snapshot: Snapshot, accept: str) -> None:
    versions = {"version": "1.2.3", "libzmq": zmq.zmq_version(), "pyzmq": zmq.pyzmq_version()}
    labels = frozenset({**versions, "python": platform.python_version()}.items())
    assert samples(families(serve(snapshot), accept))["zdev_build_info", labels] == 1


def test_ready_is_1_when_it_is_and_else_0(serve: Serve, snapshot: Snapshot, well: Snapshot) -> None:
    assert samples(families(serve(snapshot)))["zdev_ready", frozenset()] == 0
    assert samples(families(serve(well)))["zdev_ready", frozenset()] == 1


def test_a_device_of_one_way_shows_nothing_of_the_other(serve: Serve, snapshot: Snapshot) -> None:
    labels = [labels for _, labels in samples(families(serve(snapshot))) if ("device", "tasks") in labels]
    assert {value for each in labels for name, value in each if name == "direction"} == {"in"}


def test_labels_are_of_devices_and_never_of_peers(serve: Serve, snapshot: Snapshot) -> None:
    allowed = {"device", "direction", "role", "reason", "state", "engine", "version", "libzmq", "pyzmq", "python", "le", "hash"}
    for name, labels in samples(families(serve(snapshot))):
        assert {label for label, _ in labels} <= allowed, name


def test_without_a_device_there_is_still_something_to_scrape(serve: Serve, snapshot: Snapshot) -> None:
    scraped = samples(families(serve(replace(snapshot, devices=[], ready=True)), OPENMETRICS))
    assert scraped["zdev_ready", frozenset()] == 1


def test_a_scrape_takes_one_snapshot(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    assert served.taken == 0
    served.ask("/metrics")
    assert served.taken == 1


def test_the_format_is_openmetrics_for_those_who_accept_it(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    assert (
        served.ask("/metrics", Accept=OPENMETRICS)
        .headers["content-type"]
        .startswith("application/openmetrics-text; version=1.0.0")
    )
    assert served.ask("/metrics", Accept="*/*").headers["content-type"].startswith("text/plain; version=0.0.4")
    assert served.ask("/metrics", Accept="text/plain;version=x").status == 200


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="the library reads the figures of the process from Linux's /proc"
)
def test_the_process_shows_its_memory_and_processor_time(serve: Serve, snapshot: Snapshot) -> None:
    names = {name for name, _ in samples(families(serve(snapshot)))}
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"} <= names


def faults(family: Metric) -> list[str]:
    """Return the errors that `promtool check metrics` reports, by its rules."""
    name, words = exposed_name(family), exposed_name(family).split("_")
    labels = {label for sample in family.samples for label in sample.labels}
    abbreviations = {"s", "ms", "us", "ns", "sec", "kb", "mb", "gb", "b", "k", "m", "min"}
    other_units = {"milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "bits"}
    rules = {
        "no help text": not family.documentation,
        "not snake_case": not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name),
        "a counter must end in _total, and nothing else may": (family.type == "counter") != (words[-1] == "total"),
        "not a base unit": bool(other_units & set(words)),
        "an abbreviated unit": bool(abbreviations & set(words)),
        "the type in the name": family.type in words and family.type != "info",
        "an end that histograms and summaries have": words[-1] in ("bucket", "count", "sum"),
        "a label that histograms and summaries have": family.type != "histogram" and bool({"le", "quantile"} & labels),
        "a label that is not snake_case": any(not re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in labels),
        "a unit that is not at the end": any(unit in words[:-1] and words[-1] != "total" for unit in ("seconds", "bytes")),
        "no type": family.type == "unknown",
    }
    return [f"{name}: {fault}" for fault, found in rules.items() if found]


def test_names_and_types_keep_the_rules_of_promtool(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    found = families(served, OPENMETRICS)
    assert len(found) > 10
    assert [fault for family in found for fault in faults(family)] == []
    assert len({exposed_name(family) for family in found}) == len(found)
    assert {name for name, _ in samples(found)} == {name for name, _ in samples(families(served))}


@pytest.mark.parametrize(
    ("name", "kind", "text", "fault"),
    [
        ("zdev_things", "gauge", "", "help"),
        ("zdevThings", "gauge", "Things.", "snake_case"),
        ("zdev_things_total", "gauge", "Things.", "_total"),
        ("zdev_wait_milliseconds", "gauge", "Time.", "base unit"),
        ("zdev_wait_ms", "gauge", "Time.", "abbreviated"),
        ("zdev_gauge", "gauge", "Things.", "type in the name"),
        ("zdev_things_count", "gauge", "Things.", "histograms"),
        ("zdev_things", "unknown", "Things.", "no type"),
    ],
)
def test_those_rules_find_a_bad_metric(name: str, kind: str, text: str, fault: str) -> None:
    [found] = faults(Metric(name, text, kind))
    assert fault in found


def test_the_documentation_lists_every_metric_with_its_type_and_labels(serve: Serve, snapshot: Snapshot) -> None:
    rows = re.findall(r"^\| `(zdev_\w+)` \| (\w+) \| (.*?) \|", DOCUMENTATION.read_text(), re.MULTILINE)
    documented = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    served = {
        exposed_name(family): (family.type, {label for sample in family.samples for label in sample.labels} - {"le"})
        for family in families(serve(snapshot), OPENMETRICS)
        if family.name.startswith("zdev_")
    }
    assert documented == served
