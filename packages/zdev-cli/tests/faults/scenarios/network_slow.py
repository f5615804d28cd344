"""A network that delays, cuts up and stalls."""

from ..injections import Flow
from ..link import Behaviour
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

SLOW = Behaviour(delay=0.01, piece=700, stall=0.3)

SCENARIO = Scenario(
    fault="A network that delays, fragments and stalls",
    promise="No message is lost or out of order",
    test="A TCP proxy: up to 10 ms for each piece of 700 bytes, stalls of 0.3 s",
    peers=(
        PeerSpec("client", 2, rate=300),
        PeerSpec("client", 1, rate=50, via=SLOW),
        PeerSpec("worker", 2, via=SLOW),
        PeerSpec("worker", 2),
    ),
    faults=(Flow(60),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
    small=0.02,
)
