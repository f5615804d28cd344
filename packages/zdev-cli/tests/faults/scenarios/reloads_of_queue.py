"""A queue is changed and restarted by reloads."""

from ..device import DeviceSpec
from ..reload import ReloadChanged
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, only_requests_on_the_wire_are_lost

BINDS = {"in": ["tcp://127.0.0.1:%p"], "out": ["tcp://127.0.0.1:%p"]}

SCENARIO = Scenario(
    fault="100 reloads of a queue that changes, half of them with a restart",
    promise="No reply is lost; the requests that arrive during a drain are lost and counted",
    test="3 clients with 10 requests under way each, 2 workers",
    devices=(DeviceSpec(binds=BINDS, options={"in": OPTIONS, "out": OPTIONS}),),
    peers=(PeerSpec("client", 3, rate=300, window=10), PeerSpec("worker", 2)),
    faults=(ReloadChanged(100),),
    expect=(every_message_is_accounted_for, only_requests_on_the_wire_are_lost),
    small=0.1,
    only_wire=True,
)
