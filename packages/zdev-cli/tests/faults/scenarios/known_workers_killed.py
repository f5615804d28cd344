"""Workers die, of a queue that knows its workers."""

from ..device import DeviceSpec
from ..injections import Kill
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_request_is_answered_once

KNOWN = "[device.workers]\nretries = 2\n"

SCENARIO = Scenario(
    fault="Workers are killed (SIGKILL), of a queue that knows its workers, with `retries = 2`",
    promise="Every request is answered, once",
    test="3 clients, 4 workers; 60 kills during work, each worker replaced",
    devices=(DeviceSpec(options={"in": OPTIONS, "out": OPTIONS}, more=KNOWN),),
    peers=(PeerSpec("client", 3, rate=500), PeerSpec("worker", 4)),
    faults=(Kill("worker", 60),),
    expect=(every_request_is_answered_once,),
    only_wire=True,
)
