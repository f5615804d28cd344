"""Kill the process of a queue, which restarts while client and worker stay connected; it prints:

1 and 1 are 2
killed, and restarted on the same endpoints
2 and 1 are 3
"""

import logging
import os
import signal
import time

import zmq

from zdev_background import ProcessDevice


def main() -> None:
    logging.getLogger("zdev").addHandler(logging.NullHandler())  # do not print the log lines about the end and the restart
    queue = ProcessDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    queue.bind_in("tcp://127.0.0.1:*")
    queue.bind_out("tcp://127.0.0.1:*")
    queue.restart = "on-failure"
    with queue, zmq.Context() as context:
        client, worker = context.socket(zmq.REQ), context.socket(zmq.REP)
        for socket, endpoints in (client, queue.endpoints["in"]), (worker, queue.endpoints["out"]):
            socket.rcvtimeo = 20_000
            socket.connect(endpoints[0])

        def ask(number: int) -> None:
            client.send_string(str(number))
            worker.send_string(str(int(worker.recv_string()) + 1))
            print(f"{number} and 1 are {client.recv_string()}")

        ask(1)
        bound = queue.endpoints
        assert queue.pid is not None
        os.kill(queue.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while not queue.restarts and time.monotonic() < deadline:
            time.sleep(0.01)
        print("killed, and restarted on", "the same endpoints" if queue.endpoints == bound else "others")
        ask(2)
        context.destroy(linger=0)


if __name__ == "__main__":
    main()
