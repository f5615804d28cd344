"""Run a monitored queue in a thread of the program that uses it; it prints:

anna got HELLO
the monitor saw in: anna says hello
the monitor saw out: HELLO
1 request, 1 reply
"""

import zmq

from zdev_background import ThreadMonitoredQueue


def main() -> None:
    queue = ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER, zmq.PUSH)  # PUSH instead of PUB: the monitor misses no message
    for bind in queue.bind_in, queue.bind_out, queue.bind_mon:
        bind("tcp://127.0.0.1:*")  # the system chooses the port
    with queue, zmq.Context() as context:
        client, worker, watcher = (context.socket(kind) for kind in (zmq.REQ, zmq.REP, zmq.PULL))
        at = queue.endpoints  # a tuple for each role: a socket may bind to several endpoints
        for socket, endpoints in (client, at["in"]), (worker, at["out"]), (watcher, at["mon"]):
            socket.rcvtimeo = 10_000
            socket.connect(endpoints[0])
        client.send_multipart([b"anna says", b"hello"])
        _, word = worker.recv_multipart()
        worker.send(word.upper())
        print("anna got", client.recv_string())
        for _ in range(2):
            direction, _client, _empty, *words = watcher.recv_multipart()
            print(f"the monitor saw {direction.decode()}: {b' '.join(words).decode()}")
        context.destroy()
        counted = queue.statistics()
    print(f"{counted.in_.messages_sent} request, {counted.out.messages_sent} reply")


if __name__ == "__main__":
    main()
