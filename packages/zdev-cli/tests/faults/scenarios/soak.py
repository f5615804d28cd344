"""Everything, for long."""

from ..device import DeviceSpec
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..soak import Soak
from ..verdict import every_message_is_accounted_for, only_the_slow_miss_something
from .slow_subscriber import AMPLE
from .slow_subscriber import OPTIONS as FORWARDER

HEARTBEATS = {**OPTIONS, "HEARTBEAT_IVL": 1000, "HEARTBEAT_TIMEOUT": 5000}

SCENARIO = Scenario(
    fault=(
        "Faults follow each other at random for ten minutes under load: kills, freezes, storms of 500 connections a "
        "second, half-open connections"
    ),
    promise="Memory, descriptors and threads do not grow; every message is accounted for",
    test="A queue, a forwarder, and a streamer in a separate process",
    devices=(
        DeviceSpec("queue", options={"in": HEARTBEATS, "out": HEARTBEATS}),
        DeviceSpec("forwarder", "news", options=FORWARDER),
        DeviceSpec("streamer", "tasks", isolation="process", options={"in": OPTIONS, "out": OPTIONS}),
    ),
    peers=(
        PeerSpec("client", 3, rate=200),
        PeerSpec("worker", 3),
        PeerSpec("publisher", 1, "news", rate=200, options=AMPLE),
        PeerSpec("subscriber", 2, "news", options=AMPLE),
        PeerSpec("source", 2, "tasks", rate=200),
        PeerSpec("sink", 2, "tasks"),
    ),
    faults=(Soak(10),),
    expect=(every_message_is_accounted_for, only_the_slow_miss_something),
    is_long=True,
)
