"""A connection of a client, with and without TLS."""

from __future__ import annotations

import os
import select
import ssl
import time
from contextlib import suppress

from waitress.channel import HTTPChannel  # type: ignore[import-untyped]

GRACE = 0.1  # seconds that a connection may be idle before it makes room: its request may be on its way
HANDSHAKE_GRACE = 1.0  # the same during a TLS handshake, which takes two round trips and both sides' computing
LONGEST_REQUEST = 1024 * 1024  # bytes read of a request without TLS
RECORD = 16 * 1024  # bytes: a record of TLS, so that none of it stays in OpenSSL, where poll() does not see it

_ADVICE = b"this address is served with TLS: use https://\n"
_TLS_REQUIRED = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_ADVICE),
    _ADVICE,
)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection. Bytes that trickle in or out are not activity: they would keep it open indefinitely."""

    grace = GRACE
    _last_activity = 0.0

    @property
    def last_activity(self) -> float:
        return self._last_activity

    @last_activity.setter
    def last_activity(self, now: float) -> None:
        if self.request is None and not self.total_outbufs_len:
            self._last_activity = now


class TlsChannel(Channel):
    """A connection with TLS. The event loop makes its handshake without blocking, in the time that a connection may idle.

    A connection of OpenSSL must not be used by two threads at a time: all use of it holds `outbuf_lock`.
    """

    grace = HANDSHAKE_GRACE
    _handshake: int | None = select.POLLIN
    """The event that the handshake waits for; None: it is done."""

    def readable(self) -> bool:
        if self._handshake is None:
            return bool(super().readable())
        return self._handshake == select.POLLIN and not self.will_close

    def writable(self) -> bool:
        if self._handshake is None:
            return bool(super().writable())
        return self._handshake == select.POLLOUT or self.will_close

    def handle_read(self) -> None:
        if self._handshake is not None:
            self._shake_hands()
            return
        try:
            with self.outbuf_lock:
                data = self.socket.recv(RECORD)
        except ssl.SSLWantReadError:  # a part of a record has arrived
            return
        except OSError:
            data = b""
        if data:
            self.last_activity = time.time()
            self.received(data)
        else:
            self.handle_close()

    def handle_write(self) -> None:
        if self._handshake is None or self.will_close:
            super().handle_write()
        else:
            self._shake_hands()

    def send(self, data: bytes, do_close: bool = True) -> int:  # noqa: ARG002
        """Return how many bytes were sent. The caller closes after an error."""
        try:
            with self.outbuf_lock:
                return int(self.socket.send(data))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def handle_close(self) -> None:
        with self.outbuf_lock:
            if self.socket is not None:  # else it is closed already
                with suppress(OSError, ValueError):
                    self.socket.unwrap()  # says that nothing was cut off, and does not wait for an answer
            super().handle_close()

    def _shake_hands(self) -> None:
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._handshake = select.POLLIN
        except ssl.SSLWantWriteError:
            self._handshake = select.POLLOUT
        except (OSError, ValueError) as error:
            if isinstance(error, ssl.SSLError) and error.reason == "HTTP_REQUEST":
                self._ask_for_tls()
            self.handle_close()
        else:
            self._handshake, self.grace = None, GRACE
            self.last_activity = time.time()

    def _ask_for_tls(self) -> None:
        """Answer a request without TLS. The rest of it is read, or the system would reset the connection before the client reads."""
        descriptor = self.socket.fileno()
        with suppress(OSError):
            os.write(descriptor, _TLS_REQUIRED)
            os.read(descriptor, LONGEST_REQUEST)
