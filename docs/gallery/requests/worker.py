"""A worker: it answers requests until it is stopped. `python worker.py NAME [SECONDS | crash]`

SECONDS is the time that it takes for each request. With `crash`, it ends in the middle of its second request, without a reply.
"""

import os
import sys
import time

import zmq

name, pace = sys.argv[1], (sys.argv[2:] or ["0"])[0]
with zmq.Context() as context, context.socket(zmq.REP) as requests:
    requests.connect("tcp://127.0.0.1:5702")
    answered = 0
    while True:
        order = requests.recv()
        if pace != "crash":
            time.sleep(float(pace))
        elif answered:
            os._exit(1)
        requests.send_multipart([name.encode(), b"accepted: " + order])
        answered += 1
