"""Embed the drawings of `diagrams/` in their page, so that they follow its light or dark theme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform


class Inline(SphinxPostTransform):
    """Replaces `![text](diagrams/name.svg)` by the SVG."""

    default_priority = 5  # before Sphinx copies the images
    formats = ("html",)

    def run(self, **_: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            path = Path(self.env.srcdir, self.env.doc2path(self.env.docname)).parent / image["uri"]
            if not path.exists():
                path = Path(self.env.srcdir, image["uri"])
            if path.parent.name == "diagrams":
                image.replace_self(nodes.raw("", f'<div class="drawing">{path.read_text()}</div>', format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(Inline)
    return {"parallel_read_safe": True}
