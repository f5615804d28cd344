"""Run a streamer in a separate process, pause and resume it, and kill it; it prints:

relayed: first
held while paused
relayed: second
SIGKILL was noticed: ProcessDevice: its process was killed by SIGKILL
running again, in another process
"""

import logging
import os
import signal

import zmq

from zdev_background import ProcessDevice


def main() -> None:
    logging.getLogger("zdev").addHandler(logging.NullHandler())  # do not print the log line about the killed process
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
        print("passed despite the pause" if pull.poll(200) else "held while paused")
        streamer.resume()
        print("relayed:", pull.recv_string())
        context.destroy()

    first = streamer.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    streamer.join(10)
    print("SIGKILL was noticed:", str(streamer.exception).replace(f" {first}", ""))
    with streamer:
        print("running again, in another process" if streamer.pid != first else "the same process")


if __name__ == "__main__":
    main()
