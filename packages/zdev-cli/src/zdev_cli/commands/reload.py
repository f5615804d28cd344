"""`zdev reload`: have a running zdev do what its file says by now."""

from __future__ import annotations

import click

from ..control.client import ask, control_option

EXAMPLES = """\b
Example:
  zdev reload
  orders: unchanged
  billing: restarted, drained in 0.2 s
  audit: started
"""


@click.command(epilog=EXAMPLES)
@control_option
def reload(control: str | None) -> None:
    """Have a running zdev read its configuration file again, and tell what it did.

    Devices whose configuration has not changed are not touched. Changed ones are drained, stopped and started; those that are
    in the file no longer are drained and stopped. A file with a fault changes nothing: all faults are told, exit status 78.
    Exit status 75 if a drain took longer than its drain_timeout. SIGHUP does the same.
    """
    from ..control.protocol import Request

    for line in ask(Request(verb="reload"), control, timeout=None).lines:
        click.echo(line)
