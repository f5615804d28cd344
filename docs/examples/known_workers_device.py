"""A queue that knows its workers, one of which dies with a request, and one of which is slow; it prints:

question 0: answered by quick
questions 1 to 9: 8 answered by quick while slow works, then 1 by slow
10 received, 10 answered, 1 given to another worker, 0 dead
"""

import multiprocessing
import os
import time
from collections.abc import Callable
from threading import Event, Thread

import zmq

from zdev_background import ThreadDevice, Workers


def die(endpoint: str) -> None:
    """Be a worker whose process ends as soon as it gets a request."""
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.connect(endpoint)
        socket.recv()
        os._exit(1)


def work(endpoint: str, name: str, may_answer: Event, end: Event) -> None:
    """Be a plain worker, which knows nothing of zdev."""
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.connect(endpoint)
        while not end.is_set():
            if socket.poll(20):
                request = socket.recv_string()
                may_answer.wait()
                socket.send_string(f"{request}: answered by {name}")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def main() -> None:
    queue = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER, workers=Workers(retries=2))
    queue.bind_in("tcp://127.0.0.1:*")
    queue.bind_out("tcp://127.0.0.1:*")
    end, at_once, later = Event(), Event(), Event()
    at_once.set()
    with queue, zmq.Context() as context, context.socket(zmq.DEALER) as client:
        client.rcvtimeo = 20_000
        client.connect(queue.endpoints["in"][0])
        back = queue.endpoints["out"][0]
        workers = [Thread(target=work, args=(back, name, go, end)) for name, go in (("quick", at_once), ("slow", later))]

        def ask(number: int) -> None:
            client.send_multipart([b"", f"question {number}".encode()])

        def answer() -> str:
            return client.recv_multipart()[1].decode()

        multiprocessing.get_context("spawn").Process(target=die, args=(back,)).start()
        ask(0)
        until(lambda: queue.requests().retried == 1)
        workers[0].start()
        print(answer())
        workers[1].start()
        until(lambda: [each.state for each in queue.requests().workers] == ["idle", "idle"])
        for number in range(1, 10):
            ask(number)
        quick = [answer() for _ in range(8)]
        later.set()
        slow = [answer()]
        by_quick, by_slow = (sum(reply.endswith(name) for reply in quick + slow) for name in ("quick", "slow"))
        print(f"questions 1 to 9: {by_quick} answered by quick while slow works, then {by_slow} by slow")
        found = queue.requests()
        print(
            f"{found.received} received, {found.answered} answered, {found.retried} given to another worker, {found.dead} dead"
        )
        end.set()
        for each in workers:
            each.join()


if __name__ == "__main__":
    main()
