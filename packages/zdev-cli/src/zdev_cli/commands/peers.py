"""`zdev peers`: the connections of the devices of a running zdev."""

from __future__ import annotations

import click

from ..control.client import ask, control_option, device_names

EXAMPLES = """\b
Example:
  zdev peers orders
  zdev peers orders --sort waiting
  zdev peers --json | jq '.[] | select(.state == "blocked") | .address'
"""
KEYS = (
    *("device", "id", "role", "state", "address", "user", "routing-id", "type", "protocol", "received", "received-b"),
    *("sent", "sent-b", "waiting", "flight", "dropped", "subs", "age"),
)


@click.command(epilog=EXAMPLES)
@click.argument("device", required=False, shell_complete=device_names)
@click.option("--json", "as_json", is_flag=True, help="Print the peers as JSON, with all their fields.")
@click.option(
    "--sort",
    "key",
    type=click.Choice(KEYS),
    metavar="COLUMN",
    help=f"Column to sort by: {', '.join(KEYS)}. Default: role, then id.",
)
@control_option
def peers(device: str | None, as_json: bool, key: str | None, control: str | None) -> None:
    """Show every connection of DEVICE, or of all devices.

    ID is the number for zdev kick. STATE is handshake; up; blocked: messages wait for it and its queue is full; held: its
    messages cannot be delivered, so it is not read; or, for an endpoint without a connection, connecting, retrying or
    disconnected. Columns that are empty or do not fit the terminal are left out. Only the wire engine knows its peers.
    """
    from ..control.protocol import Request
    from ..snapshot.peer_table import show_peers, sorted_by

    reply = ask(Request(verb="peers", device=device), control)
    found = sorted_by(key, reply.peers or [])
    for line in reply.lines:
        click.echo(line, err=True)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found)))
    else:
        show_peers(found, one_device=device is not None)
