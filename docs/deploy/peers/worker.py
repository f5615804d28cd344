"""A worker that serves every replica: it answers each request, until SIGTERM.

python worker.py orders-workers.zdev.svc:5560 --key keys/wilma.key_secret --server-key orders.key
"""

from __future__ import annotations

import signal
import time
from types import FrameType

import zmq
from following import Following, arguments, new_socket

ended = False


def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Finish what is at hand. Requests that wait in this process are lost: their clients ask again."""
    global ended
    ended = True


def main() -> None:
    parser = arguments("Answers requests that come through zdev devices.")
    parser.add_argument("--work", type=float, default=0.0, help="seconds that an answer takes")
    told = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    with zmq.Context() as context, new_socket(context, zmq.REP, told) as requests:
        requests.rcvhwm = 10  # few wait here: they would be lost with this process
        following = Following(requests, told.name)
        while not ended:
            following.follow()
            if not requests.poll(100):
                continue
            number, body = requests.recv_multipart()
            if told.work:
                time.sleep(told.work)
            requests.send_multipart([number, b"%d bytes" % len(body)])


if __name__ == "__main__":
    main()
