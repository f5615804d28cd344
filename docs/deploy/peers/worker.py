"""A worker that connects to every replica and answers requests until SIGTERM.

python worker.py orders-workers.zdev.svc:5560 --key keys/wilma.key_secret --server-key orders.key
"""

from __future__ import annotations

import signal
import time
from types import FrameType

import zmq
from following import Following, argument_parser, new_socket

ended = False


def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """End after the current request. Requests that wait in this process are lost; their clients send them again."""
    global ended
    ended = True


def main() -> None:
    parser = argument_parser("Answer requests from zdev devices.")
    parser.add_argument("--work", type=float, default=0.0, help="seconds to work on each request")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    with zmq.Context() as context, new_socket(context, zmq.REP, options) as requests:
        requests.rcvhwm = 10  # keep few requests waiting here: they are lost with this process
        following = Following(requests, options.name)
        while not ended:
            following.follow()
            if not requests.poll(100):
                continue
            number, body = requests.recv_multipart()
            if options.work:
                time.sleep(options.work)
            requests.send_multipart([number, b"%d bytes" % len(body)])


if __name__ == "__main__":
    main()
