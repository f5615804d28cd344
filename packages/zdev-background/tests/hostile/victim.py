"""A device with peers that mean well, and what it takes of the system."""

from __future__ import annotations

import itertools
import resource
from pathlib import Path

import zmq
from helpers import Connect, pid_of

from zdev_background import ProcessDevice


class Victim:
    """A device in a separate process, with a client and a worker that mean well."""

    def __init__(self, connect: Connect, device: ProcessDevice) -> None:
        self.pid = pid_of(device)
        self.endpoint = device.endpoints["in"][0]
        self._client = connect(zmq.REQ, self.endpoint)
        self._worker = connect(zmq.REP, device.endpoints["out"][0])
        self._numbers = itertools.count()

    def serves(self, times: int = 1) -> None:
        """Fail unless requests come back with the replies that are theirs."""
        for number in itertools.islice(self._numbers, times):
            request = [b"question", b"", b"%d" % number]
            self._client.send_multipart(request)
            while (asked := self._worker.recv_multipart()) != request:  # what others say may be a message
                self._worker.send_multipart(asked)
            self._worker.send_multipart([*request, b"answer"])
            assert self._client.recv_multipart() == [*request, b"answer"]

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def memory(self) -> int:
        """Resident, in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()
