"""Every `zdev` command that the documentation shows is one that there is, with options that it has; its configurations are right."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest

from zdev_cli._main import cli
from zdev_cli.config import read

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "packages").glob("*/README.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^ *```(.*)\n((?:.*\n)*?) *```$", re.MULTILINE)
SHELL = ("", "console", "sh")


def commands(page: str) -> Iterator[str]:
    """Those in blocks, where a line may go on in the next, and those within the text that have an option."""
    blocks = [block for info, block in FENCE.findall(page) if info in SHELL]
    text = FENCE.sub("", page)
    blocks += re.findall(r"^ {4}.*$", text.replace("\\\n", " "), re.MULTILINE)
    for block in blocks:
        yield from re.findall(r"^ *(?:\$ )?(zdev [a-z].*)$", block.replace("\\\n", " "), re.MULTILINE)
    yield from (" ".join(found.split()) for found in re.findall(r"`(zdev [a-z][^`]*)`", text) if " -" in found)


def words(command: str) -> list[str]:
    """Without a comment, a pipe or a redirection."""
    return shlex.split(re.split(r"[|>&]|  #", command)[0])[1:]


SHOWN = sorted({(str(page.relative_to(ROOT)), command) for page in PAGES for command in commands(page.read_text())})


def test_there_are_many() -> None:
    assert len(SHOWN) > 40


@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_a_command_has_these_options(page: str, command: str) -> None:
    group: click.Command = cli
    rest = words(command)
    context = click.Context(cli)
    while isinstance(group, click.Group) and rest and not rest[0].startswith("-"):
        found = group.get_command(context, rest.pop(0))
        assert found, f"{page}: there is no such command"
        group = found
    parser = group.make_parser(click.Context(group, resilient_parsing=True))
    with suppress(click.BadOptionUsage):  # one without its value, as text may name it; one that is not there is another error
        parser.parse_args(rest)


DEVICE = '[[device]]\nname = "tasks"\ntype = "streamer"\nin.bind = "tcp://127.0.0.1:5557"\nout.bind = "tcp://127.0.0.1:5558"\n'
CONFIGURATIONS = [
    (str(page.relative_to(ROOT)), block)
    for page in PAGES
    for info, block in FENCE.findall(page.read_text())
    if info == "toml" and page.name not in ("configuration.md", "security.md")  # with faults; with keys that are not here
    if "password_file" not in block  # which is not here either
]


@pytest.mark.parametrize(("page", "text"), CONFIGURATIONS)
def test_a_configuration_is_right(page: str, text: str) -> None:
    assert read((text if "[[device]]" in text else text + DEVICE).encode(), page).devices()
