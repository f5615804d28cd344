"""Workers die, of a queue that knows its workers."""

from ..device import DeviceSpec
from ..injections import Kill
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_request_is_answered_once

KNOWN = 'engine = "wire"\n[device.workers]\nretries = 2\n'

SCENARIO = Scenario(
    fault="workers are killed (SIGKILL) under load; the queue knows its workers, and retries = 2",
    promise="every request is answered, once",
    devices=(DeviceSpec(options={"in": OPTIONS, "out": OPTIONS}, more=KNOWN),),
    peers=(PeerSpec("client", 3, rate=500), PeerSpec("worker", 4)),
    faults=(Kill("worker", 60),),
    expect=(every_request_is_answered_once,),
)
