"""Docstrings, which are written for editors, as reStructuredText: `name` is code, and `a, b: text` lines are a list."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

CODE = re.compile(r"`([^`]+)`(\w?)")
ITEM = re.compile(r"(?P<names>[a-z_]+\*?(?:, [a-z_]+)*)(?P<condition> < 0)?: (?P<text>.*)")


def in_rst(text: str) -> str:
    """A line of prose, with what would mean something to reStructuredText escaped."""
    parts = CODE.split(text)  # prose, code, what follows it at once, prose, ...
    made = re.sub(r"([*|\\]|_(?=\W|$))", r"\\\1", parts[0])
    for code, letter, prose in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        made += f"``{code}``" + (f"\\ {letter}" if letter else "") + re.sub(r"([*|\\]|_(?=\W|$))", r"\\\1", prose)
    return made


def rewrite(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    made: list[str] = []
    in_list = False
    for line in lines:
        item = ITEM.fullmatch(line)
        if item and (in_list or not made or not made[-1]):
            if not in_list and made and made[-1]:
                made.append("")
            names = ", ".join(f"``{name}``" for name in item["names"].split(", "))
            made.append(f"- {names}{item['condition'] or ''}: {in_rst(item['text'])}")
            in_list = True
        elif in_list and line.strip():
            made.append(f"  {in_rst(line)}")
        elif line.startswith("    "):
            made.append(line)
        else:
            in_list = False
            made.append(in_rst(line))
    lines[:] = made


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", rewrite)
    return {"parallel_read_safe": True}
