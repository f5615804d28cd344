"""Clients stand still, with more replies to come than find room."""

from ..injections import Freeze
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

SCENARIO = Scenario(
    fault="clients that have asked more than they have room for are frozen (SIGSTOP) for 2 seconds, then go on",
    promise="each reply that a client has no room for is counted as overflowed; no other is lost",
    peers=(PeerSpec("client", 3, rate=1000, size=4000, window=2000), PeerSpec("worker", 3, reads=400)),
    faults=(Freeze("client", 30, 2.0),),
    expect=(every_message_is_accounted_for,),
    small=0.04,
)
