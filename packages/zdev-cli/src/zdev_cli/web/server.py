"""The listening socket, and the threads behind it."""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from ssl import SSLContext
from typing import Any

from waitress.server import TcpWSGIServer  # type: ignore[import-untyped]
from waitress.task import ThreadedTaskDispatcher  # type: ignore[import-untyped]

from .._failure import Failure, Status
from ..config.http_access import OPEN_ACCESS, Access
from ..snapshot import Snapshot
from ..snapshot.peers import PeerView
from ..snapshot.requests import WorkerView
from .application import Application, no_workers
from .channel import GRACE, Channel, TlsChannel

CONNECTIONS = 256  # at once; those beyond wait until one is closed, or the one idle longest makes room
BACKLOG = 1024  # connections that wait; the system may allow fewer
CONNECTION_TIMEOUT = 10  # seconds for a request to come and its answer to leave; and that a connection may idle
HEADER_BYTES = 16 * 1024
BODY_BYTES = 1024  # no request needs one
THREADS = 4
STOP_TIMEOUT = 2.0  # seconds for answers being made


class _Server(TcpWSGIServer):  # type: ignore[misc]
    """Accepts a connection when there is room; until then it waits in the backlog, and its client is only delayed."""

    tls: SSLContext | None = None
    """For new connections."""
    _paused_until = 0.0

    def readable(self) -> bool:
        has_room = len(self.active_channels) < CONNECTIONS
        return bool(super().readable()) and has_room and time.time() >= self._paused_until

    def accept(self) -> tuple[socket.socket, Any] | None:
        """Accept. After an error, such as EMFILE, the listener stays readable: do not poll it for a moment."""
        context = self.tls
        self.channel_class = TlsChannel if context else Channel
        try:
            accepted: tuple[socket.socket, Any] | None = super().accept()
        except OSError:
            self._paused_until = time.time() + GRACE
            raise
        if accepted is None or context is None:
            return accepted
        connection, address = accepted
        try:
            connection.getpeername()
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address
        except OSError:  # its client has left
            connection.close()
            return None

    def serve(self) -> None:
        """Serve until the listener and every connection are closed."""
        while self._map:
            is_full = len(self.active_channels) >= CONNECTIONS
            if is_full and _is_readable(self.socket):
                self._make_room()
            waits = is_full or time.time() < self._paused_until
            self.asyncore.loop(GRACE if waits else 1.0, use_poll=True, map=self._map, count=1)

    def _make_room(self) -> None:
        """Close the connection that has been idle longest, if there is one, and no request of it has arrived."""
        now = time.time()
        channels = self.active_channels.values()
        idle = [each for each in channels if not each.requests and each.last_activity <= now - each.grace]
        for each in sorted(idle, key=lambda each: each.last_activity):
            if not _is_readable(each.socket):
                each.handle_close()
                return


class WebServer:
    """Serves what `snapshot` returns, from start() to stop(), in separate threads. `snapshot` is called in any of them.

    `given`: a socket that listens already, which it closes at the end.
    """

    def __init__(
        self,
        listen: str,
        snapshot: Callable[[], Snapshot],
        peers: Callable[[str], list[PeerView]],
        given: socket.socket | None = None,
        *,
        workers: Callable[[str], list[WorkerView]] = no_workers,
        access: Access = OPEN_ACCESS,
    ) -> None:
        self._listen = listen
        self._given = given
        self._workers = workers
        self.access = access
        self._snapshot, self._peers = snapshot, peers
        self._server: Any = None  # of waitress, which has no types
        self._thread: threading.Thread | None = None
        self.address = listen
        """HOST:PORT; while it runs, with the port that was bound."""

    def start(self) -> None:
        """Bind and serve. Raises Failure if that is impossible."""
        logging.getLogger("waitress").addHandler(logging.NullHandler())  # errors of clients are not logged
        listener = self._given or _bound(self._listen)
        host, port = listener.getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(THREADS)
        self._server = _Server(
            Application(self._snapshot, self._peers, self.address, workers=self._workers, access=lambda: self.access),
            _sock=listener,
            bind_socket=False,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            dispatcher=dispatcher,
            backlog=BACKLOG,
            connection_limit=2 * CONNECTIONS,  # out of reach: there, it would accept none
            channel_timeout=CONNECTION_TIMEOUT,
            cleanup_interval=1,
            max_request_header_size=HEADER_BYTES,
            max_request_body_size=BODY_BYTES,
            log_socket_errors=False,
            ident=None,
        )
        self.set_access(self.access)
        self._thread = threading.Thread(target=self._server.serve, name="zdev-http", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http{'s' if self.access.tls else ''}://{self.address}/"

    def set_access(self, access: Access) -> None:
        """Ask for these credentials from now on, and serve new connections with this certificate."""
        self.access = access
        self._server.tls = access.tls

    def listening_socket(self) -> socket.socket | None:
        """Return a duplicate of the socket on which it listens, while it runs."""
        listener: socket.socket | None = self._server and self._server.socket.dup()
        return listener

    def stop(self) -> None:
        """Finish pending answers, close every connection, and free the port. A second call does nothing."""
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        self._server = self._thread = None
        server.task_dispatcher.shutdown(timeout=STOP_TIMEOUT)
        server.trigger.pull_trigger(lambda: _leave(server))  # in its own thread
        thread.join()
        server.close()


def _is_readable(readable: socket.socket) -> bool:
    poll = select.poll()
    poll.register(readable, select.POLLIN)
    return bool(poll.poll(0))


def _leave(server: Any) -> None:
    """Close everything that the server's thread waits for.

    The trigger stays open: an earlier pull may have had this called, while the later one is about to write to it.
    """
    for channel in list(server.active_channels.values()):
        channel.handle_close()
    server.del_channel()
    server.trigger.del_channel()


def _bound(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (host and port.isascii() and port.isdigit() and int(port) <= 65535):
        text = f"http: invalid address {listen!r}: write HOST:PORT, like 127.0.0.1:9595"
        raise Failure(text, Status.CONFIGURATION)
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)  # localhost: 127.0.0.1 before ::1
        return socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None) or 0  # below 0: of getaddrinfo
        why = os.strerror(number) if number > 0 else getattr(error, "strerror", None) or error
        advice = "stop the program that uses it, or set another `listen` in [http] (port 0 takes any free one)"
        raise Failure(f"http: cannot listen on {listen}: {why}: {advice}", Status.UNAVAILABLE) from error
