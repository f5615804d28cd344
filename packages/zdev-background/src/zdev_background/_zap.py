"""The ZAP handler of a device's context (RFC 27): answers libzmq's authentication requests, by pyzmq's zmq.auth."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import zmq
from zmq.auth.base import Authenticator

from ._keys import Passwords
from ._refusals import RefusalLog
from ._security import Server
from ._threads import start_thread


class ZapHandler(Authenticator):
    """Answers in its own thread until the context is terminated. Make it before the first socket of the context binds.

    Args:
        context: Whose connections it authenticates.
        owner: The device, for log lines.
        servers: By ZAP domain. Their sockets have ZAP_ENFORCE_DOMAIN, so that libzmq refuses everybody where no handler answers.
            Peers of any other domain are refused.
        own_threads: Takes the identifier of the thread, in which the log handlers of the application run too.
    """

    def __init__(
        self, context: zmq.Context[Any], owner: str, servers: Mapping[str, Server], own_threads: set[int] | None = None
    ) -> None:
        # At level DEBUG zmq.auth logs passwords: a logger that no configuration reaches.
        super().__init__(context, log=logging.Logger("zmq.auth", logging.CRITICAL))  # noqa: LOG001
        self._own_threads = set() if own_threads is None else own_threads
        self._request: list[bytes] = []
        self._refusals = RefusalLog(owner)
        for domain, server in servers.items():
            server.guard(self, domain)
        self.start()
        try:
            start_thread(self._answer, f"{owner} ZAP")
        except BaseException:
            self.stop()  # else the context could never be terminated
            raise

    def _answer(self) -> None:
        self._own_threads.add(threading.get_ident())
        with self.zap_socket as socket, suppress(zmq.ContextTerminated):
            while True:
                self._handle_request(socket.recv_multipart())

    def _handle_request(self, request: list[bytes]) -> None:
        """Answer [version, request id, domain, address, routing id, mechanism, credentials ...]."""
        self._request = request
        if request[5:6] not in ([b"CURVE"], [b"PLAIN"]):  # zmq.auth lets NULL in
            self._send_zap_reply(request[1], b"400", b"No such mechanism")
            return
        try:
            # It never waits: nothing that it calls does, and so needs no event loop.
            with suppress(StopIteration):
                self.handle_zap_message(request).send(None)
        except Exception as error:  # noqa: BLE001 - a handler that ended would refuse everybody
            self._send_zap_reply(request[1], b"500", f"nobody may connect: {error}".encode())

    def _authenticate_plain(self, domain: str, username: str, password: str) -> tuple[bool, bytes]:
        passwords: Any = self.passwords.get(domain)
        is_known = isinstance(passwords, Passwords) and passwords.match(username, password)
        return is_known, b"Wrong name or password"

    def _send_zap_reply(self, request_id: bytes, status_code: bytes, status_text: bytes, user_id: str = "anonymous") -> None:
        if status_code != b"200":
            self._log_refusal(status_code, status_text)
        super()._send_zap_reply(request_id, status_code, status_text[:255], user_id)

    def _log_refusal(self, status_code: bytes, status_text: bytes) -> None:
        _, _, domain, address, _, mechanism, *credentials = self._request
        key = credentials[0] if mechanism == b"CURVE" and credentials else b""
        level = logging.ERROR if status_code == b"500" else logging.WARNING
        role, where, reason = (each.decode(errors="replace") for each in (domain, address, status_text))
        self._refusals.add(role, where, reason, key, level)
