"""Workers stand still."""

from ..injections import Freeze
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

SCENARIO = Scenario(
    fault="workers are frozen (SIGSTOP) for a second, then go on",
    promise="what waits for a frozen worker waits; the others serve on, and nothing is lost",
    peers=(PeerSpec("client", 3, rate=500), PeerSpec("worker", 3)),
    faults=(Freeze("worker", 30),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
    small=0.04,
)
