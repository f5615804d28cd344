"""The server side: a Unix socket on which one thread serves all clients; each command runs in a separate thread.

It is not a ZeroMQ socket: libzmq aborts the process when it accepts a connection on ipc and no file descriptor is left.
"""

from __future__ import annotations

import logging
import os
import queue
import selectors
import socket as sockets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import msgspec

from .._failure import Failure, Status
from .connection import Connection, log_command, log_invalid, log_outcome, peer_of
from .protocol import WATCHING, Reply, Request
from .reserve import Reserve
from .socket_path import listen

CONNECTIONS = 128  # one more takes the place of the one that has waited longest for its client
COMMANDS = 64  # at once
SUCCESSORS = 16  # at once; they keep their connection for as long as they run
TIMEOUT = 10.0  # seconds for a client to send its request, and as long to read its answer
LINGER = 0.2  # seconds for the last answers when zdev ends
TICK = 0.5  # seconds between checks of deadlines, and before accepting again after no descriptor was left

logger = logging.getLogger("zdev.service")


class ControlServer:
    """Answers requests at the socket `path`, from start() to stop().

    answer: called in the server's thread for status, which must be quick, and in a separate thread for all other commands. It
    may return sockets with the reply, which are sent with it and closed.
    """

    def __init__(self, path: Path, answer: Callable[[Request], Reply | tuple[Reply, list[sockets.socket]]]) -> None:
        self.endpoint = f"unix://{os.fsencode(path).decode(errors='backslashreplace')}"
        self.path = path
        self._answer = answer
        self._connections: set[Connection] = set()
        self._done: queue.SimpleQueue[tuple[Connection, bytes, list[sockets.socket]]] = queue.SimpleQueue()
        self._running = 0  # commands
        self._mute_until = 0.0
        self._over = self._is_handed_over = False
        self._thread: threading.Thread | None = None

    def start(self, listener: sockets.socket | None = None) -> None:
        """Listen and serve. Raises Failure when that is impossible, also because another zdev listens there.

        Args:
            listener: The socket of a zdev that hands it over; None: a new one.
        """
        self._listener = listener or listen(self.path)
        self._inode = self.path.stat().st_ino
        self._reserve = Reserve()
        self._reader, self._writer = sockets.socketpair()
        for each in (self._listener, self._reader, self._writer):
            each.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._reader, selectors.EVENT_READ, self._wake_up)
        self._thread = threading.Thread(target=self._serve, name="zdev control", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send pending answers, then close and remove the socket. Does nothing if it was not started."""
        if self._thread is None:
            return
        self._over = True
        self._wake()
        self._thread.join()
        self.remove()
        self._selector.close()
        self._reserve.close()
        for each in (self._listener, self._reader, self._writer):
            each.close()

    def listening_socket(self) -> sockets.socket:
        """Return a duplicate of the socket on which it listens."""
        return self._listener.dup()

    def hand_over(self) -> None:
        """Leave the socket, and further connections, to another zdev that has it. Commands that have arrived are answered."""
        self._is_handed_over = True
        self._wake()

    def remove(self) -> None:
        """Remove the socket's file, unless another program has replaced or taken it, or it was never made."""
        if self._thread is None or self._is_handed_over:
            return
        with suppress(OSError):
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()

    def _serve(self) -> None:
        try:
            while not self._over:
                self._turn(TICK)
            self._turn(0)
            until = monotonic() + LINGER
            while (self._running or any(each.reply for each in self._connections)) and monotonic() < until:
                self._turn(LINGER / 10)
        except Exception:
            logger.exception("control: no command is accepted any more: this is a bug in zdev")
        for each in list(self._connections):
            self._close(each)

    def _turn(self, timeout: float) -> None:
        """Serve connections that are ready, and close those past their deadline."""
        for key, _ in self._selector.select(timeout):
            key.data()
        with suppress(queue.Empty):
            while True:
                connection, body, attached = self._done.get_nowait()
                self._running -= 1
                connection.attached, connection.stays = attached, connection.stays or bool(attached)
                self._reply(connection, body)
        now = monotonic()
        for each in [each for each in self._connections if each.deadline < now]:
            self._close(each)
        if self._mute_until and now >= self._mute_until and not self._is_handed_over:
            self._mute_until = 0.0
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._reserve.fill()

    def _accept(self) -> None:
        try:
            accepted = self._reserve.accept(self._listener)
        except OSError as error:
            logger.warning("control: cannot accept a connection: %s", error.strerror)
            self._make_room()
            self._selector.unregister(self._listener)  # it stays readable
            self._mute_until = monotonic() + TICK
            return
        if accepted is None:
            return
        if len(self._connections) >= CONNECTIONS:
            self._make_room()
        connection = Connection(accepted, peer_of(accepted), monotonic() + TIMEOUT)
        self._connections.add(connection)
        self._await_request(connection, connection.deadline)

    def _await_request(self, connection: Connection, deadline: float) -> None:
        connection.deadline = deadline
        with suppress(KeyError):
            self._selector.unregister(connection.socket)
        self._selector.register(connection.socket, selectors.EVENT_READ, lambda: self._receive(connection))

    def _make_room(self) -> None:
        """Close the connection that has waited longest for its client. One whose command is running waits for zdev."""
        oldest = min(self._connections, key=lambda each: each.deadline, default=None)
        if oldest and oldest.deadline < float("inf"):
            self._close(oldest)

    def _receive(self, connection: Connection) -> None:
        try:
            line = connection.receive()
        except ValueError as error:
            self._refuse(connection, str(error))
            return
        except OSError:
            self._close(connection)
            return
        if line is None:
            return
        if not line:  # it only probed whether somebody listens here
            self._close(connection)
            return
        try:
            request = msgspec.json.decode(line, type=Request)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._refuse(connection, str(error))
            return
        self._begin(connection, request)

    def _begin(self, connection: Connection, request: Request) -> None:
        if request.verb == "status":
            self._reply(connection, self._safely(request)[1])
        elif request.verb == "hand-over" and not connection.stays:
            self._refuse(connection, "hand-over must follow listeners, on the same connection")
        elif request.verb == "listeners" and sum(each.stays for each in self._connections) >= SUCCESSORS:
            self._turn_away(connection, request, f"{SUCCESSORS} programs are taking over: try again when some have ended")
        elif self._running < COMMANDS:
            self._running += 1
            self._selector.unregister(connection.socket)
            connection.deadline = float("inf")
            threading.Thread(target=self._work, args=(connection, request), name="zdev command", daemon=True).start()
        else:
            self._turn_away(connection, request, f"{COMMANDS} commands are running: try again when some are done")

    def _turn_away(self, connection: Connection, request: Request, why: str) -> None:
        reply = Reply(status=Status.UNAVAILABLE, lines=[why])
        log_outcome(connection.peer, request, reply)
        self._reply(connection, msgspec.json.encode(reply))

    def _refuse(self, connection: Connection, why: str) -> None:
        log_invalid(connection.peer, why)
        self._reply(connection, msgspec.json.encode(Reply(status=Status.USAGE, lines=[f"invalid request: {why}"])))

    def _work(self, connection: Connection, request: Request) -> None:
        """In a separate thread."""
        is_logged = request.verb not in WATCHING
        if is_logged:
            log_command(connection.peer, request)
        reply, body, attached = self._safely(request)
        if is_logged:
            log_outcome(connection.peer, request, reply)
        connection.ends_with_process = request.verb == "shutdown" and reply.status in (Status.OK, Status.DRAIN_TIMED_OUT)
        self._done.put((connection, body, attached))
        self._wake()

    def _safely(self, request: Request) -> tuple[Reply, bytes, list[sockets.socket]]:
        """Return the reply, its encoding, and the sockets that go with it."""
        try:
            answer = self._answer(request)
            reply, attached = answer if isinstance(answer, tuple) else (answer, [])
            return reply, msgspec.json.encode(reply), attached
        except Failure as failure:
            reply = _refusal(failure.status, str(failure))
        except Exception as error:
            logger.exception("%s %s: this is a bug in zdev", request.verb, request.device or "")
            reply = _refusal(Status.INTERNAL, f"{type(error).__name__}: {error}: this is a bug in zdev; see its log")
        return reply, msgspec.json.encode(reply), []

    def _reply(self, connection: Connection, body: bytes) -> None:
        connection.reply, connection.deadline = body + b"\n", monotonic() + TIMEOUT
        with suppress(KeyError):  # it is not watched while its command runs
            self._selector.unregister(connection.socket)
        self._selector.register(connection.socket, selectors.EVENT_WRITE, lambda: self._send(connection))
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        try:
            connection.send()
        except OSError:  # the client has left
            connection.reply, connection.stays = b"", False
        if connection.reply:
            return
        if connection.stays:
            self._await_request(connection, float("inf"))
        else:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        if connection not in self._connections:  # closed just now, in favour of another
            return
        self._connections.remove(connection)
        connection.forget_attached()
        with suppress(KeyError):
            self._selector.unregister(connection.socket)
        if connection.ends_with_process:
            connection.socket.detach()
        else:
            self._reserve.release(connection.socket)

    def _wake(self) -> None:
        with suppress(OSError):  # full: it wakes up all the same
            self._writer.send(b"!")

    def _wake_up(self) -> None:
        if self._is_handed_over:
            with suppress(KeyError):
                self._selector.unregister(self._listener)
        with suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass


def _refusal(status: Status, text: str) -> Reply:
    """Make a reply of an error, whose paths may have bytes that are not UTF-8."""
    return Reply(status=status, lines=text.encode(errors="backslashreplace").decode().splitlines())
