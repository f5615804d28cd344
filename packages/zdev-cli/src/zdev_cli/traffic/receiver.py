"""A socket that receives: SUB, PULL or REP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import zmq

from .client_socket import ClientSocket


class Receiver(ClientSocket):
    """While entered, a socket of the type `kind`; options are those of `ClientSocket`.

    topics: prefixes that a SUB subscribes to; none for all. capacity: messages that may wait here; beyond them a PUB drops.
    """

    def __init__(
        self, kind: str, endpoints: Sequence[str], *, topics: Sequence[bytes] = (), capacity: int = 1000, **options: Any
    ) -> None:
        super().__init__(kind, endpoints, **options)
        self._topics = topics or (b"",)
        self._capacity = capacity

    def _set_options(self) -> None:
        self._socket.linger = 0
        self._socket.rcvhwm = self._capacity
        if self.kind == "SUB":
            for topic in self._topics:
                self._socket.subscribe(topic)

    def wait(self, seconds: float | None) -> bool:
        """Whether there are messages, within so many seconds. Raises Failure when the socket there cannot be the wanted peer."""
        return self._socket in self._poll(seconds, zmq.POLLIN)

    def take(self, most: int) -> list[list[bytes]]:
        """Up to so many messages that are here already, each a list of frames."""
        taken: list[list[bytes]] = []
        receive = self._socket.recv  # recv_multipart asks for RCVMORE after each frame, which takes longer than the frame
        try:
            while len(taken) < most:
                frame = receive(zmq.NOBLOCK, copy=False)
                message = [frame.bytes]
                while frame.more:
                    frame = receive(copy=False)
                    message.append(frame.bytes)
                taken.append(message)
        except zmq.Again:
            pass
        return taken

    def reply(self, frames: Sequence[bytes]) -> None:
        """Answer the request that a REP took last."""
        self._socket.send_multipart(frames)
