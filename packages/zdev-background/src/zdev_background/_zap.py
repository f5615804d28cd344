"""The door of a device's context: answers libzmq's question who may come in (ZAP, RFC 27), by pyzmq's zmq.auth."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import zmq
from zmq.auth.base import Authenticator

from ._security import Server
from ._threads import start_thread

logger = logging.getLogger("zdev")

QUIET = 10.0  # seconds between two log lines about refused peers: who knocks a thousand times a second shall not fill the disk


class Door(Authenticator):
    """Answers from when it is made until its context is terminated, in a thread of its own.

    To be made before the first socket of the context binds. servers: by ZAP domain, whose sockets have ZAP_ENFORCE_DOMAIN:
    without a door, libzmq lets nobody in there; and nobody is let in to a domain that is not among them.
    """

    def __init__(self, context: zmq.Context[Any], owner: str, servers: Mapping[str, Server]) -> None:
        # At level DEBUG zmq.auth logs passwords: a logger that no configuration reaches.
        super().__init__(context, log=logging.Logger("zmq.auth", logging.CRITICAL))  # noqa: LOG001
        self._owner = owner
        self._refused = 0
        self._said = float("-inf")
        for domain, server in servers.items():
            server.guard(self, domain)
        self.start()
        start_thread(self._answer, f"{owner} door")

    def _answer(self) -> None:
        with self.zap_socket as socket, suppress(zmq.ContextTerminated):
            while True:
                self._judge(socket.recv_multipart())

    def _judge(self, request: list[bytes]) -> None:
        try:
            # It never waits: nothing that it calls does, and so needs no event loop.
            with suppress(StopIteration):
                self.handle_zap_message(request).send(None)
        except Exception as error:  # noqa: BLE001 - a door that breaks down would stay shut
            logger.error("%s: cannot tell who may connect, so nobody may: %s", self._owner, error)
            self._send_zap_reply(request[1] if len(request) > 1 else b"", b"500", b"Internal error")

    def _send_zap_reply(self, request_id: bytes, status_code: bytes, status_text: bytes, user_id: str = "anonymous") -> None:
        super()._send_zap_reply(request_id, status_code, status_text, user_id)
        if status_code == b"200":
            return
        self._refused += 1
        if time.monotonic() >= self._said + QUIET:
            self._said = time.monotonic()
            logger.warning("%s: refused %d peer(s): %s", self._owner, self._refused, status_text.decode())
            self._refused = 0
