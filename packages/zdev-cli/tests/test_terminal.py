"""docs/cli/terminal.md: what every command prints in a narrow terminal, in another locale, and without colours."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile

import click
import pytest
from commands_of import DIRECTION, LONG, Done, Place, all_commands, every_command, words_of
from patience import PATIENCE

from zdev_cli._main import cli

pytest_plugins = ("trying",)
Try = Callable[..., Done]
Usual = Callable[[str], Done]
TABLES = ("status", "peers", "workers", "top", "info")
WITH_JSON = [path for path, each in all_commands().items() if "as_json" in {parameter.name for parameter in each.params}]


@every_command
def test_in_the_c_locale_all_output_is_ascii(attempt: Try, usual: Usual, path: str) -> None:
    done = attempt(path, LC_ALL="C")
    assert (done.out + done.err).isascii()
    assert done.status == usual(path).status


@pytest.mark.parametrize("path", WITH_JSON)
def test_json_is_the_same_in_every_locale(attempt: Try, usual: Usual, path: str) -> None:
    done = attempt(path, "--json", LC_ALL="C")
    decoder, rest = json.JSONDecoder(), done.out.strip()
    while rest:
        _, end = decoder.raw_decode(rest)
        rest = rest[end:].strip()
    assert done.status == usual(path).status


def on_terminal(zdev_path: str, place: Place, path: str, columns: int, **variables: str) -> str:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}  # which a parallel run of tests sets
    environment = {**inherited, "TERM": "xterm-256color", **variables}
    with subprocess.Popen(
        [zdev_path, *words_of(path, place)],
        cwd=place.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ) as program:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # EIO: nobody writes any longer
            while chunk := os.read(ours, 65536):
                shown += chunk
        program.wait(PATIENCE)
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


@every_command
def test_no_styles_are_printed_with_no_color(zdev_path: str, place: Place, path: str) -> None:
    assert "\x1b" not in on_terminal(zdev_path, place, path, 80, NO_COLOR="1")


@pytest.mark.parametrize("path", TABLES)
def test_no_styles_are_printed_on_a_dumb_terminal(zdev_path: str, place: Place, path: str) -> None:
    assert "\x1b" not in on_terminal(zdev_path, place, path, 80, TERM="dumb")


def test_styles_are_printed_on_a_terminal_only(zdev_path: str, place: Place, usual: Usual) -> None:
    assert "\x1b[" in on_terminal(zdev_path, place, "status", 80, NO_COLOR="")
    assert "\x1b" not in usual("status").out


WIDTHS = {
    "a terminal of 40": (40, {}),
    "60": (60, {}),
    "80": (80, {}),
    "200": (200, {}),
    "COLUMNS=50": (200, {"COLUMNS": "50"}),
}


@pytest.mark.parametrize("path", TABLES)
@pytest.mark.parametrize(("columns", "variables"), WIDTHS.values(), ids=WIDTHS)
def test_a_table_fits_the_terminal_and_shows_what_it_cuts(
    zdev_path: str, place: Place, path: str, columns: int, variables: dict[str, str]
) -> None:
    width = int(variables.get("COLUMNS", columns))
    lines = on_terminal(zdev_path, place, path, columns, NO_COLOR="1", **variables).splitlines()
    start = next(number for number, line in enumerate(lines) if line and set(line) == {"─"})
    table = [lines[start - 1], *takewhile(lambda line: line and not line.startswith("not shown"), lines[start:])]
    assert len(table) > 2
    assert max(map(len, table)) <= width
    left_out = " ".join(" ".join(lines[start:]).split()).partition("not shown, for lack of room: ")[2]
    left_out = left_out.partition(" ready: ")[0]
    for title in TITLES[path]:
        assert (title in re.split("  +", table[0])) != (title in left_out.split(", ")), title
    names = [line.split("  ")[0] for line in table[2:] if line.startswith("a")]
    assert all(name in NAMES or (name.endswith("…") and name[:-1] in "".join(NAMES)) for name in names)


NAMES = (LONG, DIRECTION)
DEVICES = ("DEVICE", "TYPE", "STATE", "IN>OUT/S", "OUT>IN/S", "IN>OUT B/S", "IN>OUT", "OUT>IN", "UPTIME", "ENGINE")
TITLES = {
    "info": ("direction", "messages", "bytes", "messages/s", "bytes/s", "frames", "bytes per message"),
    "peers": ("DEVICE", "ID", "ROLE", "STATE", "ADDRESS", "RECEIVED", "SENT", "AGE"),
    "workers": ("DEVICE", "ID", "AT WORK", "DONE", "AGE"),
    "status": DEVICES,
    "top": DEVICES,
}
"""Columns that each table has, or names as left out."""


@pytest.mark.parametrize("path", all_commands())
def test_help_fits_a_terminal_of_40_columns_except_for_examples_and_long_options(path: str) -> None:
    context = click.Context(all_commands()[path], info_name=path, terminal_width=40, **cli.context_settings)
    epilog = (all_commands()[path].epilog or "").split("\n")
    laid_out = context.get_help().partition(f"\n  {epilog[1]}")[0].splitlines()
    assert [line for line in laid_out if len(line) > 40 and not line.startswith("  -")] == []


def test_help_is_as_wide_as_the_terminal(attempt: Try) -> None:
    widest = {
        columns: max(map(len, attempt("status", "--help", COLUMNS=str(columns)).out.partition("Example")[0].split("\n")))
        for columns in (30, 60, 200)
    }
    assert widest[30] <= 30 < widest[60] <= 60 < widest[200] <= 100
