"""`zdev top`: the devices of a running zdev, live."""

from __future__ import annotations

import sys

import click

from ..control.client import ask, control_option

EXAMPLES = """\b
Example:
  zdev top
  zdev top --once --json | jq '.devices[] | {name, in_flight}'
"""


@click.command(epilog=EXAMPLES)
@click.option("--interval", default=1.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Seconds between updates.")
@click.option("--once", is_flag=True, help="Print the table once, as zdev status does.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print the whole snapshot as JSON.")
@control_option
def top(interval: float, once: bool, as_json: bool, control: str | None) -> None:
    """Watch and control the devices of a running zdev, full screen.

    One line per device: state, messages and bytes per second in both directions, messages in flight, drops, back-pressure,
    restarts. Below, the selected device: rates of the last minute, sockets, drops by reason. Keys pause, resume, drain,
    stop, restart and start it; ? lists them. When the connection to zdev is lost, the screen says so and reconnects.
    """
    if as_json and not once:
        raise click.UsageError("--json requires --once")
    if once:
        _print_once(control, as_json)
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("standard input and output must be a terminal: add --once for text")
    else:
        _draw(control, interval)


def _print_once(control: str | None, as_json: bool) -> None:
    from ..control.protocol import Request

    snapshot = ask(Request(verb="status"), control).snapshot
    assert snapshot
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(snapshot)))
    else:
        from ..snapshot.display import show_all

        show_all(snapshot)


def _draw(control: str | None, interval: float) -> None:
    """Textual takes signals and the terminal while it runs, and gives them back."""
    from ..screen.app import Top

    Top(control, interval).run()
