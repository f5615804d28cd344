"""The device's own process dies."""

from ..device import DeviceSpec
from ..injections import KillDevice
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

BINDS = {role: ["tcp://127.0.0.1:*", f"ipc://%s/{role}"] for role in ("in", "out")}

SCENARIO = Scenario(
    fault="The process of the device is killed",
    promise=(
        "Peers get replies again within 1 s, without intervention; only messages in the process are lost; no socket "
        "file remains"
    ),
    test="200 kills, each after 1.1 s under load, `isolation` is process, over tcp and ipc",
    devices=(DeviceSpec(isolation="process", binds=BINDS, options={"in": OPTIONS, "out": OPTIONS}),),
    peers=(PeerSpec("client", 4, rate=200), PeerSpec("worker", 2)),
    faults=(KillDevice(200),),
    expect=(every_message_is_accounted_for,),
)
