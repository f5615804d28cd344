"""Workers die."""

from ..injections import Kill
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

SCENARIO = Scenario(
    fault="Workers are killed (SIGKILL)",
    promise="Only messages on their way to a dead worker are lost",
    test="3 clients, 4 workers; 60 kills during work, each worker replaced",
    peers=(PeerSpec("client", 3, rate=500), PeerSpec("worker", 4)),
    faults=(Kill("worker", 60),),
    expect=(every_message_is_accounted_for,),
)
