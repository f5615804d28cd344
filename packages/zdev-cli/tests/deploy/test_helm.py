"""The chart of docs/deploy/helm, rendered by Helm's Go SDK: against the schemas of Kubernetes, and against the Kustomize folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

helm = pytest.importorskip("helm_python", reason="helm-python-sdk has no wheel for this platform")

DEPLOY = Path(__file__).parents[4] / "docs" / "deploy"
CHART = DEPLOY / "helm" / "zdev"
KUSTOMIZE = DEPLOY / "kubernetes"
VERSIONS = ("1.30", kubernetes_validate.latest_version())
Manifests = dict[tuple[str, str], dict[str, Any]]

TWO_SOCKETS: dict[str, Any] = {
    "sockets": {"in": {"port": 6001, "peers": {"a": "b"}}, "out": {"port": 6002}},
    "services": {"front": {"socket": "in"}},
    "http": {"port": 7000},
}
EVERYTHING: dict[str, Any] = {
    **TWO_SOCKETS,
    "serviceMonitor": {"enabled": True},
    "autoscaling": {"enabled": True, "messages": ""},
    "networkPolicy": {"egress": [{"ports": [{"port": 5559}]}]},
    "podLabels": {"team": "orders"},
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "imagePullSecrets": [{"name": "registry"}],
    "keys": {"files": ["a.key_secret", "b.key_secret"]},
}
NOTHING: dict[str, Any] = {
    "autoscaling": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "podDisruptionBudget": {"enabled": False},
    "keys": {"files": [], "clients": {"clients": None, "workers": None}},
    "services": {"orders": None, "orders-each": None, "orders-workers": None},
    "resources": None,
}


def rendered(values: dict[str, Any], name: str = "zdev") -> Manifests:
    """The manifests of a release by kind and name."""
    with helm.Chart.load(str(CHART)) as chart:
        texts = chart.render(values, name=name, namespace="zdev")
    manifests = [each for path, text in texts.items() if path.endswith(".yaml") for each in yaml.safe_load_all(text) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in manifests}


def kustomized(kind: str, name: str) -> dict[str, Any]:
    manifests = [each for file in sorted(KUSTOMIZE.glob("*.yaml")) for each in yaml.safe_load_all(file.read_text("utf-8"))]
    return next(each for each in manifests if each["kind"] == kind and each.get("metadata", {}).get("name") == name)


def without_labels(manifest: Any) -> Any:
    """Without labels, selectors, and what names an image or the release's rollout."""
    if isinstance(manifest, dict):
        omitted = ("labels", "matchLabels", "selector", "metadata", "image", "imagePullPolicy")
        return {key: without_labels(value) for key, value in manifest.items() if key not in omitted}
    return [without_labels(each) for each in manifest] if isinstance(manifest, list) else manifest


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [{}, EVERYTHING, NOTHING], ids=["defaults", "everything", "nothing"])
def test_a_rendered_manifest_is_what_kubernetes_takes(values: dict[str, Any], version: str) -> None:
    for (kind, _), manifest in rendered(values).items():
        if kind != "ServiceMonitor":
            kubernetes_validate.validate(manifest, version, strict=True)


def test_helm_finds_nothing_wrong_with_the_chart() -> None:
    found = helm.lint(str(CHART))
    assert found["errors"] == []
    assert [each["error"] for each in found["messages"]] == ["icon is recommended"]


def test_the_defaults_are_the_system_of_the_kustomize_folder() -> None:
    chart = rendered({})
    assert chart["ConfigMap", "zdev"]["data"]["zdev.toml"] == (KUSTOMIZE / "zdev.toml").read_text()
    for kind, name in chart:
        if kind != "ConfigMap":
            ours = without_labels(chart[kind, name])
            if kind == "Deployment":  # the target of `install` is a folder here, because there may be several keys
                ours["spec"]["template"]["spec"]["initContainers"][0]["command"][-1] += "/orders.key_secret"
            assert ours == without_labels(kustomized(kind, name)), (kind, name)


@pytest.mark.parametrize("values", [{}, EVERYTHING, NOTHING], ids=["defaults", "everything", "nothing"])
def test_every_selector_selects_the_pods_of_this_release_only(values: dict[str, Any]) -> None:
    manifests = rendered(values, "blue")
    labels = manifests["Deployment", "blue"]["spec"]["template"]["metadata"]["labels"]
    other = rendered(values, "green")["Deployment", "green"]["spec"]["template"]["metadata"]["labels"]
    selectors = [manifests["Deployment", "blue"]["spec"]["selector"]["matchLabels"]]
    selectors += [each["spec"]["selector"] for (kind, _), each in manifests.items() if kind == "Service"]
    for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        selectors += [each["spec"][key]["matchLabels"] for (k, _), each in manifests.items() if k == kind]
    for selector in selectors:
        assert selector.items() <= labels.items()
        assert not selector.items() <= other.items()


def test_ports_of_sockets_reach_pods_services_and_the_network_policy() -> None:
    manifests = rendered(TWO_SOCKETS)
    [container] = manifests["Deployment", "zdev"]["spec"]["template"]["spec"]["containers"]
    assert {each["name"]: each["containerPort"] for each in container["ports"]} == {"in": 6001, "out": 6002, "http": 7000}
    assert manifests["Service", "front"]["spec"]["ports"] == [{"name": "in", "port": 6001, "targetPort": "in"}]
    policed = [port["port"] for rule in manifests["NetworkPolicy", "zdev"]["spec"]["ingress"] for port in rule["ports"]]
    assert sorted(policed) == [6001, 6002, 7000]


def test_a_change_of_the_configuration_replaces_the_pods() -> None:
    def annotation(values: dict[str, Any]) -> str:
        found: str = rendered(values)["Deployment", "zdev"]["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        return found

    assert annotation({}) == annotation({"replicas": 3}) != annotation({"config": "# another\n"})


def test_every_secret_key_is_copied_and_every_folder_of_keys_is_mounted() -> None:
    pod = rendered({"keys": {"files": ["a", "b"], "clients": {"partners": "their-keys"}}})["Deployment", "zdev"]["spec"][
        "template"
    ]
    assert pod["spec"]["initContainers"][0]["command"] == ["install", "-m", "0400", "/secret/a", "/secret/b", "/run/zdev"]
    mounted = {each["mountPath"] for each in pod["spec"]["containers"][0]["volumeMounts"]}
    assert "/etc/zdev/partners" in mounted
    assert {"name": "partners", "configMap": {"name": "their-keys"}} in pod["spec"]["volumes"]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"sockets": {"in": {"port": "5559"}}}, "port"),
        ({"sockets": {"in": {"port": 70000}}}, "port"),
        ({"replica": 3}, "replica"),
        ({"services": {"orders": {"socket": "inn"}}}, "inn"),
        ({"config": ""}, "config"),
    ],
    ids=["text for a port", "a port too large", "an unknown value", "a service of an unknown socket", "no configuration"],
)
def test_a_wrong_value_is_refused_by_its_name(values: dict[str, Any], named: str) -> None:
    with pytest.raises(helm.HelmError, match=named):
        rendered(values)


def test_the_chart_has_the_version_of_zdev() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    cmake = (DEPLOY.parents[1] / "cpp/CMakeLists.txt").read_text()
    [version] = re.findall(r"project\(zdev VERSION ([0-9.]+)", cmake)
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_the_servicemonitor_finds_only_the_metrics() -> None:
    manifests = rendered(EVERYTHING)
    wanted = manifests["ServiceMonitor", "zdev"]["spec"]["selector"]["matchLabels"]
    found = [
        name
        for (kind, name), each in manifests.items()
        if kind == "Service" and wanted.items() <= each["metadata"]["labels"].items()
    ]
    assert found == ["zdev-metrics"]
