"""`zdev pause`, `resume`, `drain`, `stop`, `start`, `restart`, `reload`, `kick` and `shutdown`: commands to a running zdev."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .._failure import Failure, Status
from ..control.client import Dialog, NotRunning, Refusal, ask, control_option, device_names

if TYPE_CHECKING:
    from ..control.protocol import Request, Verb


def _steering_command(verb: Verb, text: str, example: str, worker: str = "") -> click.Command:
    """`zdev VERB DEVICE...`. text: its help; worker: that of its option --worker, if it has one."""

    @click.argument("devices", metavar="DEVICE...", nargs=-1, shell_complete=device_names)
    @click.option("--all", "every", is_flag=True, help="All devices.")
    @control_option
    def command(devices: tuple[str, ...], every: bool, control: str | None, worker: int | None = None) -> None:
        from ..control.protocol import Request

        _check(devices, worker, every=every)
        names = list(dict.fromkeys(devices))
        if len(names) == 1:
            _print_answer(Request(verb=verb, device=names[0], worker=worker), control)
        else:
            _print_answer(Request(verb=verb, devices=names, all=every), control)

    if worker:
        command = click.option("--worker", metavar="ID", type=click.IntRange(min=1), help=worker)(command)
    return click.command(verb, help=text, epilog=f"\b\nExample:\n{example}")(command)


def _check(devices: tuple[str, ...], worker: int | None, *, every: bool) -> None:
    if every and devices:
        raise click.UsageError("--all cannot be used with DEVICE")
    if worker is not None and len(devices) != 1:
        raise click.UsageError("--worker needs one DEVICE")
    if not (every or devices):
        raise click.UsageError("missing DEVICE: name one or more devices, or pass --all")


def _print_answer(request: Request, control: str | None) -> None:
    for line in ask(request, control, timeout=None).lines:
        click.echo(line)


pause = _steering_command(
    "pause",
    """\
Hold the messages of devices; none is lost.

Senders fill their own queues, then wait. The pause lasts until zdev resume, also when the device fails and is restarted.
""",
    """\
  zdev pause orders
  orders: paused
""",
)
resume = _steering_command(
    "resume",
    """\
Resume paused devices.

With --worker, give requests again to one worker of a queue that knows its workers.
""",
    """\
  zdev resume orders
  orders: resumed
""",
    worker="Worker that gets requests again: the ID that zdev workers shows.",
)
drain = _steering_command(
    "drain",
    """\
Stop devices once all pending replies have been returned.

They accept no more requests, and stay stopped until zdev start. Of several, those that feed others come first. Exit status 75
if the drain was cut short: by its drain_timeout, by zdev stop, or because a slow receiver had not taken all messages when LINGER
ended.

With --worker, DEVICE runs on, and one worker of a queue that knows its workers gets no more requests. It finishes those that it
has: zdev workers then shows it as drained.
""",
    """\
  zdev drain orders
  orders: drained in 0.2 s
  zdev drain --all
  zdev drain orders --worker 17
  orders: worker 17 at tcp://10.0.0.7:40312 gets no more requests
""",
    worker="Worker that gets no more requests: the ID that zdev workers shows.",
)
stop = _steering_command(
    "stop",
    """\
Stop devices without waiting for replies. They stay stopped until zdev start.

Messages that a device has received are sent on, within the LINGER of its sockets. Of several, those that feed others come first.
""",
    """\
  zdev stop orders
  orders: stopped
""",
)
start = _steering_command(
    "start",
    """\
Start stopped, failed or waiting devices immediately.

Exit status 69 if one cannot be started; further attempts follow its restart setting.
""",
    """\
  zdev start orders
  orders: started
""",
)
restart = _steering_command(
    "restart",
    """\
Drain devices, then start them again.

Exit status 75 if the drain was cut short, as for zdev drain.
""",
    """\
  zdev restart orders
  orders: drained in 0.2 s
  orders: started
""",
)


@click.command(
    epilog="""\b
Example:
  zdev reload
  orders: changed live: in: max_connections 10 -> 20
  billing: restarted (in: type changed), drained in 0.2 s
  audit: started
  zdev reload --dry-run
  orders: would change live: in.max_connections 20 -> 30
  billing: unchanged
  audit: would be drained and removed
  nothing was changed (--dry-run)
"""
)
@click.option("--dry-run", is_flag=True, help="Only print what would change, and which devices would restart.")
@control_option
def reload(dry_run: bool, control: str | None) -> None:
    """Reload the configuration file of a running zdev, and print what changed.

    Devices whose configuration is unchanged are not touched. A device on the wire engine is changed live if a running device can
    take the changes; other changed devices are drained and started again. Removed devices are drained and stopped. A file with
    errors changes nothing: all errors are printed, with exit status 78. Exit status 75 if a drain was cut short. SIGHUP does the
    same.
    """
    from ..control.protocol import Request

    _print_answer(Request(verb="reload", dry_run=dry_run), control)


@click.command(
    epilog="""\b
Example:
  zdev shutdown
  orders: drained in 0.2 s
  billing: drained in 0.0 s
  shut down
"""
)
@click.option("--now", is_flag=True, help="Stop the devices without waiting for replies.")
@control_option
def shutdown(now: bool, control: str | None) -> None:
    """Drain all devices of a running zdev, end it, and wait until it has ended.

    It ends as on SIGTERM, within the drain_timeout of its devices. During a drain, --now ends it. Exit status 75 if replies
    did not come: because a drain timed out, or with --now. A service manager may start zdev again; under systemd, use systemctl
    stop.
    """
    from ..control.protocol import Request

    dialog = Dialog(control)
    with dialog.socket:
        try:
            lines, refusal = dialog.ask(Request(verb="shutdown", now=now), waits=True).lines, None
        except NotRunning:
            text = f"the zdev at {dialog.path} ended before all devices were drained (by a second signal, or a crash)"
            raise Failure(text, Status.DRAIN_TIMED_OUT) from None
        except Refusal as error:
            if error.status != Status.DRAIN_TIMED_OUT:
                raise
            lines, refusal = [], error
        dialog.await_end()
    for line in lines:
        click.echo(line)
    if refusal:
        raise refusal
    click.echo("shut down")


@click.command(
    epilog="""\b
Example:
  zdev kick orders 17
  orders: kicked peer 17 of in, anna at tcp://10.0.0.7:40312
"""
)
@click.argument("device", shell_complete=device_names)
@click.argument("peer", type=click.IntRange(min=1))
@control_option
def kick(device: str, peer: int, control: str | None) -> None:
    """End the connection of PEER, the ID that zdev peers DEVICE shows.

    Messages that wait for the peer go to others if any of these would do; otherwise they are lost and counted. Most peers connect
    again. Exit status 69 if there is no such connection.
    """
    from ..control.protocol import Request

    _print_answer(Request(verb="kick", device=device, peer=peer), control)
