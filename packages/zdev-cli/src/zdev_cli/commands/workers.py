"""`zdev workers`: the workers of the devices of a running zdev."""

from __future__ import annotations

import click

from ..control.client import ask, control_option, device_names

EXAMPLES = """\b
Example:
  zdev workers orders
  zdev workers --json | jq '.[] | select(.failed > 0) | .address'
"""


@click.command(epilog=EXAMPLES)
@click.argument("device", required=False, shell_complete=device_names)
@click.option("--json", "as_json", is_flag=True, help="Print the workers as JSON, with all their fields.")
@control_option
def workers(device: str | None, as_json: bool, control: str | None) -> None:
    """Show the workers of DEVICE, or of all devices with [device.workers].

    ID is the number for zdev drain DEVICE --worker. STATE is starting: it has not said that it is ready; idle; busy; draining: it
    gets no more requests, and has some; drained: it has none; set-aside: its requests have failed, and it gets none for the time
    BACK IN; or leaving. MEAN, P50 and P99 are times from a request to its reply. Columns that are empty or do not fit the terminal
    are left out.
    """
    from ..control.protocol import Request
    from ..snapshot.worker_table import TABLE

    found = ask(Request(verb="workers", device=device), control).workers or []
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found)))
    else:
        TABLE.show(found, one_device=device is not None)
