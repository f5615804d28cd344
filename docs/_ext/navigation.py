"""The order of the pages, which GitHub needs not know: tables of contents that are added to README.md, the first page.

A pattern may match nothing. The first page is README.html, and index.html too.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PAGES = {
    "Start": ["quickstart", "concepts"],
    "In a program": ["background", "moving-from-zmq-devices", "cpp"],
    "The program zdev": [
        "cli/running",
        "cli/configuration",
        "cli/steering",
        "cli/monitoring",
        "cli/top",
        "cli/traffic",
        "cli/bench",
        "cli/*",
    ],
    "In production": ["security", "reliability", "performance", "benchmarks/results", "deploy*", "deploy/**/*", "scaling*"],
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

TITLES = {"benchmarks/results": "The figures, measured"}  # where a page's own says too little in this place


def found(patterns: list[str], docs: Path) -> list[str]:
    """The pages that there are, each once."""
    pages = [page for pattern in patterns for page in sorted(docs.glob(f"{pattern}.md"))]
    return list(dict.fromkeys(page.relative_to(docs).with_suffix("").as_posix() for page in pages))


def add_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    if docname == app.config.root_doc:
        for caption, patterns in PAGES.items():
            pages = [f"{TITLES[page]} </{page}>" if page in TITLES else page for page in found(patterns, Path(app.srcdir))]
            source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def make_index(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.name == "html":
        shutil.copy(Path(app.outdir, f"{app.config.root_doc}.html"), Path(app.outdir, "index.html"))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", add_contents)
    app.connect("build-finished", make_index)
    return {"parallel_read_safe": True}
