"""As many large messages as there is room for."""

from ..overload import FillAll
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, memory_is_bounded

SCENARIO = Scenario(
    fault="All queues are full",
    promise="Memory stays within its bound; no request is lost",
    test="Stopped workers; messages of 50 kB",
    peers=(PeerSpec("client", 3, size=50_000, window=10**9), PeerSpec("worker", 2)),
    faults=(FillAll(),),
    expect=(every_message_is_accounted_for, memory_is_bounded),
)
