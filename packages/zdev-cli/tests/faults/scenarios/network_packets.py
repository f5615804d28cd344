"""A network that drops, delays and reorders packets."""

from ..device import DeviceSpec
from ..injections import Flow
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

ALL = {role: ["tcp://0.0.0.0:*"] for role in ("in", "out")}

SCENARIO = Scenario(
    fault="A network that drops, delays and reorders packets",
    promise="No message is lost or out of order",
    test=(
        "Two network namespaces with a program between them that drops 2 % of the packets and delays 5 % by 20 ms (needs root)"
    ),
    devices=(DeviceSpec(binds=ALL, options={"in": OPTIONS, "out": OPTIONS}, more="insecure = true"),),
    peers=(PeerSpec("client", 2, rate=100), PeerSpec("worker", 2)),
    faults=(Flow(60),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
    packets=True,
    small=0.03,
)
