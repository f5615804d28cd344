"""Twice what the workers can do."""

from ..overload import Overload
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, memory_is_bounded

SCENARIO = Scenario(
    fault="clients ask twice as much as the workers can do, for 2 minutes",
    promise="memory stays within its bound, both directions move on, each peer has its share; no request is lost",
    peers=(PeerSpec("client", 4, rate=500, window=10**9), PeerSpec("worker", 2, reads=500)),
    faults=(Overload(120),),
    expect=(every_message_is_accounted_for, memory_is_bounded),
    small=0.02,
)
