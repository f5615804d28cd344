"""Help for writing a configuration file: the starter file, and the JSON schema for editors."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec.json

from .model import Config

_HEADING = "## "  # precedes the device type at the beginning of its section


def starter(device_type: str) -> str:
    """Return a configuration file with a device of this type; devices of the other types are comments."""
    lines = []
    section = ""
    for line in whole().splitlines():
        if line.startswith(_HEADING):
            section = line.removeprefix(_HEADING).partition(":")[0]
        hidden = section not in ("", device_type) and line and not line.startswith(_HEADING)
        lines.append(f"# {line}" if hidden else line)
    return "\n".join(lines) + "\n"


def whole() -> str:
    """Return the starter file with all its devices active."""
    return files(__package__).joinpath("starter.toml").read_text("utf-8")


def schema() -> dict[str, Any]:
    """Return the JSON schema of the model. `zdev validate` checks further rules that a schema cannot express."""
    found = _with_variables(_without_null(msgspec.json.schema(Config)))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "zdev configuration", **found}


def _with_variables(node: Any) -> Any:
    """Allow text with a variable wherever a value is restricted: a number, a boolean, one of some words, or text of a form."""
    if isinstance(node, list):
        return [_with_variables(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in ("integer", "number", "boolean") or "enum" in node or "pattern" in node:
        notes = {key: node[key] for key in ("title", "description", "default") if key in node}
        value = {key: each for key, each in node.items() if key not in notes}
        return {"anyOf": [value, {"type": "string", "pattern": r"\$\{"}], **notes}
    return {key: _with_variables(value) for key, value in node.items()}


def _without_null(node: Any) -> Any:
    """Remove null as a type and a default: in the model, None stands for a missing key, and TOML has no null."""
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
