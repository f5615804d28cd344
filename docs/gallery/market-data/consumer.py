"""A consumer: it receives 2,000 order books, and counts those that it missed. `python consumer.py NAME [--slow] PREFIX ...`

With --slow, it does something else for two seconds after the first book.
"""

import sys
import time

import zmq
from keys import connect

COUNT = 2000

name, *words = sys.argv[1:]
prefixes = [word for word in words if word != "--slow"]
with zmq.Context() as context, context.socket(zmq.SUB) as books:
    books.rcvhwm = 100  # books that may wait in this program
    books.rcvbuf = 65536  # bytes that may wait in its system
    connect(books, "tcp://127.0.0.1:5713", name)
    for prefix in prefixes:
        books.subscribe(prefix)
    received = missed = 0
    expected: dict[bytes, int] = {}  # by topic
    while received + missed < COUNT:
        topic, number, _book = books.recv_multipart()
        missed += int(number) - expected.get(topic, int(number))
        expected[topic] = int(number) + 1
        received += 1
        if received == 1 and "--slow" in words:
            time.sleep(2)
    topics = ", ".join(sorted(topic.decode() for topic in expected))
print(f"{name}: {topics}; missed books: {'none' if not missed else 'some'}")
