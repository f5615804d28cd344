"""The side of the running zdev: a thread that takes requests, answers status itself and has others answered in threads."""

from __future__ import annotations

import logging
import os
import queue
import socket as sockets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import zmq

from zdev_background import SocketSpec

from .._failure import Failure, Status
from . import audit
from .audit import who_sent
from .place import locked, make_directory
from .protocol import Reply, Request

LARGEST_REQUEST = 65536  # bytes; libzmq hangs up on who sends more
MOST_AT_ONCE = 64  # requests under way
LINGER = 200  # ms for the last replies

logger = logging.getLogger("zdev.service")


class ControlServer:
    """Answers requests at the socket `path`, from start() to stop().

    answer: called in the server's own thread for status, which must be quick, and in a thread of its own for all else.
    """

    def __init__(self, path: Path, answer: Callable[[Request], Reply]) -> None:
        self.endpoint = f"ipc://{path}"
        self._path = path
        self._answer = answer
        self._replies: queue.SimpleQueue[list[bytes]] = queue.SimpleQueue()
        self._under_way = 0
        self._over = False

    def start(self) -> None:
        """Raises Failure when it can't listen there, also because another zdev does."""
        make_directory(self._path)
        if self._path.exists() and not self._path.is_socket():
            raise Failure(f"control socket {self._path}: there is a file that is no socket: name another", Status.UNAVAILABLE)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        spec = SocketSpec("ctrl", zmq.ROUTER, binds=[self.endpoint])
        spec.options += [(zmq.MAXMSGSIZE, LARGEST_REQUEST), (zmq.LINGER, LINGER), (zmq.ROUTER_MANDATORY, 0)]
        umask = os.umask(0o177)
        try:
            with locked(self._path.parent):  # between the look whether somebody listens there and the bind
                self._opened = spec.open(self._context, "zdev")
        except zmq.ZMQError as error:
            self._context.term()
            raise Failure(self._why(error), Status.UNAVAILABLE) from error
        finally:
            os.umask(umask)
        self._reader, self._writer = sockets.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._thread = threading.Thread(target=self._serve, name="zdev control", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send the replies that are there, then close and remove the socket."""
        self._over = True
        self._wake()
        self._thread.join()
        self._context.term()
        self._reader.close()
        self._writer.close()

    def remove(self) -> None:
        """The socket alone, when there is no time for more."""
        self._path.unlink(missing_ok=True)

    def _why(self, error: zmq.ZMQError) -> str:
        if error.errno == zmq.EADDRINUSE:
            return f"another zdev answers at {self._path}: end it, or give this one a socket of its own with --control"
        return f"control socket {self._path}: {error.strerror or error}"

    def _serve(self) -> None:
        try:
            self._serve_until_over(self._opened.socket)
        except Exception:
            logger.exception("control: no command is taken any more: this is a bug in zdev")
        finally:
            self._opened.close()

    def _serve_until_over(self, socket: zmq.Socket[bytes]) -> None:
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(self._reader.fileno(), zmq.POLLIN)
        while not self._over:
            ready = dict(poller.poll())
            self._send_replies(socket)
            if socket in ready:
                self._take(socket, socket.recv_multipart(copy=False))
        self._send_replies(socket)

    def _send_replies(self, socket: zmq.Socket[bytes]) -> None:
        with suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        with suppress(queue.Empty):
            while True:
                message = self._replies.get_nowait()
                self._under_way -= 1
                socket.send_multipart(message)

    def _take(self, socket: zmq.Socket[bytes], frames: list[zmq.Frame]) -> None:
        message, who = [frame.bytes for frame in frames], who_sent(frames[-1])
        if len(message) != 3 or message[1]:
            audit.log_nonsense(who, "not of a REQ socket")
            return  # nobody would understand the reply
        envelope, body = message[:2], message[2]
        try:
            request = msgspec.json.decode(body, type=Request)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            audit.log_nonsense(who, str(error))
            body = msgspec.json.encode(Reply(status=Status.USAGE, lines=[f"this is no request: {error}"]))
        else:
            if request.verb == "status":
                _, body = self._safely(request)
            elif self._under_way < MOST_AT_ONCE:
                self._under_way += 1
                work = (envelope, who, request)
                threading.Thread(target=self._work, args=work, name="zdev command", daemon=True).start()
                return
            else:
                text = f"{MOST_AT_ONCE} commands are under way: try again when some are done"
                reply = Reply(status=Status.UNAVAILABLE, lines=[text])
                audit.log_outcome(who, request, reply)
                body = msgspec.json.encode(reply)
        socket.send_multipart([*envelope, body])

    def _work(self, envelope: list[bytes], who: str, request: Request) -> None:
        audit.log_command(who, request)
        reply, body = self._safely(request)
        audit.log_outcome(who, request, reply)
        self._replies.put([*envelope, body])
        self._wake()

    def _safely(self, request: Request) -> tuple[Reply, bytes]:
        """The reply, and as it is sent."""
        try:
            reply = self._answer(request)
            return reply, msgspec.json.encode(reply)
        except Failure as failure:
            reply = _refusal(failure.status, str(failure))
        except Exception as error:
            logger.exception("%s %s: this is a bug in zdev", request.verb, request.device or "")
            reply = _refusal(Status.INTERNAL, f"{type(error).__name__}: {error}: this is a bug in zdev; see its log")
        return reply, msgspec.json.encode(reply)

    def _wake(self) -> None:
        with suppress(OSError):  # full: it will wake up all the same
            self._writer.send(b"!")


def _refusal(status: Status, text: str) -> Reply:
    """Paths may have bytes that are not UTF-8."""
    return Reply(status=status, lines=text.encode(errors="backslashreplace").decode().splitlines())
