"""The peer in Python: `peer.py MODULE TYPE bind|connect ENDPOINT ROUTING_ID [SECURITY]`, where MODULE is zmq or pyomq."""

from __future__ import annotations

import importlib
import sys
import threading
from typing import Any

module, kind, how, endpoint, routing_id, *security = sys.argv[1:]
zmq = importlib.import_module(module)
context = zmq.Context()
socket = context.socket(getattr(zmq, kind))


def answer_zap(handler: Any, admitted: list[bytes]) -> None:
    """Admit a name with its password (RFC 27)."""
    while True:
        version, request, _, _, _, _, *given = handler.recv_multipart()
        handler.send_multipart([version, request, b"200" if given == admitted else b"400", b"", b"", b""])


def secure(mechanism: str, *words: bytes) -> None:
    """Give the socket a mechanism; the words are those of the package's docstring."""
    if mechanism.startswith("curve"):
        socket.curve_publickey, socket.curve_secretkey, *server = words
        if server:
            (socket.curve_serverkey,) = server
        else:
            socket.curve_server = True
    elif mechanism == "plain-client":
        socket.plain_username, socket.plain_password = words
    elif module == "zmq":
        handler = context.socket(zmq.REP)
        handler.bind("inproc://zeromq.zap.01")
        threading.Thread(target=answer_zap, args=[handler, [*words]], daemon=True).start()
        socket.plain_server = True
    else:
        socket.set_plain_auth([tuple(word.decode() for word in words)])
        socket.plain_server = True


socket.setsockopt(zmq.LINGER, 1000)
socket.setsockopt(zmq.SNDTIMEO, 10_000)
if routing_id:
    socket.setsockopt(zmq.ROUTING_ID, routing_id.encode())
if security:
    secure(security[0], *(word.encode() for word in security[1:]))
getattr(socket, how)(endpoint)
print(zmq.__version__, flush=True)
for line in sys.stdin:
    word, text = line[0], line[1:].rstrip("\n")
    if word == "<":
        try:
            socket.setsockopt(zmq.RCVTIMEO, int(text))
            print(",".join(bytes(frame).hex() for frame in socket.recv_multipart()), flush=True)
        except zmq.Again:
            print("nothing", flush=True)
        continue
    frames = [bytes.fromhex(frame) for frame in text.split(",")]
    if word == ">":
        socket.send_multipart(frames)
    else:
        socket.setsockopt(zmq.SUBSCRIBE if word == "+" else zmq.UNSUBSCRIBE, frames[0])
socket.close()
