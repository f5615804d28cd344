"""Directives for a table of a record's fields, `{record} module.Class`, and a command's output, `{output} zdev schema`."""

from __future__ import annotations

import importlib
import re
from typing import Any, ClassVar, Literal, get_origin

import msgspec
from click.testing import CliRunner
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective


def type_name(annotation: str) -> str:
    """Return the JSON name of a Python type."""
    words = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "None": "null"}
    if literal := re.fullmatch(r"Literal\[(.*)\]", annotation):
        return ", ".join(f"`{each}`" for each in literal[1].replace("'", '"').split(", "))
    if items := re.fullmatch(r"list\[(.*)\]", annotation):
        return f"array of {type_name(items[1])}"
    return " or ".join(words.get(each, each) for each in annotation.split(" | "))


class Record(SphinxDirective):
    """Shows the fields of a `msgspec.Struct` as a table, with their names and types in JSON."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module, _, name = self.arguments[0].rpartition(".")
        struct = getattr(importlib.import_module(module), name)
        docs = ModuleAnalyzer.for_module(module).find_attr_docs()
        source = ModuleAnalyzer.for_module(module)
        source.analyze()
        named = vars(importlib.import_module(module)).items()
        literals = {key: str(each).removeprefix("typing.") for key, each in named if get_origin(each) is Literal}
        rows = ["| Field | Type | Meaning |", "|---|---|---|"]
        for each in msgspec.structs.fields(struct):
            text = " ".join(docs.get((name, each.name), [])).strip()
            annotation = source.annotations.get((name, each.name), "")
            annotation = literals.get(annotation, annotation)
            rows.append(f"| `{each.encode_name}` | {type_name(annotation)} | {text} |")
        return self.parse_text_to_nodes("\n".join(rows))


class Output(SphinxDirective):
    """Shows the output of a zdev command."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {"language": str}

    def run(self) -> list[nodes.Node]:
        from zdev_cli._main import cli

        _, *words = self.arguments[0].split()
        done = CliRunner().invoke(cli, words, prog_name="zdev", catch_exceptions=False)
        return [nodes.literal_block(done.output, done.output, language=self.options.get("language", "none"))]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("record", Record)
    app.add_directive("output", Output)
    return {"parallel_read_safe": True}
