"""Mark tables for narrow screens, with classes for zdev.css.

In a table of prose (`stack`), zdev.css stacks the cells of a row, and each cell shows the name of its column if there are three or more.
In a table of `figures`, the first column stays in place while the others scroll.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

PROSE = 24  # minimum length of a cell that counts as prose


class Narrow(SphinxPostTransform):
    """Adds the classes and the column names."""

    default_priority = 900  # after references are resolved
    formats = ("html",)

    def run(self, **_: Any) -> None:
        for table in self.document.findall(nodes.table):
            head, *rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
            others = [list(zip(head, row, strict=True))[1:] for row in rows]
            if all(len(cell.astext()) < PROSE for row in others for _, cell in row):
                table["classes"].append("figures")
                continue
            table["classes"].append("stack")
            named = [pair for row in others for pair in row if len(row) > 1 and all(each.astext() for each in pair)]
            for column, cell in named:
                name = f'<span data-column="{escape(column.astext())}"></span>'
                cell[0].insert(0, nodes.raw("", name, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(Narrow)
    return {"parallel_read_safe": True}
