"""The CURVE keys of a peer, from files that `zdev key new` made."""

from typing import Any

import zmq
import zmq.auth


def connect(socket: zmq.Socket[Any], endpoint: str, name: str) -> None:
    """Connect a socket to zdev as the user `name`."""
    socket.curve_publickey, secret = zmq.auth.load_certificate(f"{name}/{name}.key_secret")
    socket.curve_secretkey = secret or b""
    socket.curve_serverkey, _ = zmq.auth.load_certificate("keys/zdev.key")
    socket.connect(endpoint)
