"""A streamer is changed and restarted by reloads."""

from ..device import DeviceSpec
from ..reload import ReloadChanged
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

BINDS = {"in": ["tcp://127.0.0.1:%p"], "out": ["tcp://127.0.0.1:%p"]}

SCENARIO = Scenario(
    fault="100 reloads of a streamer under load, every second one with a restart",
    promise="no message is lost",
    devices=(DeviceSpec("streamer", binds=BINDS, options={"in": OPTIONS, "out": OPTIONS}, more='engine = "wire"'),),
    peers=(PeerSpec("source", 3, rate=300), PeerSpec("sink", 2)),
    faults=(ReloadChanged(100),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
    small=0.1,
)
