"""Clients die."""

from ..injections import Kill
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

SCENARIO = Scenario(
    fault="clients are killed (SIGKILL) under load",
    promise="replies to the dead are dropped and counted; no other client misses one",
    peers=(PeerSpec("client", 4, rate=500), PeerSpec("worker", 2)),
    faults=(Kill("client", 60),),
    expect=(every_message_is_accounted_for,),
)
