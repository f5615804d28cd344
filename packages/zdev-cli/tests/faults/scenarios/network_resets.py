"""A network that breaks connections."""

from ..injections import Flow
from ..link import Behaviour
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

BREAKS = Behaviour(reset=200_000)
HALVES = Behaviour(half_close=200_000)

SCENARIO = Scenario(
    fault="A network that resets or half-closes connections",
    promise="Only messages in a broken connection are lost; peers reconnect",
    test="A TCP proxy that breaks each connection within 200 kB",
    peers=(
        PeerSpec("client", 2, rate=300),
        PeerSpec("client", 1, rate=200, via=BREAKS),
        PeerSpec("client", 1, rate=200, via=HALVES),
        PeerSpec("worker", 2),
        PeerSpec("worker", 1, via=BREAKS),
        PeerSpec("worker", 1, via=HALVES),
    ),
    faults=(Flow(60),),
    expect=(every_message_is_accounted_for,),
    small=0.04,
)
