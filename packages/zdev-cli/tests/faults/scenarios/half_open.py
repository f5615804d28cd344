"""Peers that vanish without a word."""

from ..device import DeviceSpec
from ..injections import HalfOpen
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

HEARTBEATS = {**OPTIONS, "HEARTBEAT_IVL": 500, "HEARTBEAT_TIMEOUT": 1500}

SCENARIO = Scenario(
    fault="1,000 half-open connections: peers that shook hands and vanished without a word",
    promise="with heartbeats the device gives them up within 3 s; the others miss nothing",
    devices=(DeviceSpec(options={"in": HEARTBEATS, "out": HEARTBEATS}),),
    peers=(PeerSpec("client", 3, rate=300), PeerSpec("worker", 2)),
    faults=(HalfOpen(1000, within=3.0),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
)
