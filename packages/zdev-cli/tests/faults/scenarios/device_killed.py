"""The device's own process dies."""

from ..device import DeviceSpec
from ..injections import KillDevice
from ..scenario import OPTIONS, PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for

BINDS = {role: ["tcp://127.0.0.1:*", f"ipc://%s/{role}"] for role in ("in", "out")}

SCENARIO = Scenario(
    fault="the device's process is killed (SIGKILL) 200 times under load",
    promise="peers have answers again within 1 s, by themselves; what the device held is lost, and nothing else",
    devices=(DeviceSpec(isolation="process", binds=BINDS, options={"in": OPTIONS, "out": OPTIONS}),),
    peers=(PeerSpec("client", 4, rate=200), PeerSpec("worker", 2)),
    faults=(KillDevice(200),),
    expect=(every_message_is_accounted_for,),
)
