"""Measure the processor time of a device for clients that connect with CURVE: ``python benchmarks/reconnects.py --help``.

Each client is a new libzmq PUSH that shakes hands, sends one message and leaves. Only the device's time counts. The relays
take turns, 500 clients each.
"""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import zmq

from cases import Case
from measure import device, usage
from programs import HERE, build, positive, progress

RELAYS = ("zdev-monitored-queue", "libzmq-monitored-queue", "zmq-proxy")
TURN, AT_ONCE = 500, 100  # clients of a turn, and of these at the same time
TIMEOUT = 60_000  # milliseconds, for operations that normally take a moment


class Relay:
    """One running relay, and a PULL that receives what its clients send."""

    def __init__(self, context: zmq.Context[Any], pid: int, ends: dict[str, Any]) -> None:
        self.pid, self.spent = pid, 0
        self._context, self._in, self._server = context, ends["in"], ends["curve"].encode()
        self._public, self._secret = zmq.curve_keypair()
        self._pull = self._connect(zmq.PULL, ends["out"])

    def _connect(self, kind: int, endpoint: str) -> zmq.Socket[Any]:
        socket: zmq.Socket[Any] = self._context.socket(kind)
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = self._public, self._secret, self._server
        socket.linger, socket.rcvtimeo = 0, TIMEOUT
        socket.connect(endpoint)
        return socket

    def serve(self, clients: int) -> None:
        """Let that many clients come and go, and add the time that this took the device."""
        for _ in range(0, clients, AT_ONCE):
            before = usage(self.pid)
            sockets = [self._connect(zmq.PUSH, self._in) for _ in range(AT_ONCE)]
            for socket in sockets:
                socket.send(b"")
            for _ in sockets:
                self._pull.recv()
            for socket in sockets:
                socket.close()
            after = usage(self.pid)
            assert before is not None
            assert after is not None
            self.spent += after.total_ns - before.total_ns

    def close(self) -> None:
        self._pull.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the processor time of clients that connect with CURVE.")
    parser.add_argument("--clients", type=positive(int), metavar="N", default=10_000, help="clients of each. Default: 10000")
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="where the programs are built")
    arguments = parser.parse_args()
    programs, case = build(arguments.build_dir), Case("stream", curve=True)
    clients = int(arguments.clients)
    context: zmq.Context[Any] = zmq.Context()
    context.max_sockets = 10 * AT_ONCE
    with ExitStack() as started:
        relays = {}
        for name in RELAYS:
            process, ends = started.enter_context(device(programs, name, case))
            relays[name] = Relay(context, process.pid, ends)
            started.callback(relays[name].close)
            relays[name].serve(AT_ONCE)
            relays[name].spent = 0
        for done in range(0, clients, TURN):
            progress(f"{done} of {clients} clients")
            for relay in relays.values():
                relay.serve(TURN)
        theirs = relays["zmq-proxy"].spent
        served = -(-clients // TURN) * TURN
        print(f"{served} clients of each; load average {os.getloadavg()[0]:.1f}")
        for name, relay in relays.items():
            print(f"{name:<24}{relay.spent / served / 1e3:>8.0f} us each {relay.spent / theirs:>6.2f} x zmq-proxy")


if __name__ == "__main__":
    main()
