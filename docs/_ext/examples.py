"""Add the programs of docs/examples to the page `reference/examples`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PAGE = "reference/examples"


def add_examples(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append a section for each program."""
    if docname == PAGE:
        for path in sorted(Path(app.srcdir, "examples").glob("*.py")):
            app.env.note_dependency(str(path))
            source[0] += f"\n## {path.name}\n\n```python\n{path.read_text()}```\n"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", add_examples, priority=900)  # after the extension `links`
    return {"parallel_read_safe": True}
