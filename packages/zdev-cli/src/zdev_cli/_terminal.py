"""The streams that zdev prints to: their characters and styles, and tables that fit their width."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from typing_extensions import Buffer

_Key = TypeVar("_Key")

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
    wanted = {each.title: each.width for each in columns}
    narrowest = {each.title: _NARROWEST for each in columns if each.is_cut}
    widths = fitted(wanted, narrowest, width, _GAP, dispensable)
    shown = [each for each in columns if each.title in widths]
    rows = [
        ("bold", *(each.title for each in shown)),
        *(("", *cells) for cells in zip(*(each.cells for each in shown), strict=True)),
    ]
    out = console()
    for number, (style, *cells) in enumerate(rows):
        out.print(_row(shown, widths, cells, number - 1), style=style, soft_wrap=True)
        if number == 0:
            out.print("─" * _total(widths, _GAP), soft_wrap=True)
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


def fitted(
    wanted: Mapping[_Key, int], narrowest: Mapping[_Key, int], width: int, gap: int, dispensable: Sequence[_Key] = ()
) -> dict[_Key, int]:
    """Return the widths of the columns that fit a width together.

    Args:
        wanted: The widths with which nothing is cut.
        narrowest: The least widths of those that may be cut.
        width: Characters for all of them.
        gap: Characters between two of them.
        dispensable: Columns to leave out first, in this order; then those at the right are left out.
    """
    widths = {key: min(each, narrowest.get(key, each)) for key, each in wanted.items()}
    out = [key for key in dispensable if key in wanted] + [key for key in reversed(list(wanted)) if key not in dispensable]
    while len(widths) > 1 and _total(widths, gap) > width:
        del widths[out.pop(0)]
    room = width - _total(widths, gap)  # negative for a single column that is wider
    for key in sorted(widths, key=lambda key: wanted[key] - widths[key]):  # as few are cut as possible
        more = min(room, wanted[key] - widths[key])
        widths[key] = max(1, widths[key] + more)
        room -= more
    return widths


def _total(widths: Mapping[_Key, int], gap: int) -> int:
    return sum(widths.values()) + gap * (len(widths) - 1)


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
