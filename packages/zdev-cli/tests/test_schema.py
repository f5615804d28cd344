"""`zdev schema` describes the types of a configuration for editors."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from zdev_cli.config.authoring import whole

QUEUE = {"name": "a", "type": "queue", "in": {"bind": "tcp://127.0.0.1:1"}, "out": {"connect": ["ipc://a", "ipc://b"]}}


@pytest.fixture(scope="module")
def printed(zdev_path: str) -> dict[str, Any]:
    done = subprocess.run([zdev_path, "schema"], capture_output=True, text=True, timeout=20, check=True)
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def validator(printed: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(printed)


def test_it_is_a_schema(printed: dict[str, Any]) -> None:
    assert printed["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(printed)


def test_it_accepts_the_starter_file(validator: Draft202012Validator) -> None:
    assert best_match(validator.iter_errors(tomllib.loads(whole()))) is None


def test_it_accepts_what_is_not_in_the_starter_file(validator: Draft202012Validator) -> None:
    options = {"SNDHWM": 5, "SUBSCRIBE": ["a", "b"], "TCP_KEEPALIVE": True, "IDENTITY": "me"}
    device = {**QUEUE, "mon": {"bind": [], "prefix": False, "type": "XPUB", "options": options}, "drain_timeout": 0.5}
    assert best_match(validator.iter_errors({"device": [device]})) is None


def test_it_accepts_variables_in_place_of_numbers_words_and_names(validator: Draft202012Validator) -> None:
    device = {**QUEUE, "name": "${NAME}", "drain_timeout": "${TIME:-5}", "insecure": "${OPEN}", "on_full": "${FULL}"}
    assert best_match(validator.iter_errors({"device": [device], "log": {"level": "${LEVEL:-info}"}})) is None


@pytest.mark.parametrize(
    "document",
    [
        {"htp": {}},
        {"device": {}},
        {"device": [1]},
        {"device": [{**QUEUE, "bnd": 1}]},
        {"device": [{**QUEUE, "name": "-"}]},
        {"device": [{**QUEUE, "name": "a\n"}]},
        {"device": [{**QUEUE, "type": "qeue"}]},
        {"device": [{**QUEUE, "out": {"type": "router"}}]},
        {"device": [{**QUEUE, "out": {"bind": 1}}]},
        {"device": [{**QUEUE, "out": {"bind": [1]}}]},
        {"device": [{**QUEUE, "out": {"options": {"SNDHWM": 1.5}}}]},
        {"device": [{**QUEUE, "drain_timeout": -1}]},
        {"device": [{**QUEUE, "drain_timeout": 86401}]},
        {"device": [{**QUEUE, "isolation": None}]},
        {"device": [{name: QUEUE[name] for name in QUEUE if name != "in"}]},
        {"http": {"listen": 9595}},
        {"control": {"path": "x"}},
        {"defaults": {"on_full": "wait"}},
    ],
)
def test_it_refuses_what_the_types_refuse(validator: Draft202012Validator, document: dict[str, Any]) -> None:
    assert not validator.is_valid(document)


def properties(node: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every key that there is, with its schema."""
    if isinstance(node, list):
        return [found for each in node for found in properties(each)]
    if not isinstance(node, dict):
        return []
    mine = [(name, each) for name, each in node.get("properties", {}).items()]
    return mine + [found for each in node.values() for found in properties(each)]


def test_every_key_is_described(printed: dict[str, Any]) -> None:
    found = properties(printed)
    assert len(found) > 20
    assert [name for name, each in found if not each.get("description")] == []


def test_no_key_may_be_null(printed: dict[str, Any]) -> None:
    assert "null" not in json.dumps(printed)


def test_the_documentation_shows_how_editors_find_it() -> None:
    page = Path(__file__).parents[3] / "docs" / "cli" / "configuration.md"
    assert "#:schema ./zdev.schema.json" in page.read_text()
