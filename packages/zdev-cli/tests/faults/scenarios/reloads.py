"""The configuration is loaded again and again."""

from ..reload import Reload
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, nothing_is_lost

SCENARIO = Scenario(
    fault="1,000 reloads under load",
    promise="An invalid file is refused and changes nothing; a device that the file does not change loses nothing",
    test=(
        "Every second file is invalid, with ten kinds of error; requested at the control socket, 2 in 50 by `zdev "
        "reload` itself"
    ),
    peers=(PeerSpec("client", 2, rate=300), PeerSpec("worker", 2)),
    faults=(Reload(1000),),
    expect=(every_message_is_accounted_for, nothing_is_lost),
    small=0.02,
)
