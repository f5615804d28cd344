"""`{header} zdev/device.hpp`: a C++ header for reading, each declaration with the comment before it as prose.

It relies on how the headers are written: an opening comment, then declarations with a comment before each, blank lines between.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

INCLUDE = Path(__file__).parents[2] / "cpp" / "include"
UNSAID = re.compile(r"^(#ifndef .*|#define \w+|#endif|namespace [\w:]+ \{|\}  // namespace .*)$", re.MULTILINE)
CODE = re.compile(r"\b(?:[a-z]+::[a-z_:]+|[a-z_]+)(?:\(\))|\b(?:zmq|zdev)::[a-z_]+")


def prose(comment: list[str]) -> str:
    """A comment as Markdown: paragraphs, and lines like `Threads: ...` as paragraphs of their own."""
    text = "\n".join(line.strip().removeprefix("//").strip() for line in comment)
    text = re.sub(r"^([A-Z][a-z]+:)", r"\n**\1**", text.replace("<", "\\<"), flags=re.MULTILINE)
    return "".join(part if part.startswith("`") else CODE.sub(r"`\g<0>`", part) for part in re.split(r"(`[^`]*`)", text))


def is_comment(line: str) -> bool:
    return line.strip().startswith("//")


def pieces(header: str) -> Iterator[str]:
    """The header as Markdown: of each piece between blank lines the code, then the comment."""
    first, *rest = re.split(r"\n\n+", UNSAID.sub("", header).strip())
    yield prose(first.splitlines())
    for piece in rest:
        lines = piece.splitlines()
        if lines[0].startswith(("#include", "private:")):
            continue
        begin = next((n for n, line in enumerate(lines) if is_comment(line)), len(lines))  # after `class device {`
        end = next((n for n, line in enumerate(lines) if n >= begin and not is_comment(line)), len(lines))
        yield from (code(part) for part in (lines[:begin], lines[end:]) if part)
        if begin < end:
            yield prose(lines[begin:end])


def code(lines: list[str]) -> str:
    return "\n".join(["```cpp", textwrap.dedent("\n".join(lines)).strip(), "```"])


class Header(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = INCLUDE / self.arguments[0]
        self.env.note_dependency(path)
        return self.parse_text_to_nodes("\n\n".join(pieces(path.read_text())))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("header", Header)
    return {"parallel_read_safe": True}
