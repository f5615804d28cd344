"""The program: its commands, and how it ends."""

from __future__ import annotations

import os
import sys
import traceback

import click

from ._failure import Failure, Status
from .commands.run import run
from .commands.tap import tap


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="zdev-cli", message="%(prog)s %(version)s")
def cli() -> None:
    """ZeroMQ devices: relays between two sockets.

    Exit status: 0 done, or ended by SIGINT or SIGTERM; 64 the command line makes no sense; 69 an endpoint is not available,
    or nothing came from it; 70 an error while running.
    """


cli.add_command(run)
cli.add_command(tap)


def main() -> None:
    """Run `zdev` on this process's arguments; raises SystemExit with the exit status."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that can't show a character gets its number
    sys.exit(_status())


def _status() -> int:
    try:
        return cli.main(prog_name="zdev", standalone_mode=False) or Status.OK
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "zdev"
        return _say(f"{path}: {' '.join(error.format_message().split())} (see '{path} --help')", Status.USAGE)
    except Failure as failure:
        return _say(f"zdev: {failure}", failure.status)
    except BrokenPipeError:  # the reader of a pipe has seen enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else the flush at exit would complain
        return Status.OK
    except (click.Abort, KeyboardInterrupt):
        return Status.OK
    except Exception:  # noqa: BLE001 - whatever it is, the status tells
        traceback.print_exc()
        return _say("zdev: this is a bug in zdev; please report the lines above", Status.INTERNAL)


def _say(text: str, status: int) -> int:
    click.echo(text, err=True)
    return status
