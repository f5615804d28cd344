"""The streams that zdev prints to: their characters and styles, and tables that fit their width."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from typing_extensions import Buffer

CUT = "…"  # the sign of a text that was cut
_GAP = 2  # characters between columns
_NARROWEST = 12  # characters to which a cell may be cut before columns are left out
_PLAIN = {CUT: "~", "─": "-", "→": ">", "µ": "u", **dict.fromkeys("▏▎▍▌▋▊▉█", "#")}
"""For locales without these characters: one character each, so that tables stay aligned."""


class _Lossy(io.FileIO):
    """Drops what cannot be written: a full disk for messages must not end a command, or change its status."""

    def write(self, data: Buffer, /) -> int:
        with suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes


def let_errors_get_lost() -> None:
    """Have stderr never fail."""
    raw = io.BufferedWriter(_Lossy(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(raw, sys.stderr.encoding, line_buffering=True)


def use_characters_of_locale() -> None:
    """Have stdout and stderr print the characters that the locale has, and something readable for others."""
    codecs.register_error("zdev", _replace)
    locale = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := os.environ.get(name))), "")
    encoding = "ascii" if locale in ("C", "POSIX") else None  # there, Python would print UTF-8
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=encoding or stream.encoding, errors="zdev")


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    found = error.object[error.start : error.end]
    return "".join(_PLAIN.get(each) or each.encode("ascii", "backslashreplace").decode() for each in found), error.end


def has_styles(stream: TextIO) -> bool:
    """Whether colours and other styles may be printed: NO_COLOR as no-color.org defines it, anything but empty, forbids it."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def console(stream: TextIO | None = None) -> Console:
    """Return a console on stdout, or another stream, that keeps to `has_styles`."""
    from rich.console import Console

    class PipeConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # which ends zdev as that of any other print; rich would exit with status 1

    stream = stream or sys.stdout
    styles: dict[str, Any] = {} if has_styles(stream) else {"color_system": None}
    return PipeConsole(file=stream, highlight=False, **styles)


class TableColumn(NamedTuple):
    """A column of a table.

    Attributes:
        title: Its heading.
        cells: A cell for each row.
        is_word: Whether it is aligned left.
        styles: The style of each cell; empty: none.
        is_cut: Whether its cells may be cut in a narrow terminal.
    """

    title: str
    cells: Sequence[str]
    is_word: bool = False
    styles: Sequence[str] = ()
    is_cut: bool = False

    @property
    def width(self) -> int:
        from rich.cells import cell_len

        return max(map(cell_len, (self.title, *self.cells)))


def print_table(columns: Sequence[TableColumn], dispensable: Sequence[str] = ()) -> None:
    """Print a table on stdout.

    On a terminal that is too narrow, cells are cut with a sign, and columns left out: first those of `dispensable`, in this
    order, then those at the right. A last line names them.
    """
    width = get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    widths = _fitted(columns, dispensable, width)
    shown = [each for each in columns if each.title in widths]
    rows = [
        ("bold", *(each.title for each in shown)),
        *(("", *cells) for cells in zip(*(each.cells for each in shown), strict=True)),
    ]
    out = console()
    for number, (style, *cells) in enumerate(rows):
        out.print(_row(shown, widths, cells, number - 1), style=style, soft_wrap=True)
        if number == 0:
            out.print("─" * _total(widths), soft_wrap=True)
    if left_out := [each.title for each in columns if each.title not in widths]:
        out.print(f"not shown, for lack of room: {', '.join(left_out)}", style="dim", markup=False)


def _row(columns: Sequence[TableColumn], widths: Mapping[str, int], cells: Sequence[str], number: int) -> Text:
    from rich.cells import cell_len
    from rich.text import Text

    text = Text()
    for column, cell in zip(columns, cells, strict=True):
        width = widths[column.title]
        shown = cell if cell_len(cell) <= width else _cut(cell, width)
        blank = " " * (width - cell_len(shown))
        style = column.styles[number] if column.styles and number >= 0 else ""
        gap = " " * _GAP if text.plain else ""
        text.append(gap).append("" if column.is_word else blank).append(shown, style).append(blank if column.is_word else "")
    text.rstrip()
    return text


def _cut(cell: str, width: int) -> str:
    from rich.cells import set_cell_size

    return set_cell_size(cell, width - 1) + CUT


def _fitted(columns: Sequence[TableColumn], dispensable: Sequence[str], width: int) -> dict[str, int]:
    """Return the widths of the columns that are shown, by their titles."""
    wanted = {each.title: each.width for each in columns}
    least = {each.title: min(_NARROWEST, each.width) if each.is_cut else each.width for each in columns}
    out = [
        *(title for title in dispensable if title in wanted),
        *reversed([title for title in wanted if title not in dispensable]),
    ]
    while len(least) > 1 and _total(least) > width:
        del least[out.pop(0)]
    room = width - _total(least)  # negative for a single column that is wider
    for title in sorted(least, key=lambda title: wanted[title] - least[title]):  # as few are cut as possible
        more = min(room, wanted[title] - least[title])
        least[title] = max(1, least[title] + more)
        room -= more
    return least


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def print_columns(columns: Sequence[TableColumn]) -> None:
    """Print a table for programs: all columns, in which every heading and cell is one word."""
    rows = [[each.title.replace(" ", "_") for each in columns]]
    rows += [[cell.replace(" ", "") for cell in cells] for cells in zip(*(each.cells for each in columns), strict=True)]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if column.is_word else f"{cell:>{width}}"
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
