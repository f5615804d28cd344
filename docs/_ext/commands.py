"""Every command of zdev, added to the page `reference/cli`: its description, options and examples, from where `--help` has them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import click
from sphinx.application import Sphinx

PAGE = "reference/cli"


def in_markdown(text: str) -> str:
    """Prose of a help text, with options and words in capitals as code, and what Markdown would take for its own escaped."""
    parts = re.split(r"(`[^`]+`|(?<!\S)--?[a-z][\w*-]*)", text)
    return "".join(
        f"`{part.strip('`')}`" if number % 2 else re.sub(r"([*_<>|\\])", r"\\\1", part) for number, part in enumerate(parts)
    )


def prose(help_text: str) -> Iterator[str]:
    r"""Paragraphs; one that begins with \b is laid out by hand."""
    in_code = False
    for block in re.split(r"\n(?=\x08\n)|\n{2,}", inspect.cleandoc(help_text)):
        if block.startswith("\b"):
            title, _, rest = block.removeprefix("\b\n").partition("\n")
            yield from (["", in_markdown(title)] if title.endswith(":") else [])
            yield from ("", "```console", inspect.cleandoc(rest if title.endswith(":") else f"{title}\n{rest}"), "```", "")
            in_code = True
        elif in_code and block.startswith(" "):
            yield from ("```console", inspect.cleandoc(block), "```", "")
        else:
            yield from ("", in_markdown(" ".join(block.split())), "")


def options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    records = [option.get_help_record(ctx) for option in command.get_params(ctx) if isinstance(option, click.Option)]
    shown = [record for record in records if record and "--help" not in record[0]]
    if shown:
        yield from ("", "| option | |", "|---|---|")
    for name, text in shown:
        yield f"| `{name.replace('|', chr(92) + '|')}` | {in_markdown(text)} |"
    yield ""


def described(command: click.Command, path: str, level: int = 2) -> Iterator[str]:
    ctx = click.Context(command, info_name=path, max_content_width=1000)
    usage = " ".join(command.collect_usage_pieces(ctx))
    if level > 1:
        yield from ("", f"{'#' * level} {path}", "", "```console", f"{path} {usage}", "```")
    yield from prose(command.help or "")
    yield from options(command, ctx)
    yield from prose(command.epilog or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            child = command.get_command(ctx, name)
            if child and not child.hidden:
                yield from described(child, f"{path} {name}", level + 1)


def add_commands(_: Sphinx, docname: str, source: list[str]) -> None:
    if docname == PAGE:
        from zdev_cli._main import cli

        source[0] += "\n".join(described(cli, "zdev", 1))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", add_commands, priority=900)  # after the links
    return {"parallel_read_safe": True}
