"""`zdev status`: the devices of a running zdev."""

from __future__ import annotations

import click

from .._failure import Status
from ..control.client import ask, control_option, device_names

EXAMPLES = """\b
Example:
  zdev status
  zdev status billing
  zdev status --check >/dev/null && echo ready
  zdev status --json | jq '.devices[] | {name, state}'
"""


@click.command(epilog=EXAMPLES)
@click.argument("device", required=False, shell_complete=device_names)
@click.option("--json", "as_json", is_flag=True, help="Print the whole snapshot as JSON.")
@click.option("--check", is_flag=True, help="Exit with status 69 if zdev is not ready.")
@control_option
def status(device: str | None, as_json: bool, check: bool, control: str | None) -> None:
    """Show the devices of a running zdev, or one in detail.

    State, rates, counters, errors. IN>OUT is in to out, OUT>IN is out to in; /S is per second, B/S bytes per second.
    The last line says whether zdev is ready, as /readyz does; the exit status is 0 all the same, unless --check is given.
    """
    if check and device is not None:
        raise click.UsageError("--check is about all devices: omit DEVICE")
    from ..control.protocol import Request
    from ..snapshot.display import show_all, show_one

    snapshot = ask(Request(verb="status", device=device), control).snapshot
    assert snapshot
    if as_json:
        import msgspec

        shown = snapshot if device is None else snapshot.device(device)
        click.echo(msgspec.json.format(msgspec.json.encode(shown)))
    elif device is None:
        show_all(snapshot)
    elif found := snapshot.device(device):
        show_one(found)
    if check and not snapshot.ready:
        click.get_current_context().exit(Status.UNAVAILABLE)
