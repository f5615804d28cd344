"""The Python blocks of the documentation, as programs: `python pages.py FOLDER` writes one per page, and prints their paths."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "packages/zdev-background/README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [page for page in PAGES if "```python\n" in page.read_text()]


def program(page: str) -> str:
    """Return the Python blocks of a page as one program, with the line numbers that they have in the page."""
    parts = re.split(r"^```(.*)\n", page, flags=re.MULTILINE)  # text, what follows ```, text, ...
    kept, is_open = [parts[0].count("\n") * "\n"], False
    for info, text in zip(parts[1::2], parts[2::2], strict=True):
        is_open = not is_open
        kept.append("\n" + (text if is_open and info == "python" else text.count("\n") * "\n"))
    return "".join(kept)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        file = folder / (re.sub(r"\W", "_", str(page.relative_to(ROOT).with_suffix(""))) + ".py")
        file.write_text(program(page.read_text()))
        print(file)


if __name__ == "__main__":
    main()
