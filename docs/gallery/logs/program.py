"""A program that logs through zdev: `python program.py NAME` logs 1,000 lines, and waits at its end until zdev has them."""

import logging
import sys
from typing import Any

import zmq


class PushHandler(logging.Handler):
    """Pushes each log line, with the name of the program in front."""

    def __init__(self, socket: zmq.Socket[Any], program: str) -> None:
        super().__init__()
        self._socket, self._program = socket, program.encode()

    def emit(self, record: logging.LogRecord) -> None:
        self._socket.send_multipart([self._program, self.format(record).encode()])


name = sys.argv[1]
with zmq.Context() as context, context.socket(zmq.PUSH) as lines:
    lines.connect("tcp://127.0.0.1:5721")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=[PushHandler(lines, name)])
    log = logging.getLogger(name)
    for number in range(1000):
        log.log(logging.INFO if number % 100 else logging.ERROR, "line %d", number)
