"""The manifests of docs/deploy/kubernetes: against the schemas of Kubernetes, and against each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

FOLDER = Path(__file__).parents[4] / "docs" / "deploy" / "kubernetes"
VERSIONS = ("1.30", kubernetes_validate.latest_version())  # the first whose `sleep` of a preStop is on by default
CUSTOM = ("ServiceMonitor", "Kustomization")  # kinds that Kubernetes does not come with
MANIFESTS: list[dict[str, Any]] = [
    each for file in sorted(FOLDER.glob("*.yaml")) for each in yaml.safe_load_all(file.read_text("utf-8"))
]
SETTINGS = tomllib.loads((FOLDER / "zdev.toml").read_text())


def the(kind: str, name: str = "zdev") -> dict[str, Any]:
    return next(each for each in MANIFESTS if each["kind"] == kind and each.get("metadata", {}).get("name", name) == name)


SERVICES = [each for each in MANIFESTS if each["kind"] == "Service"]
POD: dict[str, Any] = the("Deployment")["spec"]["template"]
CONTAINER: dict[str, Any] = POD["spec"]["containers"][0]
PORTS = {each["name"]: each["containerPort"] for each in CONTAINER["ports"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", [each for each in MANIFESTS if each["kind"] not in CUSTOM], ids=lambda each: each["kind"])
def test_a_manifest_is_what_kubernetes_takes(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_kustomize_takes_every_manifest_once() -> None:
    taken = the("Kustomization")["resources"]
    assert sorted(taken) == sorted(each.name for each in FOLDER.glob("*.yaml") if each.name != "kustomization.yaml")


def test_every_selector_selects_the_pods() -> None:
    labels = POD["metadata"]["labels"]
    selectors = [
        the("Deployment")["spec"]["selector"]["matchLabels"],
        the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        the("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(each["spec"]["selector"] for each in SERVICES),
        *(each["labelSelector"]["matchLabels"] for each in POD["spec"]["topologySpreadConstraints"]),
    ]
    assert len(selectors) >= 8
    assert [each for each in selectors if not each.items() <= labels.items()] == []


def test_ports_are_those_of_the_configuration() -> None:
    device = SETTINGS["device"][0]
    bound = {role: int(device[role]["bind"].rpartition(":")[2]) for role in ("in", "out")}
    bound["http"] = int(SETTINGS["http"]["listen"].rpartition(":")[2])
    assert bound == PORTS
    policed = {port["port"] for rule in the("NetworkPolicy")["spec"]["ingress"] for port in rule["ports"]}
    assert policed == set(PORTS.values())
    served = [port for service in SERVICES for port in service["spec"]["ports"]]
    assert {PORTS[port["targetPort"]] == port["port"] for port in served} == {True}


def test_probes_ask_what_zdev_answers() -> None:
    probes = [CONTAINER[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    assert [(each["path"], each["port"]) for each in probes] == [("/livez", "http"), ("/livez", "http"), ("/readyz", "http")]


def test_a_pod_has_time_for_its_drain() -> None:
    pause = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["spec"]["terminationGracePeriodSeconds"] > pause + SETTINGS["defaults"]["drain_timeout"]


def test_nothing_runs_as_root_or_writes_to_its_root() -> None:
    assert POD["spec"]["securityContext"]["runAsNonRoot"] is True
    for each in [CONTAINER, *POD["spec"]["initContainers"]]:
        context = each["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_what_is_mounted_is_where_the_configuration_looks() -> None:
    mounted = [each["mountPath"] for each in CONTAINER["volumeMounts"]]
    curve = [SETTINGS["device"][0][role]["curve"] for role in ("in", "out")]
    wanted = [path for each in curve for path in each.values()]
    assert [path for path in wanted if not any(path == each or path.startswith(f"{each}/") for each in mounted)] == []
    copied = POD["spec"]["initContainers"][0]["command"][-1]
    assert {each["secret_key"] for each in curve} == {copied}
    volumes = {each["name"] for each in POD["spec"]["volumes"]}
    assert {each["name"] for each in CONTAINER["volumeMounts"]} < volumes


def test_workers_find_every_replica_also_one_that_drains() -> None:
    service = the("Service", "orders-workers")["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)


def test_what_is_not_of_kubernetes_has_only_the_fields_that_it_may_have() -> None:
    fields = {
        "Kustomization": {"namespace", "labels", "resources", "configMapGenerator", "images"},
        "ServiceMonitor": {"metadata", "spec"},
    }
    for kind in CUSTOM:
        assert set(the(kind)) <= {"apiVersion", "kind", *fields[kind]}
    assert the("Kustomization")["apiVersion"] == "kustomize.config.k8s.io/v1beta1"
    assert the("ServiceMonitor")["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(the("ServiceMonitor")["spec"]) == {"selector", "endpoints"}
    assert [set(each) for each in the("ServiceMonitor")["spec"]["endpoints"]] == [{"port", "path", "interval"}]
    assert [set(each) for each in the("Kustomization")["labels"]] == [{"pairs", "includeTemplates"}]
    assert {each["name"] for each in the("Kustomization")["images"]} == {
        each["image"] for each in [CONTAINER, *POD["spec"]["initContainers"]]
    }
    generated = [each["name"] for each in the("Kustomization")["configMapGenerator"]]
    assert [volume for volume in POD["spec"]["volumes"] if volume.get("configMap", {}).get("name") in generated]


def test_prometheus_finds_the_service_of_the_metrics() -> None:
    monitor = the("ServiceMonitor")["spec"]
    found = [
        each for each in SERVICES if monitor["selector"]["matchLabels"].items() <= each["metadata"].get("labels", {}).items()
    ]
    assert [each["metadata"]["name"] for each in found] == ["zdev-metrics"]
    assert {each["port"] for each in monitor["endpoints"]} <= {port["name"] for port in found[0]["spec"]["ports"]}


def test_the_autoscaler_uses_the_metric_that_the_adapter_serves() -> None:
    rule = yaml.safe_load((FOLDER.parent / "monitoring" / "prometheus-adapter.yaml").read_text())["rules"]["custom"][0]
    series = rule["seriesQuery"].partition("{")[0]
    served = re.sub(rule["name"]["matches"], rule["name"]["as"].replace("${1}", r"\1"), series)
    used = [
        each["pods"]["metric"]["name"] for each in the("HorizontalPodAutoscaler")["spec"]["metrics"] if each["type"] == "Pods"
    ]
    assert used == [served]


def test_the_disruption_budget_leaves_a_replica() -> None:
    assert the("HorizontalPodAutoscaler")["spec"]["minReplicas"] > the("PodDisruptionBudget")["spec"]["maxUnavailable"]
