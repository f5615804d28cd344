"""With a `dropped_prefix`, the monitor also gets the messages that could not be delivered."""

from __future__ import annotations

from typing import Any

import pytest
import zmq
from helpers import ANY_PORT

from zdev_background import MonitoredQueue, ProcessMonitoredQueue, ThreadMonitoredQueue


@pytest.mark.parametrize("kind", [ThreadMonitoredQueue, ProcessMonitoredQueue])
def test_the_monitor_gets_a_message_to_a_peer_that_has_left(kind: Any, connect: Any, eventually: Any) -> None:
    device = kind(zmq.DEALER, zmq.ROUTER, zmq.PUSH, dropped_prefix="dropped")
    for role in ("in", "out", "mon"):
        device.bind(role, ANY_PORT)
    with device:
        client, watcher = connect(zmq.DEALER, *device.endpoints["in"]), connect(zmq.PULL, *device.endpoints["mon"])
        client.send_multipart([b"gone", b"", b"request"])
        assert watcher.recv_multipart() == [b"dropped", b"gone", b"", b"request"]
        eventually(lambda: device.statistics().in_.monitor_sent == 1)
        assert device.statistics().in_.unroutable == 1


def test_a_dropped_prefix_must_be_bytes_or_str() -> None:
    with pytest.raises(TypeError, match="^dropped_prefix must be bytes or str, not 1$"):
        MonitoredQueue(zmq.ROUTER, zmq.DEALER, dropped_prefix=1)  # type: ignore[arg-type]
