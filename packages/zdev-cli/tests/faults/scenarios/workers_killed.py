"""Workers die."""

from ..injections import Kill
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

SCENARIO = Scenario(
    fault="workers are killed (SIGKILL) under load",
    promise="what was on its way to a dead worker is lost, and nothing else; the others go on, in order",
    peers=(PeerSpec("client", 3, rate=500), PeerSpec("worker", 4)),
    faults=(Kill("worker", 60),),
    expect=(every_message_is_accounted_for,),
)
