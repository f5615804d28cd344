"""`zdev tap`: print what passes through a device, from its mon socket."""

from __future__ import annotations

import sys
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

import click

from .._failure import Failure, Status, status_of
from .._line import message_line
from .._signals import StopSignals
from .._sockets import checked
from .._words import endpoint_of

if TYPE_CHECKING:
    import zmq

EXAMPLES = """\b
Example:
  zdev tap tcp://127.0.0.1:5561
  20:31:05.123  in   3 frames  5+0+11 B  0x006b8b4567 "" "hello world"
  20:31:05.124  out  3 frames  5+0+11 B  0x006b8b4567 "" "HELLO WORLD"
"""


@click.command(epilog=EXAMPLES)
@click.argument("endpoint", callback=checked(endpoint_of))
@click.option("--limit", type=click.IntRange(min=1), help="End after so many messages.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="End after so many seconds without a message.")
def tap(endpoint: str, limit: int | None, timeout: float | None) -> None:
    """Print what passes through a device.

    ENDPOINT is that of the device's mon socket, of type PUB or XPUB. A line a message: local time, direction (the prefix), number of frames, their sizes in bytes, and the frames: text in
    quotes, anything else in hex, long ones cut. Ends on SIGINT, SIGTERM, or when nobody reads its output any more. Whether
    the device is there is told on stderr.
    """
    with StopSignals() as stop:
        import zmq

        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.linger = 0
            socket.subscribe(b"")
            link = _Link(socket, endpoint)
            try:
                socket.connect(endpoint)
            except zmq.ZMQError as error:
                text = f"cannot connect to {endpoint}: {zmq.strerror(error.errno or 0)}; write it like tcp://127.0.0.1:5561"
                raise Failure(text, status_of(error.errno)) from error
            try:
                _print_messages(socket, link, stop, limit, timeout)
            finally:
                link.close()


def _print_messages(
    socket: zmq.Socket[bytes], link: _Link, stop: StopSignals, limit: int | None, timeout: float | None
) -> None:
    import zmq

    poller = zmq.Poller()
    for readable in (socket, link.events, stop.fileno()):
        poller.register(readable, zmq.POLLIN)
    poller.register(sys.stdout.fileno(), zmq.POLLERR)  # a pipe whose reader has gone
    seen, last = 0, monotonic()
    while limit is None or seen < limit:
        left = None if timeout is None else max(0.0, last + timeout - monotonic())
        ready = dict(poller.poll(None if left is None else int(left * 1000) + 1))
        if stop.fileno() in ready or sys.stdout.fileno() in ready:
            return
        if link.events in ready:
            link.report()
        if socket in ready:
            print(message_line(socket.recv_multipart(), datetime.now()), flush=True)
            seen, last = seen + 1, monotonic()
        elif timeout is not None and monotonic() >= last + timeout:
            break
    if not seen:
        advice = "is the device running, is this its mon endpoint, and does anything pass through it?"
        raise Failure(f"no message from {link.endpoint} within {timeout:g} s: {advice}", Status.UNAVAILABLE)


class _Link:
    """The connection to the device: each change of it is a line on stderr."""

    def __init__(self, socket: zmq.Socket[bytes], endpoint: str) -> None:
        from zmq import Event

        self.endpoint = endpoint
        self._said = ""
        self._shaking_hands = False
        self._socket = socket
        watched = Event.CONNECT_RETRIED | Event.CONNECTED | Event.HANDSHAKE_SUCCEEDED | Event.DISCONNECTED
        self.events = socket.get_monitor_socket(watched | _handshake_failed())

    def report(self) -> None:
        """Read one event and tell it. Raises Failure when what listens there can't be a mon socket."""
        from zmq import Event
        from zmq.utils.monitor import recv_monitor_message

        event = recv_monitor_message(self.events)["event"]
        if event == Event.HANDSHAKE_SUCCEEDED:
            self._say(f"connected to {self.endpoint}")
        elif event == Event.CONNECT_RETRIED:
            self._say(f"nobody answers at {self.endpoint}: waiting for it")
        elif event & _handshake_failed() or (event == Event.DISCONNECTED and self._shaking_hands):
            # libzmq doesn't try again then. A peer that minds our type just hangs up.
            text = f"{self.endpoint} is no mon endpoint: no PUB or XPUB socket that lets this program in listens there"
            raise Failure(text, Status.UNAVAILABLE)
        self._shaking_hands = event == Event.CONNECTED

    def _say(self, text: str) -> None:
        if text != self._said:  # libzmq retries ten times a second
            self._said = text
            click.echo(text, err=True)

    def close(self) -> None:
        self._socket.disable_monitor()


def _handshake_failed() -> zmq.Event:
    from zmq import Event

    return Event.HANDSHAKE_FAILED_PROTOCOL | Event.HANDSHAKE_FAILED_NO_DETAIL | Event.HANDSHAKE_FAILED_AUTH
