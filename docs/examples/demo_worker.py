"""A worker of the demo: it answers every request in upper case, and ends when its standard input ends.

python demo_worker.py NAME ENDPOINT
"""

import sys

import zmq


def main(name: str, endpoint: str) -> None:
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.connect(endpoint)
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(sys.stdin.fileno(), zmq.POLLIN)  # closed when the demo ends
        while sys.stdin.fileno() not in (ready := dict(poller.poll())):
            if socket in ready:
                request = socket.recv()
                socket.send_multipart([name.encode(), request.upper()])


if __name__ == "__main__":
    main(*sys.argv[1:])
