"""A streamer in a process of its own: paused, resumed, and killed; it prints:

relayed: first
held while paused
relayed: second
SIGKILL was noticed: ProcessDevice: its process was killed by SIGKILL
on again, in another process
"""

import logging
import os
import signal

import zmq

from zdev_background import ProcessDevice


def main() -> None:
    logging.getLogger("zdev").addHandler(logging.NullHandler())  # else a line on stderr tells that the process was killed
    streamer = ProcessDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    streamer.bind_in("tcp://127.0.0.1:*")
    streamer.bind_out("tcp://127.0.0.1:*")
    streamer.start()
    with zmq.Context() as context:
        push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        pull.rcvtimeo = 10_000
        push.connect(streamer.endpoints["in"][0])
        pull.connect(streamer.endpoints["out"][0])
        push.send_string("first")
        print("relayed:", pull.recv_string())
        streamer.pause()
        push.send_string("second")
        print("passed in spite of the pause" if pull.poll(200) else "held while paused")
        streamer.resume()
        print("relayed:", pull.recv_string())
        context.destroy()

    first = streamer.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    streamer.join(10)
    print("SIGKILL was noticed:", str(streamer.exception).replace(f" {first}", ""))
    with streamer:
        print("on again, in another process" if streamer.pid != first else "the same process")


if __name__ == "__main__":
    main()
