"""Clients stand still, with more replies to come than find room."""

from ..injections import Freeze
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

SCENARIO = Scenario(
    fault="Clients are frozen, with more pending replies than the queues can hold",
    promise="Replies without room are counted as overflowed; no other message is lost",
    test="3 clients that send more requests than the workers serve, 30 freezes of 2 seconds",
    peers=(PeerSpec("client", 3, rate=1000, size=4000, window=2000), PeerSpec("worker", 3, reads=400)),
    faults=(Freeze("client", 30, 2.0),),
    expect=(every_message_is_accounted_for,),
    small=0.04,
)
