"""The JSON schema of configuration files, for editors."""

from __future__ import annotations

from typing import Any

import msgspec.json

from .model import Config


def schema() -> dict[str, Any]:
    """What the types of the model say: the rules that they can't are those of `zdev validate` alone."""
    found = _without_null(msgspec.json.schema(Config))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "zdev configuration", **found}


def _without_null(node: Any) -> Any:
    """None in the model is a key that is not there, which TOML can't write: no alternative, and no default."""
    if isinstance(node, list):
        return [_without_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_null(value) for key, value in node.items() if (key, value) != ("default", None)}
    if "anyOf" in kept:
        kept["anyOf"] = [each for each in kept["anyOf"] if each != {"type": "null"}]
        if len(kept["anyOf"]) == 1:
            return {**kept.pop("anyOf")[0], **kept}
    return kept
