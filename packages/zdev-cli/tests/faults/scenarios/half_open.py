"""Peers that vanish without a word."""

from ..device import DeviceSpec
from ..injections import HalfOpen
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

HEARTBEATS = {**OPTIONS, "HEARTBEAT_IVL": 500, "HEARTBEAT_TIMEOUT": 1500}

SCENARIO = Scenario(
    fault="1,000 half-open connections",
    promise="With heartbeats of 0.5 s, they are closed within 3 s; peers miss no message",
    test="The peers complete the handshake, then vanish silently",
    devices=(DeviceSpec(options={"in": HEARTBEATS, "out": HEARTBEATS}),),
    peers=(PeerSpec("client", 3, rate=300), PeerSpec("worker", 2)),
    faults=(HalfOpen(1000, within=3.0),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
)
