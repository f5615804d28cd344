"""Alert rules and dashboard of docs/deploy/monitoring: every expression is PromQL, of metrics and labels that zdev has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

FOLDER = Path(__file__).parents[4] / "docs" / "deploy" / "monitoring"
RULES = yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana.json").read_text())
ADAPTER = yaml.safe_load((FOLDER / "prometheus-adapter.yaml").read_text())["rules"]["custom"][0]
OF_PROMETHEUS = {"instance", "job", "namespace", "pod"}  # labels that a scrape adds
TEMPLATED = re.compile(r"\{\{ *(?:\$labels\.)?(\w+) *\}\}")


def plain(expression: str) -> str:
    """Without what Grafana and the adapter put in."""
    for word, value in (("$__rate_interval", "1m"), ("$instance", ".*"), ("$device", ".*")):
        expression = expression.replace(word, value)
    for word, value in (("<<.Series>>", "zdev_messages_sent_total"), ("<<.LabelMatchers>>", ""), ("<<.GroupBy>>", "pod")):
        expression = expression.replace(word, value)
    return expression


def values_of(variable: dict[str, Any]) -> tuple[str, str]:
    """Selector and label of Grafana's label_values(selector, label)."""
    selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]
    return selector, label


TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
VARIABLES = [each for each in DASHBOARD["templating"]["list"] if each["type"] == "query"]
EXPRESSIONS = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for target in TARGETS),
    *(values_of(each)[0] for each in VARIABLES),
    ADAPTER["metricsQuery"],
    ADAPTER["seriesQuery"],
]


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, set[str]]]:
    """Label names and values of each metric that a zdev with two devices shows."""
    from conftest import Service

    device = '[[device]]\nname = "{0}"\ntype = "monitored-queue"\nin.bind = "{1}"\nout.bind = "{1}"\nmon.bind = "{1}"\n'
    toml = (
        '[http]\nlisten = "127.0.0.1:0"\n'
        + "".join(device.format(name, "tcp://127.0.0.1:*") for name in "ab")
        + "[device.workers]\n"
    )
    folder = tmp_path_factory.mktemp("zdev", numbered=True)
    folder.chmod(0o700)
    running = Service(folder, toml)
    try:
        running.until_ready()
        with urllib.request.urlopen(f"{running.http}/metrics", timeout=20) as answer:
            text = answer.read().decode()
    finally:
        running.close()
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def nodes(node: Any) -> Iterator[Any]:
    """An expression and all that it is made of."""
    yield node
    children = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector", "param")]
    for child in [*children, *(getattr(node, "args", None) or [])]:
        if child is not None and not isinstance(child, str | float | int):
            yield from nodes(child)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_of_metrics_and_labels_that_zdev_has(
    expression: str, families: dict[str, dict[str, set[str]]]
) -> None:
    parsed = list(nodes(promql.parse(plain(expression))))
    selectors = [each for each in parsed if isinstance(each, promql.VectorSelector)]
    assert selectors
    known = set(OF_PROMETHEUS)
    for selector in selectors:
        assert selector.name in families
        labels = families[selector.name]
        known |= set(labels)
        for matcher in selector.matchers.matchers:
            assert matcher.name in {*labels, *OF_PROMETHEUS}, f"{selector.name} has no label {matcher.name}"
            if values := labels.get(matcher.name, set()) if matcher.name in ("state", "direction", "reason") else set():
                assert set(matcher.value.split("|")) <= values
    for aggregate in [each for each in parsed if isinstance(each, promql.AggregateExpr)]:
        assert set(aggregate.modifier.labels if aggregate.modifier else []) <= known
    for operation in [each for each in parsed if isinstance(each, promql.BinaryExpr) and each.modifier]:
        matching = operation.modifier.matching
        assert set(matching.labels if matching else []) <= known


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_names_labels_that_its_expression_has(rule: dict[str, Any], families: dict[str, dict[str, set[str]]]) -> None:
    named = {label for text in rule["annotations"].values() for label in TEMPLATED.findall(text)}
    outer = promql.parse(rule["expr"])
    kept = {*OF_PROMETHEUS, *(label for labels in families.values() for label in labels)}
    if grouped := next((each for each in nodes(outer) if isinstance(each, promql.AggregateExpr)), None):
        kept = set(grouped.modifier.labels)
    assert named <= kept
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {"summary", "description"} == set(rule["annotations"])


def test_legends_name_labels_that_their_expressions_keep() -> None:
    for target in TARGETS:
        expression = target["expr"]
        kept = set(OF_PROMETHEUS)
        if grouped := re.findall(r"by \(([\w, ]+)\)", expression):
            kept = {label.strip() for group in grouped for label in group.split(",")}
        assert set(TEMPLATED.findall(target["legendFormat"])) <= kept, expression


def test_every_metric_of_a_device_is_on_the_dashboard(families: dict[str, dict[str, set[str]]]) -> None:
    shown = {
        node.name for target in TARGETS for node in nodes(promql.parse(plain(target["expr"]))) if hasattr(node, "matchers")
    }
    of_sending = {"zdev_messages_received_total", "zdev_received_bytes_total"}  # what was received is what was sent, or dropped
    assert {name for name in families if name.startswith("zdev_")} - shown <= of_sending


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is missing (Debian: prometheus)")
def test_promtool_takes_the_rules() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(FOLDER / "rules.yaml")], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
