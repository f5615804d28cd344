"""The device stands still."""

from ..injections import FreezeDevice
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

SCENARIO = Scenario(
    fault="zdev itself is frozen (SIGSTOP) for a second, then goes on",
    promise="peers wait and go on; no request is lost, and each reply that a client has no room for is counted",
    peers=(PeerSpec("client", 3, rate=300), PeerSpec("worker", 2)),
    faults=(FreezeDevice(20),),
    expect=(every_message_is_accounted_for,),
)
