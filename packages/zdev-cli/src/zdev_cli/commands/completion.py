"""`zdev completion`: what makes a shell complete zdev's commands, options and device names."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

import click

from .._words import COMPLETION_VARIABLE

_DEADLINE = 3.0  # seconds until a shell that waits for completions gets none

EXAMPLES = """\b
Example:
  zdev completion bash > ~/.local/share/bash-completion/completions/zdev
  zdev completion zsh > ~/.zfunc/_zdev       if ~/.zshrc has fpath+=~/.zfunc before compinit
  zdev completion fish > ~/.config/fish/completions/zdev.fish

\b
Example for the running shell only (for bash and zsh):
  source <(zdev completion bash)
"""


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    It makes SHELL complete commands, options, files and names of devices. SHELL is bash (4.4 or newer), zsh or fish. Write the
    script to the file of the example, in an existing directory, and start a new shell. Names of devices are those of the running
    zdev that the command would ask; none if no zdev runs.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind
    script = kind(ctx.find_root().command, {}, "zdev", COMPLETION_VARIABLE)
    click.echo(ShellComplete.source(script), nl=False)  # that of bash's class would run bash, to check its version


def answer_shell(cli: click.Command) -> NoReturn:
    """Print the completions of the program `cli` that a shell asks for by its environment, and end.

    Prints nothing else, and ends within the deadline: the user is typing.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, _DEADLINE)
    with suppress(Exception, SystemExit, KeyboardInterrupt):
        cli.main(prog_name="zdev", standalone_mode=False, complete_var=COMPLETION_VARIABLE)
    with suppress(Exception):
        sys.stdout.flush()
    os._exit(0)
