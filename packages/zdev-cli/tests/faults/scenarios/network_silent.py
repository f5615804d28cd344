"""A network that carries nothing for a while, without any notice."""

from ..injections import Silence
from ..link import Behaviour
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

FAR = Behaviour()

SCENARIO = Scenario(
    fault="A network that carries nothing for 20 s",
    promise="The other peers continue; messages on their way arrive afterwards",
    test="A TCP proxy in front of one client and one worker",
    peers=(
        PeerSpec("client", 2, rate=300),
        PeerSpec("worker", 2),
        PeerSpec("client", rate=100, via=FAR),
        PeerSpec("worker", via=FAR),
    ),
    faults=(Silence(20),),
    expect=(every_message_is_accounted_for,),
)
