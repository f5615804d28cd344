"""Sends the messages of a source at a rate, and counts."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from .._failure import Failure, Status
from .._units import amount_text

if TYPE_CHECKING:
    from ..traffic.sender import Sender
    from .source import Source


class Outgoing:
    """rate: messages per second; None: as fast as the peer accepts them. wait: for a peer, before the first message.

    timeout: seconds until a REQ must have its reply.
    """

    def __init__(self, sender: Sender, source: Source, *, rate: float | None, wait: bool, timeout: float) -> None:
        self.messages = 0
        self.bytes = 0
        self._taken = 0  # from the source
        self._unwanted = 0  # without a subscriber
        self._sender = sender
        self._source = source
        self._rate = rate
        self._wait = wait
        self._timeout = timeout

    @property
    def unsent(self) -> int:
        """Messages that were not sent, as far as that is known."""
        return max(self._taken, self._source.planned or 0) - self.messages

    def run(self) -> None:
        """Until all are sent, or a signal comes. Raises Failure when no peer takes them, or a reply is missing."""
        begin = None
        for frames in self._source.messages(self._sender):
            self._taken += 1
            if self._wait and self._taken == 1:
                self._sender.wait_for_peer(frames)
            now = monotonic()
            begin = now if begin is None else begin
            due = begin + (self._taken - 1) / self._rate if self._rate else now
            if (due > now and not self._sender.pause_until(due)) or not self._send(frames):
                break
        if not self._sender.stopped:
            self._sender.poll(0)

    def _send(self, frames: list[bytes]) -> bool:
        """False when a signal came instead."""
        if self._sender.kind == "PUB" and not self._sender.has_subscriber(frames):
            self._unwanted += 1
            self._sender.poll(0)
            return not self._sender.stopped
        if not self._sender.send(frames):
            return False
        self.messages += 1
        self.bytes += sum(map(len, frames))
        return self._sender.kind != "REQ" or self._reply_came()

    def _reply_came(self) -> bool:
        self._sender.wait_for_replies(self.messages, self._timeout)
        if self._sender.replies < self.messages and not self._sender.stopped:
            text = f"no reply from {self._sender.endpoint} within {self._timeout:g} s: check that a worker is connected"
            raise Failure(f"{text}, or wait longer with --timeout", Status.UNAVAILABLE)
        return not self._sender.stopped

    def summary(self) -> str:
        """Like "sent 10 messages, 52 B"."""
        parts = [f"sent {amount_text(self.messages, 'message', self.bytes)}"]
        if self._unwanted:
            parts.append(f"{self._unwanted:,} not sent: no subscriber")
        if self.unsent > self._unwanted:
            parts.append(f"{self.unsent - self._unwanted:,} not sent")
        return "; ".join(parts)
