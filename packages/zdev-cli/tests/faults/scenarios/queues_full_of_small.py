"""As many small messages as there is room for, which come one at a time."""

from ..overload import FillAll
from ..scenario import PeerSpec, Scenario
from ..verdict import every_message_is_accounted_for, memory_is_bounded

SCENARIO = Scenario(
    fault="All queues are full of small messages that arrive one at a time",
    promise="Memory stays within its bound; no request is lost",
    test="Messages of 100 bytes",
    peers=(PeerSpec("client", 6, size=100, rate=1000, window=10**9), PeerSpec("worker", 2)),
    faults=(FillAll(),),
    expect=(every_message_is_accounted_for, memory_is_bounded),
)
