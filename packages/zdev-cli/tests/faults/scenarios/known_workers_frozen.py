"""Workers stand still, of a queue that knows its workers."""

from ..device import DeviceSpec
from ..injections import Freeze
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_request_is_answered_once
from .known_workers_killed import KNOWN

HEARTBEAT = "heartbeat = 0.2\n"  # a worker that is frozen for a second has left
# A worker that was given up sends its late reply over its next connection, where only an id distinguishes it from another.

SCENARIO = Scenario(
    fault="Workers are frozen (SIGSTOP), of a queue that knows its workers, with `retries = 2` and `heartbeat = 0.2`",
    promise="Their requests go to other workers; every request is answered, once",
    test="3 workers, 30 freezes of one second; requests have ids",
    devices=(DeviceSpec(options={"in": OPTIONS, "out": OPTIONS}, more=KNOWN + HEARTBEAT),),
    peers=(PeerSpec("client", 3, rate=500, request_ids=True), PeerSpec("worker", 3, request_ids=True)),
    faults=(Freeze("worker", 30),),
    expect=(every_request_is_answered_once,),
    small=0.04,
    only_wire=True,
)
