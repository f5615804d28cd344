"""An exchange: it publishes 2,000 order books of 10 kB per second until it is stopped. The books of each topic are numbered."""

import itertools
import time

import zmq
from keys import connect

PER_SECOND = 2000
BOOK = bytes(10_000)
TOPICS = (b"fx.eur", b"fx.jpy", b"stocks.sap", b"stocks.bmw")

with zmq.Context() as context, context.socket(zmq.PUB) as out:
    connect(out, "tcp://127.0.0.1:5711", "frankfurt")
    start = time.monotonic()
    for number in itertools.count():
        time.sleep(max(0.0, start + number / PER_SECOND - time.monotonic()))
        out.send_multipart([TOPICS[number % len(TOPICS)], b"%d" % (number // len(TOPICS)), BOOK])
