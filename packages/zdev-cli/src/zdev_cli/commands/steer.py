"""`zdev pause`, `resume`, `drain`, `stop`, `start`, `restart`, `reload` and `kick`: commands to a running zdev."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..control.client import ask, control_option, device_names

if TYPE_CHECKING:
    from ..control.protocol import Verb


def _steering_command(verb: Verb, text: str, example: str, worker: str = "") -> click.Command:
    """`zdev VERB DEVICE`. text: its help; worker: that of its option --worker, if it has one."""

    @click.argument("device", shell_complete=device_names)
    @control_option
    def command(device: str, control: str | None, worker: int | None = None) -> None:
        _print_answer(verb, device, control, worker=worker)

    if worker:
        command = click.option("--worker", metavar="ID", type=click.IntRange(min=1), help=worker)(command)
    return click.command(verb, help=text, epilog=f"\b\nExample:\n{example}")(command)


def _print_answer(
    verb: Verb, device: str | None, control: str | None, peer: int | None = None, worker: int | None = None
) -> None:
    from ..control.protocol import Request

    for line in ask(Request(verb=verb, device=device, peer=peer, worker=worker), control, timeout=None).lines:
        click.echo(line)


pause = _steering_command(
    "pause",
    """\
Hold the messages of DEVICE; none is lost.

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
Resume a paused device.

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
Stop DEVICE once all pending replies have been returned.

It accepts no more requests, and stays stopped until zdev start. Exit status 75 if the drain was cut short: by its drain_timeout,
by zdev stop, or because a slow receiver had not taken all messages when LINGER ended.

With --worker, the device runs on, and one worker of a queue that knows its workers gets no more requests. It finishes those that it
has: zdev workers then shows it as drained.
""",
    """\
  zdev drain orders
  orders: drained in 0.2 s
  zdev drain orders --worker 17
  orders: worker 17 at tcp://10.0.0.7:40312 gets no more requests
""",
    worker="Worker that gets no more requests: the ID that zdev workers shows.",
)
stop = _steering_command(
    "stop",
    """\
Stop DEVICE without waiting for replies. It stays stopped until zdev start.

Messages that it has received are sent on, within the LINGER of its sockets.
""",
    """\
  zdev stop orders
  orders: stopped
""",
)
start = _steering_command(
    "start",
    """\
Start a stopped, failed or waiting device immediately.

Exit status 69 if it cannot be started; further attempts follow its restart setting.
""",
    """\
  zdev start orders
  orders: started
""",
)
restart = _steering_command(
    "restart",
    """\
Drain DEVICE, then start it again.

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
"""
)
@control_option
def reload(control: str | None) -> None:
    """Reload the configuration file of a running zdev, and print what changed.

    Devices whose configuration is unchanged are not touched. A device on the wire engine is changed live if a running device can
    take the changes; other changed devices are drained and started again. Removed devices are drained and stopped. A file with
    errors changes nothing: all errors are printed, with exit status 78. Exit status 75 if a drain was cut short. SIGHUP does the
    same.
    """
    _print_answer("reload", None, control)


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
    _print_answer("kick", device, control, peer)
