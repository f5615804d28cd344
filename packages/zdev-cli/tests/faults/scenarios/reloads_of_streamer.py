"""A streamer is changed and restarted by reloads."""

from ..device import DeviceSpec
from ..reload import ReloadChanged
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

BINDS = {"in": ["tcp://127.0.0.1:%p"], "out": ["tcp://127.0.0.1:%p"]}

SCENARIO = Scenario(
    fault="100 reloads of a streamer that changes, half of them with a restart",
    promise="No message is lost",
    test="3 sources, 2 sinks",
    devices=(DeviceSpec("streamer", binds=BINDS, options={"in": OPTIONS, "out": OPTIONS}),),
    peers=(PeerSpec("source", 3, rate=300), PeerSpec("sink", 2)),
    faults=(ReloadChanged(100),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
    small=0.1,
    only_wire=True,
)
