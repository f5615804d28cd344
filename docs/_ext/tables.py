"""Tables where there is no room, by zdev.css: of those of prose the cells of a row `stack`, and of three or more columns each cell
tells its own; of those of `figures` the first column stays while the others scroll.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

PROSE = 24  # letters of a cell that is more than a figure or a word


class Narrow(SphinxPostTransform):
    default_priority = 900  # what refers is resolved
    formats = ("html",)

    def run(self, **_: Any) -> None:
        for table in self.document.findall(nodes.table):
            head, *rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
            others = [list(zip(head, row, strict=True))[1:] for row in rows]
            if all(len(cell.astext()) < PROSE for row in others for _, cell in row):
                table["classes"].append("figures")
                continue
            table["classes"].append("stack")
            told = [pair for row in others for pair in row if len(row) > 1 and all(each.astext() for each in pair)]
            for column, cell in told:
                name = f'<span data-column="{escape(column.astext())}"></span>'
                cell[0].insert(0, nodes.raw("", name, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(Narrow)
    return {"parallel_read_safe": True}
