"""Connect a socket to every address of a name, such as every replica behind a headless Service.

libzmq connects to one address of a name. This module looks up all addresses every second, connects to new ones, and disconnects from
those that are gone.
"""

from __future__ import annotations

import argparse
import socket
import threading
import time
from typing import Any

import zmq
import zmq.auth

LOOKUP_INTERVAL = 1.0  # seconds between two lookups of the name
KEEP_CONNECTED = 60.0  # seconds to keep a connection after its address is gone: a draining replica still answers


class Following:
    """Keeps a socket connected to every address of a name.

    The caller owns the socket, and calls `follow` about once a second in the thread that uses the socket.

    Args:
        zmq_socket: The socket to connect.
        name: HOST:PORT, where HOST may have several addresses.
    """

    def __init__(self, zmq_socket: zmq.Socket[bytes], name: str) -> None:
        self._socket = zmq_socket
        self._host, _, self._port = name.rpartition(":")
        self._found: set[str] = set()
        self._seen: dict[str, float] = {}  # connected endpoints, and when each was last an address of the name
        threading.Thread(target=self._look_up, name=f"lookup of {self._host}", daemon=True).start()

    def follow(self) -> None:
        """Connect to new addresses, and disconnect from those that have been gone for a while."""
        now = time.monotonic()
        for endpoint in self._found:
            if endpoint not in self._seen:
                self._socket.connect(endpoint)
            self._seen[endpoint] = now
        for endpoint in [endpoint for endpoint, seen in self._seen.items() if now - seen > KEEP_CONNECTED]:
            self._socket.disconnect(endpoint)
            del self._seen[endpoint]

    def _look_up(self) -> None:
        """Run in a separate thread, because a lookup may block. A lookup that fails changes nothing."""
        while True:
            try:
                found = {str(each[4][0]) for each in socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)}
            except OSError:
                found = set()
            if found:
                self._found = {
                    f"tcp://[{each}]:{self._port}" if ":" in each else f"tcp://{each}:{self._port}" for each in found
                }
            time.sleep(LOOKUP_INTERVAL)


def argument_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that client and worker share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("name", metavar="HOST:PORT", help="address of the devices; HOST may have several addresses")
    parser.add_argument("--key", metavar="FILE", help="secret key of this program (NAME.key_secret of zdev key new)")
    parser.add_argument("--server-key", metavar="FILE", help="public key of the devices")
    return parser


def new_socket(context: zmq.Context[Any], kind: int, options: argparse.Namespace) -> zmq.Socket[bytes]:
    """Return a socket with options for replicas that come and go."""
    made: zmq.Socket[bytes] = context.socket(kind)
    made.linger = 0
    made.ipv6 = True
    made.immediate = True  # do not queue messages for a replica that is gone
    made.reconnect_ivl, made.reconnect_ivl_max = 100, 2000  # ms
    made.connect_timeout = 1000  # ms
    # TCP detects a host that vanished. TCP_MAXRT also cuts off a device that has no room, and loses the messages on their way; the
    # client sends them again. Without such a client, use keepalive alone.
    made.tcp_keepalive, made.tcp_keepalive_idle, made.tcp_keepalive_intvl, made.tcp_keepalive_cnt = 1, 5, 2, 3  # s, s, probes
    made.tcp_maxrt = 10_000  # ms without an acknowledgement
    if options.key:
        made.curve_publickey, secret = zmq.auth.load_certificate(options.key)
        made.curve_secretkey = secret or b""
        made.curve_serverkey, _ = zmq.auth.load_certificate(options.server_key)
    return made
