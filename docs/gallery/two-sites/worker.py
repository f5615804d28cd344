"""A worker in Oslo: it answers requests until it is stopped."""

import zmq

with zmq.Context() as context, context.socket(zmq.REP) as requests:
    requests.connect("tcp://127.0.0.1:5733")
    while True:
        requests.send(b"Oslo says hello to " + requests.recv())
