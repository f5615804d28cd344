"""Set the order of the pages on the site: add tables of contents to README.md, the first page.

GitHub does not need them. A pattern may match nothing. The first page is README.html; index.html is a copy of it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PAGES = {
    "Start": ["quickstart", "concepts"],
    "In a program": ["background", "workers", "moving-from-brokers", "workers-protocols", "moving-from-zmq-devices", "cpp"],
    "The program zdev": [
        "cli/running",
        "cli/configuration",
        "cli/steering",
        "cli/monitoring",
        "cli/top",
        "cli/traffic",
        "cli/terminal",
        "cli/clients",
        "cli/bench",
        "cli/*",
    ],
    "Gallery": ["gallery/README", "gallery/**/*"],
    "In production": [
        "security",
        "reliability",
        "faults/results",
        "performance",
        "benchmarks/results",
        "engines/results",
        "deploy*",
        "deploy/**/*",
        "scaling*",
    ],
    "Help": ["troubleshooting", "packages"],
    "Reference": [
        "relay-contract",
        "reference/python",
        "reference/cli",
        "reference/cpp",
        "reference/options",
        "reference/formats",
        "reference/examples",
    ],
}


def found(patterns: list[str], docs: Path) -> list[str]:
    """Return the pages that match the patterns, each once."""
    pages = [page for pattern in patterns for page in sorted(docs.glob(f"{pattern}.md"))]
    return list(dict.fromkeys(page.relative_to(docs).with_suffix("").as_posix() for page in pages))


def add_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append the tables of contents to the first page."""
    if docname == app.config.root_doc:
        for caption, patterns in PAGES.items():
            pages = found(patterns, Path(app.srcdir))
            source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def make_index(app: Sphinx, error: Exception | None) -> None:
    """Copy the first page to index.html."""
    if error is None and app.builder.name == "html":
        shutil.copy(Path(app.outdir, f"{app.config.root_doc}.html"), Path(app.outdir, "index.html"))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", add_contents)
    app.connect("build-finished", make_index)
    return {"parallel_read_safe": True}
