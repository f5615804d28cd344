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
@click.option("--interval", default=1.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Print the table once, as text.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print all there is as JSON, as zdev status does.")
@control_option
def top(interval: float, once: bool, as_json: bool, control: str | None) -> None:
    """Watch and steer the devices of a running zdev on the whole terminal.

    A line a device: state, messages and bytes a second each way, messages in flight, drops, back-pressure, restarts. Below it
    the selected one: the last minute's rates, its sockets, what it dropped and why. Keys pause, resume, drain and start it;
    ? tells them all. When zdev goes away, the screen says so and waits for it to come back.
    """
    if as_json and not once:
        raise click.UsageError("--json is for --once")
    if once:
        _print_once(control, as_json)
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("top draws on a terminal, and this is none: add --once")
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
