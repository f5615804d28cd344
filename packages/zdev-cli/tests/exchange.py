"""A queue in a configuration file, and a request and its reply through it."""

from __future__ import annotations

import zmq

ANY = "tcp://127.0.0.1:*"


def queue(name: str, more: str = "", front: str = ANY, back: str = ANY) -> str:
    return f"""
[[device]]
name = "{name}"
type = "queue"
in.bind = "{front}"
out.bind = "{back}"
{more}
"""


def exchange(client: zmq.Socket[bytes], worker: zmq.Socket[bytes], text: bytes) -> None:
    """One request and its reply."""
    client.send(text)
    assert worker.recv() == text
    worker.send(text.upper())
    assert client.recv() == text.upper()
