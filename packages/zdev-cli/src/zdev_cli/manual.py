"""`python -m zdev_cli.manual DIRECTORY` writes the manual pages: zdev(1), and one for each command, from the help of the commands."""

from __future__ import annotations

import inspect
import os
import re
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from ._failure import STATUS_TEXTS, Status
from ._main import SECTIONS, cli, documentation

ENVIRONMENT = {
    "ZDEV_CONTROL": "Control socket of the running zdev, as by --control.",
    "XDG_RUNTIME_DIR": "Directory of the default control socket, zdev/control.sock.",
    "COLUMNS": "Columns of the terminal, in place of those that it reports.",
    "NO_COLOR": "If not empty, no colours and no other styles.",
    "LC_ALL, LC_CTYPE, LANG": "Locale: in C, POSIX and others that are not UTF-8, output has characters of that locale only.",
    "LISTEN_FDS, NOTIFY_SOCKET, WATCHDOG_USEC": "Set by systemd for zdev run: see systemd.socket(5) and sd_notify(3).",
}
FILES = {
    "zdev.toml": "Configuration, read by zdev run and zdev validate if no other is given. zdev init writes one.",
    "$XDG_RUNTIME_DIR/zdev/control.sock": "Control socket. Without this variable: /run/zdev/control.sock of root, "
    "/tmp/zdev-UID/control.sock of other users.",
}


def pages() -> dict[str, str]:
    """Return the text of each page by the name of its file, such as zdev-run.1."""
    root = click.Context(cli, info_name="zdev", **cli.context_settings)
    return {f"{_name(context)}.1": _page(context) for context in _contexts(root)}


def _name(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _contexts(context: click.Context) -> Iterator[click.Context]:
    yield context
    for name, command in _commands(context).items():
        yield from _contexts(click.Context(command, info_name=name, parent=context))


def _commands(context: click.Context) -> dict[str, click.Command]:
    group = context.command
    if not isinstance(group, click.Group):
        return {}
    return {name: command for name in group.list_commands(context) if (command := group.get_command(context, name))}


def _page(context: click.Context) -> str:
    command = context.command
    name = _name(context)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f'.TH {_quoted(name.upper())} 1 "{_date()}" {_quoted("zdev " + version("zdev-cli"))} "zdev"',
        ".ad l",
        ".nh",
        *(".SH NAME", f"{_text(name)} \\- {_text(command.get_short_help_str(1000).rstrip('.'))}"),
        *(".SH SYNOPSIS", f"{_bold(context.command_path)} {_text(usage)}"),
        *(".SH DESCRIPTION", *_paragraphs(command.help or "")),
        *_list_of_commands(context),
        *_defined("OPTIONS", _options(context)),
        *_epilog(command.epilog or ""),
        *_defined(
            "EXIT STATUS", {str(int(status)): text[:1].upper() + text[1:] + "." for status, text in STATUS_TEXTS.items()}
        ),
        *_defined("ENVIRONMENT", _environment(context)),
        *_defined("FILES", {} if context.parent else FILES),
        *(".SH SEE ALSO", _see_also(context)),
        _text(documentation()),
    ]
    return "\n".join(lines) + "\n"


def _date() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")  # set by builds that must be the same each time
    return f"{datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC):%Y-%m-%d}"


def _list_of_commands(context: click.Context) -> list[str]:
    commands = _commands(context)
    sections = SECTIONS if context.parent is None else {"": tuple(commands)}
    lines = [".SH COMMANDS"] if commands else []
    for section, names in sections.items() if commands else ():
        lines += [f".SS {_quoted(section)}"] if section else []
        for name in names:
            lines += [".TP", f"{_bold(f'{_name(context)}-{name}')}(1)", _text(commands[name].get_short_help_str(1000))]
    return lines


def _options(context: click.Context) -> dict[str, str]:
    options = [each for each in context.command.get_params(context) if isinstance(each, click.Option)]
    return dict(record for each in options if (record := each.get_help_record(context)))


def _environment(context: click.Context) -> dict[str, str]:
    if context.parent is None:
        return ENVIRONMENT
    taken = [str(each.envvar) for each in context.command.get_params(context) if each.envvar]
    return {name: ENVIRONMENT.get(name, "See the options.") for name in taken} | {"Others": "See zdev(1)."}


def _see_also(context: click.Context) -> str:
    names = [_name(context.parent)] if context.parent else []
    names += [f"{_name(context)}-{name}" for name in _commands(context)]
    return ",\n".join(f"{_bold(name)}(1)" for name in names) + "\n.br"


def _epilog(epilog: str) -> Iterator[str]:
    """Each block has a title: those of examples share a section, others have their own."""
    has_section = False
    for block in epilog.split("\b"):
        title, _, rest = block.strip("\n").partition("\n")
        if not title:
            continue
        if not title.startswith("Example"):
            yield f".SH {_quoted(title.rstrip(':').upper())}"
        elif not has_section:
            has_section = True
            yield ".SH EXAMPLES"
        if title.startswith("Example "):
            yield from (".PP", _text(title))
        yield from _verbatim(rest)


def _paragraphs(text: str) -> Iterator[str]:
    for number, block in enumerate(inspect.cleandoc(text).split("\n\n")):
        if block.startswith("Exit status: 0"):  # it has a section
            continue
        if number:
            yield ".PP"
        if block.startswith("\b"):
            yield from _verbatim(block[1:].strip("\n"))
        else:
            yield _text(" ".join(block.split()))


def _verbatim(text: str) -> list[str]:
    lines = textwrap.dedent(text).splitlines()
    return [".RS 4", ".nf", *(_text(line, is_verbatim=True) for line in lines), ".fi", ".RE"] if lines else []


def _defined(title: str, terms: dict[str, str]) -> Iterator[str]:
    if terms:
        yield f".SH {_quoted(title)}"
    for term, text in terms.items():
        yield from (".TP", _term(term), _text(text))


def _term(text: str) -> str:
    """Make an option bold, but not the placeholder after it."""
    if not text.startswith("-"):
        return _bold(text)
    return re.sub(r"(?:(?<=^)|(?<=[ /]))--?[\w-]+", lambda found: f"\x01{found[0]}\x02", text).translate(_ESCAPES)


_ESCAPES = str.maketrans({"\\": "\\e", "-": "\\-", "\x01": "\\fB", "\x02": "\\fR"})


def _bold(text: str) -> str:
    return f"\\fB{_text(text)}\\fR"


def _text(text: str, *, is_verbatim: bool = False) -> str:
    """Text in ASCII that roff prints as it is. Except in verbatim text, `words` in backquotes become bold."""
    if not is_verbatim:
        text = re.sub(r"`([^`]+)`", "\x01\\1\x02", text)
    text = "".join(each if ord(each) < 128 else f"\x03[u{ord(each):04X}]" for each in text.translate(_ESCAPES))
    text = text.replace("\x03", "\\")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def main(directory: Path) -> None:
    """Write the manual pages of zdev to DIRECTORY, which is made if missing.

    man finds those in ~/.local/share/man/man1, or in share/man/man1 beside a bin of PATH.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in pages().items():
            (directory / name).write_text(text, encoding="ascii")
    except OSError as error:
        click.echo(f"{__package__}.manual: cannot write {error.filename}: {error.strerror}", err=True)
        raise SystemExit(Status.UNAVAILABLE) from None


if __name__ == "__main__":
    main(prog_name=f"python -m {__package__}.manual")
