"""The routing ids that a device gives its clients are those of no process before it."""

from __future__ import annotations

from typing import Any

import pytest
import zmq

from zdev_background import ProcessDevice


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_late_reply_to_a_client_of_a_former_process_reaches_nobody(method: str, connect: Any) -> None:
    """libzmq alone gives the first client of every process the same id, so a worker's late reply would go to a stranger."""
    device = ProcessDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.start_method = method
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    seen = set()
    for _ in range(2):
        with device:
            client, worker = connect(zmq.DEALER, *device.endpoints["in"]), connect(zmq.DEALER, *device.endpoints["out"])
            client.send(b"question")
            seen.add(worker.recv_multipart()[0])
            for each in (client, worker):
                each.close()
    assert len(seen) == 2
