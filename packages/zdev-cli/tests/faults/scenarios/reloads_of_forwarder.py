"""A forwarder is changed and restarted by reloads."""

from ..device import DeviceSpec
from ..reload import ReloadChanged
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, only_what_was_published_to_nobody_is_missed
from .slow_subscriber import AMPLE, OPTIONS

BINDS = {"in": ["tcp://127.0.0.1:%p"], "out": ["tcp://127.0.0.1:%p"]}

SCENARIO = Scenario(
    fault="100 reloads of a forwarder that changes, half of them with a restart",
    promise="The subscriber gets every message that arrives while it is connected",
    test="3 publishers, 1 subscriber",
    devices=(DeviceSpec("forwarder", binds=BINDS, options=OPTIONS),),
    peers=(PeerSpec("publisher", 3, rate=300, options=AMPLE), PeerSpec("subscriber", 1, options=AMPLE)),
    faults=(ReloadChanged(100),),
    expect=(every_message_is_accounted_for, only_what_was_published_to_nobody_is_missed),
    small=0.1,
    only_wire=True,
)
