"""Connections in storms."""

from ..injections import ConnectionStorm
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

SCENARIO = Scenario(
    fault="1,000 connections a second",
    promise="Peers miss no message; every descriptor is released",
    test="Half a minute; the connections send nothing, half a greeting or a handshake, then close or reset",
    peers=(PeerSpec("client", 3, rate=200), PeerSpec("worker", 2)),
    faults=(ConnectionStorm(1000, 30),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
)
