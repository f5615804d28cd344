"""Workers stand still."""

from ..injections import Freeze
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

SCENARIO = Scenario(
    fault="Workers are frozen (SIGSTOP)",
    promise="Messages for a frozen worker wait; the other workers continue",
    test="3 workers, 30 freezes of one second",
    peers=(PeerSpec("client", 3, rate=500), PeerSpec("worker", 3)),
    faults=(Freeze("worker", 30),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
    small=0.04,
)
