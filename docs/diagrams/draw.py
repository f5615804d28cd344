"""Draw the pictures of docs/concepts.md and docs/gallery, and the badges of README.md; with `--check`, fail if a file differs from its drawing.

The pictures have no background and follow the reader's light or dark theme. On GitHub, where they are images, they use the setting
of the browser; on the site, where they are part of the page, they use the theme of the site.
"""

from __future__ import annotations

import sys
from html import escape
from math import atan2, cos, sin
from pathlib import Path

HERE = Path(__file__).parent
COLOURS = {  # for light and dark themes: text, lines and boxes; requests, replies, copies and commands
    "ink": ("#1c2128", "#e6e9ed"),
    "soft": ("#57606a", "#a2abb5"),
    "line": ("#8c959f", "#768390"),
    "box": ("#f1f4f8", "#22272e"),
    "in": ("#0b5cad", "#6cb6ff"),
    "out": ("#19713a", "#6bc48a"),
    "mon": ("#8546b5", "#c297f0"),
    "ctrl": ("#a6430b", "#f0a070"),
}


def variables(theme: int) -> str:
    return "".join(f"--zd-{name}:{values[theme]};" for name, values in COLOURS.items())


STYLE = (
    f".zdev-drawing{{{variables(0)}}}"
    f"@media(prefers-color-scheme:dark){{.zdev-drawing{{{variables(1)}}}}}"
    f"body[data-theme=light] .zdev-drawing{{{variables(0)}}}"
    f"body[data-theme=dark] .zdev-drawing{{{variables(1)}}}"
    ".zdev-drawing{font:15px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    ".zdev-drawing .mono{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
    ".zdev-drawing .small{font-size:13px}"
    ".zdev-drawing .bold{font-weight:600}"
)


class Drawing:
    """A picture with a size in pixels and an alternative text."""

    def __init__(self, name: str, width: int, height: int, title: str) -> None:
        self.name, self._size, self._title = name, (width, height), title
        self._parts: list[str] = []

    def box(self, x: float, y: float, w: float, h: float, *lines: str, colour: str = "line", dashed: bool = False) -> None:
        """Draw a rounded box with centred lines of text, the first in bold."""
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="8" fill="var(--zd-box)" stroke="var(--zd-{colour})" '
            f'stroke-width="1.6"{dashes}/>'
        )
        top = y + h / 2 + 5 - 9.5 * (len(lines) - 1)
        for number, line in enumerate(lines):
            self.text(x + w / 2, top + 19 * number, line, style="bold" if number == 0 else "small")

    def text(self, x: float, y: float, words: str, colour: str = "ink", style: str = "small", anchor: str = "middle") -> None:
        self._parts.append(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}" class="{style}" fill="var(--zd-{colour})">{escape(words)}</text>'
        )

    def arrow(self, *points: tuple[float, float], colour: str = "line", dashed: bool = False) -> None:
        """Draw a line through the points, with an arrowhead at its end."""
        (x1, y1), (x2, y2) = points[-2:]
        angle = atan2(y2 - y1, x2 - x1)
        way = " ".join(f"{x:g},{y:g}" for x, y in (*points[:-1], (x2 - 7 * cos(angle), y2 - 7 * sin(angle))))
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(f'<polyline points="{way}" fill="none" stroke="var(--zd-{colour})" stroke-width="2"{dashes}/>')
        sides = [(x2 - 11 * cos(angle + s), y2 - 11 * sin(angle + s)) for s in (0.42, -0.42)]
        head = " ".join(f"{x:.1f},{y:.1f}" for x, y in ((x2, y2), *sides))
        self._parts.append(f'<polygon points="{head}" fill="var(--zd-{colour})"/>')

    def frames(self, x: float, y: float, *contents: str, colour: str = "in") -> float:
        """Draw the frames of a message side by side, and return the x coordinate of their end."""
        for content in contents:
            width = max(34, 14 + 8 * len(content))
            self._parts.append(
                f'<rect x="{x:g}" y="{y}" width="{width}" height="26" fill="var(--zd-box)" stroke="var(--zd-{colour})" '
                'stroke-width="1.4"/>'
            )
            self.text(x + width / 2, y + 17.5, content, colour, "mono")
            x += width
        return x

    def queue(self, x: float, y: float, filled: int, places: int = 5, colour: str = "in") -> None:
        """Draw a queue whose last places are filled."""
        for place in range(places):
            full = place >= places - filled
            self._parts.append(
                f'<rect x="{x + 17 * place}" y="{y}" width="14" height="24" rx="2" stroke="var(--zd-{colour})" '
                f'fill="var(--zd-{colour if full else "box"})" stroke-width="1.4"/>'
            )

    def __str__(self) -> str:
        width, height = self._size
        title = escape(self._title, quote=True)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="zdev-drawing" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label="{title}">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def main(words: list[str]) -> int:
    import gallery
    import pictures
    from badges import badges

    drawn = {HERE / f"{each.name}.svg": str(each) for each in (draw() for draw in (*pictures.ALL, *gallery.ALL))}
    drawn |= {HERE / name: content for name, content in badges().items()}
    changed = [path for path, content in drawn.items() if not path.exists() or path.read_text() != content]
    if "--check" in words:
        for path in changed:
            print(f"{path.name} is out of date: run python docs/diagrams/draw.py", file=sys.stderr)
        return bool(changed)
    for path in changed:
        path.write_text(drawn[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
