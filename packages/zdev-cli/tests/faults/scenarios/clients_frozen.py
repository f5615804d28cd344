"""Clients stand still, with more replies to come than find room."""

from ..injections import Freeze
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

SCENARIO = Scenario(
    fault="clients with 2,000 requests under way are frozen (SIGSTOP) for a second, then go on",
    promise="each reply that a frozen client has no room for is counted as overflowed; no other client misses one",
    peers=(PeerSpec("client", 3, rate=1000, window=2000), PeerSpec("worker", 3)),
    faults=(Freeze("client", 30),),
    expect=(every_message_is_accounted_for,),
    small=0.04,
)
