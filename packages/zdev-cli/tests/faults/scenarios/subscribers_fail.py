"""Subscribers die and stand still."""

from ..device import DeviceSpec
from ..injections import Freeze, Kill
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, only_the_slow_miss_something
from .slow_subscriber import AMPLE, OPTIONS

SCENARIO = Scenario(
    fault="Subscribers are killed and frozen",
    promise="The others get every message",
    test="4 subscribers; 30 kills, 20 freezes of one second",
    devices=(DeviceSpec("forwarder", options=OPTIONS),),
    peers=(PeerSpec("publisher", 2, rate=300, options=AMPLE), PeerSpec("subscriber", 4, options=AMPLE)),
    faults=(Kill("subscriber", 30), Freeze("subscriber", 20)),
    expect=(every_message_is_accounted_for, only_the_slow_miss_something),
)
