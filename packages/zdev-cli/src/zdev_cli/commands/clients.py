"""`zdev pub`, `sub`, `push`, `pull`, `req` and `rep`: small clients, to try a device."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from .._failure import Failure, Status
from .._words import endpoint_of
from .client_options import output_options, receiver_options, sender_options

if TYPE_CHECKING:
    from ..traffic.printer import Printer
    from ..traffic.receiver import Receiver

CAPACITY = 100_000  # messages that may wait to be shown


@click.command(
    epilog="""\b
Example:
  zdev pub tcp://127.0.0.1:5557 --topic prices. 12.5
  sent 1 message, 11 B
  tail -f app.log | zdev pub tcp://127.0.0.1:5557 --topic log.
"""
)
@sender_options
@click.option("--topic", metavar="TEXT", help="Text to send as the first frame.")
@click.option("--no-wait", is_flag=True, help="Do not wait for a subscriber.")
def pub(topic: str | None, no_wait: bool, **options: Any) -> None:
    """Publish messages, as a PUB.

    The frames of one message are the FRAMEs or the files; without them, each line of stdin is a message. Waits for a subscriber of
    the first message. Later messages without a subscriber are not sent, and are counted. Waits for slow subscribers.

    Exit status 69: no subscriber within --timeout.
    """
    _send("PUB", options, topic=topic, wait=not no_wait)


@click.command(
    epilog="""\b
Example:
  zdev push tcp://127.0.0.1:5557 "job {n}" --counter "{n}" --count 100 --rate 10
  sent 100 messages, 692 B
  zdev push tcp://127.0.0.1:5557 --separator , < jobs.csv
"""
)
@sender_options
def push(**options: Any) -> None:
    """Send messages, as a PUSH.

    The frames of one message are the FRAMEs or the files; without them, each line of stdin is a message. Waits for a peer, and for
    room: nothing is dropped here.

    Exit status 69: no peer, or it did not accept the messages, within --timeout.
    """
    _send("PUSH", options)


@click.command(
    epilog="""\b
Example:
  zdev req tcp://127.0.0.1:5559 hello
  HELLO
  sent 1 message, 5 B; received 1 reply, 5 B
"""
)
@output_options
@sender_options
def req(output: str | None, **options: Any) -> None:
    """Send requests, as a REQ, and print the replies.

    The frames of one request are the FRAMEs or the files; without them, each line of stdin is a request. Each is sent after the
    reply to the previous one.

    Exit status 69: no peer, or no reply, within --timeout.
    """
    from ..traffic.printer import Printer

    _send("REQ", options, Printer(_line_of(output, options["separator"] or " ")))


def _send(
    kind: str, options: dict[str, Any], printer: Printer | None = None, topic: str | None = None, *, wait: bool = True
) -> None:
    from .._progress import say
    from .._units import amount_text
    from ..clients.outgoing import Outgoing
    from ..clients.source import Source
    from ..traffic.sender import Sender

    access = {"bind": options["bind"], "security": options["security"]}
    endpoints = _checked([options["endpoint"], *options["more"]], bind=options["bind"])
    frames = _frames_of(options["frames"], options["files"])
    texts = {name: os.fsencode(text) for name in ("separator", "counter") if (text := options[name])}
    source = Source(frames, options["count"], None if topic is None else os.fsencode(topic), **texts)
    replies: dict[str, Any] = {"on_reply": lambda message: printer.show([message])} if printer else {}
    with Sender(endpoints, kind, timeout=options["timeout"], quiet=True, **access, **replies) as sender:
        outgoing = Outgoing(sender, source, rate=options["rate"], wait=wait, timeout=options["timeout"])
        try:
            outgoing.run()
            sender.finish()
        finally:
            received = f"; received {amount_text(printer.printed, 'reply', printer.bytes)}" if printer else ""
            if not options["quiet"] or outgoing.unsent:
                say(outgoing.summary() + received)
            if sender.broken:
                say(sender.warning())


def _frames_of(frames: Sequence[str], files: Sequence[BinaryIO]) -> tuple[bytes, ...]:
    if frames and files:
        raise click.UsageError("--file cannot be used with FRAME arguments")
    return tuple(os.fsencode(each) for each in frames) or tuple(each.read() for each in files)


def _checked(endpoints: Sequence[str], *, bind: bool) -> list[str]:
    try:
        return [endpoint_of(each, connects=not bind) for each in endpoints]
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@click.command(
    epilog="""\b
Example:
  zdev sub tcp://127.0.0.1:5558 --topic prices. --count 1
  connected to tcp://127.0.0.1:5558
  prices. 12.5
  received 1 message, 11 B
"""
)
@receiver_options
@click.option("--topic", "topics", metavar="TEXT", multiple=True, help="Prefix to subscribe to. May be repeated. Default: all.")
def sub(topics: tuple[str, ...], **options: Any) -> None:
    """Subscribe, as a SUB, and print the messages.

    One line per message: control characters are escaped as in JSON, and frames that are not text are shown in hex, after 0x.
    Messages that arrive faster than they can be printed are dropped silently by the publisher. Ends on SIGINT, SIGTERM, or when
    its output is closed.
    """
    _receive("SUB", options, topics=[os.fsencode(each) for each in topics], capacity=CAPACITY)


@click.command(
    epilog="""\b
Example:
  zdev pull tcp://127.0.0.1:5558 --length
  connected to tcp://127.0.0.1:5558
  1 frame   5 B  "job 1"
"""
)
@receiver_options
def pull(**options: Any) -> None:
    """Receive messages, as a PULL, and print them.

    One line per message: control characters are escaped as in JSON, and frames that are not text are shown in hex, after 0x.
    Messages that have arrived and were not printed are lost when it ends. Ends on SIGINT, SIGTERM, or when its output is closed.
    """
    _receive("PULL", options)


@click.command(
    epilog="""\b
Example:
  zdev rep tcp://127.0.0.1:5560 --command "tr a-z A-Z"
  connected to tcp://127.0.0.1:5560
  hello
"""
)
@receiver_options
@click.option("--reply", "replies", metavar="TEXT", multiple=True, help="Frame of the reply. May be repeated.")
@click.option("--command", metavar="COMMAND", help="Command that prints the reply. Its stdin is the request.")
@click.option(
    "--command-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds that the command may take.",
)
def rep(replies: tuple[str, ...], command: str | None, command_timeout: float, **options: Any) -> None:
    """Answer requests, as a REP, and print them.

    A reply repeats the request, is the --reply, or is the output of the --command, which runs once per request and without a
    shell. A command that fails, takes too long or prints more than 16 MiB is reported on stderr, and the reply is empty. Ends on
    SIGINT, SIGTERM, or when its output is closed.
    """
    if replies and command:
        raise click.UsageError("--reply cannot be used with --command")
    frames = [os.fsencode(each) for each in replies]
    _receive("REP", options, answer=lambda receiver: _answer_of(receiver, frames, command, command_timeout))


_Answer = Callable[[list[bytes]], list[bytes]]


def _answer_of(receiver: Receiver, frames: list[bytes], command: str | None, timeout: float) -> _Answer:
    if command is None:
        return lambda request: frames or request
    from ..clients.answer import Command

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise click.UsageError(f"--command {command!r}: {error}") from None
    if not words:
        raise click.UsageError("--command is empty")
    runner = Command(words, timeout, receiver)
    return lambda request: [runner.answer(request)]


def _receive(kind: str, options: dict[str, Any], answer: Callable[[Receiver], _Answer] | None = None, **more: Any) -> None:
    from .._progress import say
    from .._units import amount_text
    from ..traffic.printer import Printer, print_messages
    from ..traffic.receiver import Receiver

    access = {name: options[name] for name in ("bind", "security", "quiet")}
    endpoints = _checked(options["endpoints"], bind=options["bind"])
    printer = Printer(_line_of(options["output"], options["separator"]), limit=options["count"])
    with Receiver(kind, endpoints, **access, **more) as receiver:
        receiver.end_with(sys.stdout.fileno())
        reply = answer(receiver) if answer else None
        try:
            print_messages(receiver, printer, options["timeout"], reply and (lambda each: receiver.reply(reply(each))))
        finally:
            if not options["quiet"]:
                say(f"received {amount_text(printer.printed, 'message', printer.bytes)}")
        if not receiver.stopped and not printer.printed:
            text = f"no message at {receiver.endpoint} within {options['timeout']:g} s"
            raise Failure(f"{text}: check that messages are sent, and that this is the right endpoint", Status.UNAVAILABLE)


def _line_of(output: str | None, separator: str) -> Callable[[list[bytes]], str | bytes]:
    from ..traffic.line import frames_line, json_frames, text_line

    if output == "json":
        return lambda frames: json_frames(frames, datetime.now().astimezone())
    if output == "raw":
        return b"".join
    return frames_line if output == "length" else lambda frames: text_line(frames, separator)
