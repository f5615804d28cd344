"""A socket that is connected to every address that a name has: to every replica behind a headless Service.

libzmq takes one address of a name. This takes all, looks again every second, and connects and leaves as they come and go.
"""

from __future__ import annotations

import argparse
import socket
import threading
import time
from typing import Any

import zmq
import zmq.auth

LOOK = 1.0  # seconds between looks at the name
LEAVE = 60.0  # seconds that a connection is kept after its address is gone: a replica that drains still answers


class Following:
    """name: HOST:PORT. The zmq socket stays the caller's, in whose thread `follow` is called, about once a second."""

    def __init__(self, zmq_socket: zmq.Socket[bytes], name: str) -> None:
        self._socket = zmq_socket
        self._host, _, self._port = name.rpartition(":")
        self._found: set[str] = set()
        self._seen: dict[str, float] = {}  # endpoints connected to, and when the name had each last
        threading.Thread(target=self._look, name=f"looks up {self._host}", daemon=True).start()

    def follow(self) -> None:
        now = time.monotonic()
        for endpoint in self._found:
            if endpoint not in self._seen:
                self._socket.connect(endpoint)
            self._seen[endpoint] = now
        for endpoint in [endpoint for endpoint, seen in self._seen.items() if now - seen > LEAVE]:
            self._socket.disconnect(endpoint)
            del self._seen[endpoint]

    def _look(self) -> None:
        """In a thread of its own: a name server may take its time. What it can't tell changes nothing."""
        while True:
            try:
                found = {str(each[4][0]) for each in socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)}
            except OSError:
                found = set()
            if found:
                self._found = {
                    f"tcp://[{each}]:{self._port}" if ":" in each else f"tcp://{each}:{self._port}" for each in found
                }
            time.sleep(LOOK)


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("name", metavar="HOST:PORT", help="of the devices; HOST may have several addresses")
    parser.add_argument("--key", metavar="FILE", help="the own secret key (NAME.key_secret of zdev key new)")
    parser.add_argument("--server-key", metavar="FILE", help="the public key of the devices")
    return parser


def new_socket(context: zmq.Context[Any], kind: int, told: argparse.Namespace) -> zmq.Socket[bytes]:
    """A socket for replicas that come and go."""
    made: zmq.Socket[bytes] = context.socket(kind)
    made.linger = 0
    made.ipv6 = True
    made.immediate = True  # what is sent waits for no replica that is gone
    made.reconnect_ivl, made.reconnect_ivl_max = 100, 2000  # ms
    made.connect_timeout = 1000  # ms
    # A host that vanished is noticed by TCP. TCP_MAXRT cuts off a device without room too, and what it had is lost: the client
    # asks again. Where nobody does, keepalive alone.
    made.tcp_keepalive, made.tcp_keepalive_idle, made.tcp_keepalive_intvl, made.tcp_keepalive_cnt = 1, 5, 2, 3  # s, s, probes
    made.tcp_maxrt = 10_000  # ms without an acknowledgement
    if told.key:
        made.curve_publickey, secret = zmq.auth.load_certificate(told.key)
        made.curve_secretkey = secret or b""
        made.curve_serverkey, _ = zmq.auth.load_certificate(told.server_key)
    return made
