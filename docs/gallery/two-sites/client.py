"""A client in Paris: it sends 200 requests, one after the other. It sends one again that gets no reply within a second."""

import zmq

COUNT = 200

with zmq.Context() as context, context.socket(zmq.REQ) as socket:
    socket.linger = 0
    socket.req_relaxed = socket.req_correlate = 1  # a request may be sent again, and late replies are ignored
    socket.connect("tcp://127.0.0.1:5731")
    for number in range(COUNT):
        socket.send_string(f"client {number}")
        while not socket.poll(1000):
            socket.send_string(f"client {number}")
        reply = socket.recv_string()
print(f"{COUNT} requests answered; the last reply: {reply}")
