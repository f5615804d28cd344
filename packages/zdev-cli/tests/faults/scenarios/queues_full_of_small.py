"""As many small messages as there is room for, which come one at a time."""

from ..overload import FillAll
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, memory_is_bounded

SCENARIO = Scenario(
    fault="all workers stand still, and many clients send messages of 100 bytes, one at a time, until nobody takes another",
    promise="memory stays within its bound; no request is lost",
    peers=(PeerSpec("client", 6, size=100, rate=1000, window=10**9), PeerSpec("worker", 2)),
    faults=(FillAll(),),
    expect=(every_message_is_accounted_for, memory_is_bounded),
)
