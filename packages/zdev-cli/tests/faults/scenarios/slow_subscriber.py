"""One who reads far less than is published."""

import zmq

from ..device import DeviceSpec
from ..injections import Flow
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, memory_is_bounded, only_the_slow_miss_something

OPTIONS = {"in": {"RCVHWM": 2000, "SNDHWM": 2000}, "out": {"RCVHWM": 2000, "SNDHWM": 2000}}
AMPLE: dict[int, int] = {zmq.SNDHWM: 0, zmq.RCVHWM: 0, zmq.SNDBUF: -1, zmq.RCVBUF: -1}

SCENARIO = Scenario(
    fault="One of four subscribers reads only 10 messages a second",
    promise="The others get every message; the slow one misses whole messages and gets the rest in order",
    test="1,000 messages a second for a minute",
    devices=(DeviceSpec("forwarder", options=OPTIONS),),
    peers=(
        PeerSpec("publisher", rate=1000, options=AMPLE),
        PeerSpec("subscriber", 3, options=AMPLE),
        PeerSpec("subscriber", 1, reads=10),
    ),
    faults=(Flow(60),),
    expect=(every_message_is_accounted_for, only_the_slow_miss_something, memory_is_bounded),
)
