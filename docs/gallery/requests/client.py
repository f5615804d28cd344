"""A client: it sends 60 requests at once, and fails if one of them gets no reply."""

import sys
from collections import Counter

import zmq

COUNT = 60

with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
    socket.linger = 0
    socket.rcvtimeo = 20_000  # ms
    socket.connect("tcp://127.0.0.1:5701")
    for number in range(COUNT):
        socket.send_multipart([b"", f"order {number}".encode()])
    workers: Counter[str] = Counter()
    answers: set[bytes] = set()
    while len(answers) < COUNT:
        _, worker, *answer = socket.recv_multipart()  # raises zmq.Again if no reply arrives in time
        if worker == b"error":
            sys.exit("a request failed")
        workers[worker.decode()] += 1
        answers.add(answer[0])
print(f"{len(answers)} of {COUNT} orders answered")
for name, count in sorted(workers.items()):
    print(f"  {count} by {name}")
