"""The parts of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import zmq

from .device import DeviceSpec
from .link import Behaviour

if TYPE_CHECKING:
    from .stage import Stage
    from .verdict import Evidence

HWM = 100
KERNEL = 16384  # bytes asked for as SNDBUF and RCVBUF; Linux takes the double
SIZE = 1000  # bytes of a message's body
BATCH = 8192  # bytes that libzmq takes from a queue, or to one, at a time

OPTIONS = {"SNDHWM": HWM, "RCVHWM": HWM, "SNDBUF": KERNEL, "RCVBUF": KERNEL}
PEER_OPTIONS: dict[int, int] = {zmq.SNDHWM: HWM, zmq.RCVHWM: HWM, zmq.SNDBUF: KERNEL, zmq.RCVBUF: KERNEL, zmq.RECONNECT_IVL: 50}


def held(size: int = SIZE, hwm: int = HWM) -> int:
    """Messages that can be on their way from one end of a connection to the other: in two queues of libzmq, the kernel's
    two buffers, two batches, and half read or written."""
    return 2 * hwm + (2 * 2 * KERNEL + 2 * BATCH) // (size + 12) + 4


class Fault(Protocol):
    """Something that is done to the peers, their network or the device while messages flow."""

    def inject(self, stage: Stage) -> None: ...


Expectation = Callable[["Evidence"], Iterator[str]]
"""Yields what is not as it should be. May add to the figures of the evidence."""


@dataclass(frozen=True)
class PeerSpec:
    """Peers of one kind; see `peer.Job`. via: their network; none: the loopback itself."""

    role: str
    count: int = 1
    device: str = "main"
    rate: float = 0.0
    reads: float = 0.0
    window: int = 100
    size: int = SIZE
    request_ids: bool = False
    options: Mapping[int, int] = field(default_factory=dict)
    via: Behaviour | None = None


@dataclass(frozen=True)
class Scenario:
    """fault, promise, test: for people; the last says how. small: the scale of its variant in the tests.

    is_long: one that has a separate session. packets: its network is made of packets that are dropped, delayed and reordered.
    only_wire: its devices need the wire engine.
    """

    fault: str
    promise: str
    test: str
    peers: tuple[PeerSpec, ...]
    faults: tuple[Fault, ...]
    expect: tuple[Expectation, ...]
    devices: tuple[DeviceSpec, ...] = (DeviceSpec(options={"in": OPTIONS, "out": OPTIONS}),)
    small: float = 0.05
    is_long: bool = False
    packets: bool = False
    only_wire: bool = False
