"""The device stands still."""

from ..injections import FreezeDevice
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

SCENARIO = Scenario(
    fault="zdev itself is frozen",
    promise="Peers wait, then continue; no request is lost",
    test="20 freezes of one second",
    peers=(PeerSpec("client", 3, rate=300), PeerSpec("worker", 2)),
    faults=(FreezeDevice(20),),
    expect=(every_message_is_accounted_for,),
)
