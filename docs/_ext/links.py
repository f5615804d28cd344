"""Check the links of Markdown files to files and headings of the repository, and adapt them to the site.

Pages use links that work on GitHub, with paths relative to the page: `../cpp/include/zdev/device.hpp`, `cli/running.md#reload`. On the
site, links to files that are not pages lead to GitHub.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from myst_parser.slugs import github_slugify
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ELSEWHERE = "https://github.com/zdev-project/zdev"
OTHERS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "packages/*/README.md", ".github/*.md")
LINK = re.compile(r"(?<=\]\()\s*([^)\s]+)\s*(?=\))")
PICTURE = re.compile(r'\bsrc(?:set)?="([^"]+)"')
FENCE = re.compile(r"^( *)(`{3,}).*?^ *\2 *$", re.MULTILINE | re.DOTALL)
logger = logging.getLogger(__name__)


def outside_of_code(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of a Markdown text, and whether each is prose."""
    end = 0
    for fence in FENCE.finditer(text):
        yield True, text[end : fence.start()]
        yield False, fence.group()
        end = fence.end()
    yield True, text[end:]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    tokens = MarkdownIt().parse(page.read_text())
    titles = [tokens[i + 1].children or [] for i, token in enumerate(tokens) if token.type == "heading_open"]
    return {github_slugify("".join(each.content for each in title if each.type in ("text", "code_inline"))) for title in titles}


def broken(page: Path, link: str) -> str | None:
    """Return what is wrong with a link to a file of the repository, or None."""
    path, _, anchor = link.partition("#")
    target = page.parent.joinpath(path).resolve() if path else page
    if not target.exists():
        return f"broken link {link}: {os.path.relpath(target, ROOT)} does not exist"
    if not target.is_relative_to(ROOT):
        return f"broken link {link}: it leads out of the repository"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return f"broken link {link}: {os.path.relpath(target, ROOT)} has no such heading"
    return None


def is_local(link: str) -> bool:
    return not re.match(r"[a-z]+:", link)


def rewritten(page: Path, link: str) -> str:
    """Return a link for the site: pages and images stay, examples lead to their page, other files to GitHub."""
    path, hash_, anchor = link.partition("#")
    target = page.parent.joinpath(path).resolve() if path else page
    if target.is_relative_to(DOCS) and target.suffix in (".md", ".svg", ".png"):
        return link
    if target.parent == DOCS / "examples":
        return f"{os.path.relpath(DOCS, page.parent)}/reference/examples.md#{github_slugify(target.name)}"
    kind = "tree" if target.is_dir() else "blob"
    return f"{ELSEWHERE}/{kind}/main/{target.relative_to(ROOT).as_posix()}{hash_}{anchor}"


def warn_about_broken(page: Path, links: list[str]) -> None:
    """Log a warning for each broken link of a page."""
    for link in links:
        if is_local(link) and (text := broken(page, link)):
            before = page.read_text().partition(f"]({link}")[0]
            logger.warning(text, location=f"{page}:{before.count(chr(10)) + 1}")


def read_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Check and adapt the links of a page of the site."""
    page = Path(app.env.doc2path(docname))
    if page.suffix != ".md":
        return

    def replace(match: re.Match[str]) -> str:
        link = match.group(1)
        return rewritten(page, link) if is_local(link) and not broken(page, link) else link

    parts = list(outside_of_code(source[0]))
    warn_about_broken(page, [link for is_prose, text in parts if is_prose for link in LINK.findall(text)])
    source[0] = "".join(LINK.sub(replace, text) if is_prose else text for is_prose, text in parts)


def check_others(_: Sphinx) -> None:
    """Check the links of the Markdown files that are not pages of the site."""
    for page in (found for pattern in OTHERS for found in ROOT.glob(pattern)):
        parts = outside_of_code(page.read_text())
        warn_about_broken(
            page, [link for is_prose, text in parts if is_prose for link in (*LINK.findall(text), *PICTURE.findall(text))]
        )


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", check_others)
    app.connect("source-read", read_page)
    return {"parallel_read_safe": True}
