"""Clients die."""

from ..injections import Kill
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

SCENARIO = Scenario(
    fault="Clients are killed",
    promise="Replies to dead clients are lost or counted as unroutable; no other client misses a reply",
    test="4 clients, 2 workers; 60 kills",
    peers=(PeerSpec("client", 4, rate=500), PeerSpec("worker", 2)),
    faults=(Kill("client", 60),),
    expect=(every_message_is_accounted_for,),
)
