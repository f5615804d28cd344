"""Twice what the workers can do."""

from ..overload import Overload
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, memory_is_bounded

SCENARIO = Scenario(
    fault="Overload: twice the load that the workers can handle",
    promise="Memory stays within its bound; both directions keep moving; each peer gets its share; no request is lost",
    test="4 clients send 2,000 a second, 2 workers accept 1,000, for 2 minutes",
    peers=(PeerSpec("client", 4, rate=500, window=10**9), PeerSpec("worker", 2, reads=500)),
    faults=(Overload(120),),
    expect=(every_message_is_accounted_for, memory_is_bounded),
    small=0.02,
)
