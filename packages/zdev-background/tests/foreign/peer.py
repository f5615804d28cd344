"""The peer in Python: `peer.py MODULE TYPE bind|connect ENDPOINT ROUTING_ID`, where MODULE is zmq or pyomq."""

from __future__ import annotations

import importlib
import sys

module, kind, how, endpoint, routing_id = sys.argv[1:]
zmq = importlib.import_module(module)
socket = zmq.Context().socket(getattr(zmq, kind))
socket.setsockopt(zmq.LINGER, 1000)
socket.setsockopt(zmq.SNDTIMEO, 10_000)
if routing_id:
    socket.setsockopt(zmq.ROUTING_ID, routing_id.encode())
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
