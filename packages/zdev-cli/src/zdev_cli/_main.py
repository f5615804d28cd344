"""The program: its commands, and how it ends."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from shutil import get_terminal_size

import click

from ._failure import STATUS_TEXTS, Failure, Status
from ._terminal import let_errors_get_lost, use_characters_of_locale
from ._words import COMPLETION_VARIABLE, printable

_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # a full disk; a terminal that was closed

WIDEST = 100  # columns of a help text

SECTIONS = {
    "Run": ("run", "init", "validate", "schema", "key"),
    "Control": ("reload", "pause", "resume", "drain", "stop", "start", "restart", "kick", "shutdown"),
    "Watch": ("status", "peers", "workers", "top", "tap"),
    "Record": ("record", "replay", "info"),
    "Measure": ("bench",),
    "Clients": ("pub", "sub", "push", "pull", "req", "rep"),
    "Shell": ("completion",),
}
_SHARED_MODULES = {
    name: module for section, module in (("Control", "steer"), ("Clients", "clients")) for name in SECTIONS[section]
}


class NarrowFormatter(click.HelpFormatter):
    """Leaves half of a narrow terminal to the texts of options, which click would make wider than the terminal."""

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl(rows, min(col_max, max(8, self.width // 2 - 4)), col_spacing)


click.Context.formatter_class = NarrowFormatter


class Commands(click.Group):
    """The commands of the package `commands`, whose modules are imported when a command is asked for."""

    def list_commands(self, _: click.Context) -> list[str]:
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            near = get_close_matches(name, self.list_commands(ctx), 1)
            ctx.fail(f"no such command {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
        module = importlib.import_module(f"{__package__}.commands.{_SHARED_MODULES.get(name, name)}")
        command = getattr(module, name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for section, names in SECTIONS.items():
            with formatter.section(section):
                rows = [
                    (f"{name:<{width}}", cmd.get_short_help_str(80)) for name in names if (cmd := self.get_command(ctx, name))
                ]
                formatter.write_dl(rows)

    def format_epilog(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write_dl(
            [
                ("Documentation:", documentation()),
                (
                    "Manual pages:",
                    f"man zdev, man zdev-run and so on, if installed (see python -m {__package__}.manual --help)",
                ),
            ]
        )


def documentation() -> str:
    """Return the address of the documentation, from the metadata of the package."""
    from importlib.metadata import metadata

    addresses = metadata("zdev-cli").get_all("Project-URL") or []
    return next(str(each).partition(", ")[2] for each in addresses if str(each).startswith("Documentation"))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
    help=f"""ZeroMQ devices: relays between two sockets.

    Exit status: {"; ".join(f"{int(status)} {text}" for status, text in STATUS_TEXTS.items())}.
    """,
)
@click.version_option(package_name="zdev-cli", message="%(prog)s %(version)s")
def cli() -> None:
    """The program."""


def main() -> None:
    """Run `zdev` on this process's arguments; raises SystemExit with the exit status."""
    _open_closed_streams()
    if COMPLETION_VARIABLE in os.environ:
        from .commands.completion import answer_shell

        answer_shell(cli)
    let_errors_get_lost()
    use_characters_of_locale()
    sys.exit(_status())


def _open_closed_streams() -> None:
    """Open the null device in place of standard streams that are closed (`>&-`).

    Otherwise a socket could take such a descriptor, and be written to as a stream; and Python has None for the stream.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _status() -> int:
    try:
        # cli.main() would end a command whose reader has left with status 1.
        with cli.make_context("zdev", sys.argv[1:], terminal_width=_help_width()) as context:
            status: int = cli.invoke(context) or Status.OK
            sys.stdout.flush()
            return status
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        return _say(error.format_message(), Status.USAGE)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "zdev"
        return _say(f"{path}: {' '.join(error.format_message().split())} (see '{path} --help')", Status.USAGE)
    except Failure as failure:
        return _say("\n".join(map(printable, failure.report.split("\n"))), failure.status)
    except BrokenPipeError:  # the reader of a pipe has seen enough (`| head`)
        _discard_output()
        return Status.OK
    except (click.Abort, KeyboardInterrupt):
        return Status.OK
    except Exception as error:  # noqa: BLE001 - the exit status reports it
        if isinstance(error, OSError) and error.errno in _OUTPUT_ERRORS:
            _discard_output()
            return _say(f"zdev: cannot write the output: {error.strerror}", Status.UNAVAILABLE)
        traceback.print_exc()
        return _say("zdev: this is a bug in zdev; please report the lines above", Status.INTERNAL)


def _help_width() -> int:
    """Return the columns of help texts. click would not go below 50, whatever the terminal has."""
    return max(20, min(WIDEST, get_terminal_size().columns) - 2)


def _say(text: str, status: int) -> int:
    click.echo(text, err=True)
    return status


def _discard_output() -> None:
    """Drop what could not be written; otherwise the flush at exit would retry, complain and set another status."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
