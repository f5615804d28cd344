"""A load generator for `zdev bench`: private, as what it measures is of no use to programs."""

from typing import final

@final
class Result:
    """What got through a load."""

    @property
    def messages(self) -> int:
        """Received, or round trips; all of them, the warm-up's too."""
    @property
    def per_second(self) -> float:
        """Of them, while measuring."""
    @property
    def watched(self) -> int:
        """Copies that the monitor's subscriber received."""
    @property
    def trips(self) -> int:
        """Round trips while measuring."""
    def quantile(self, share: float) -> float:
        """Microseconds within which this share (0 to 1) of the round trips came back; 0 when there were none."""
    def count_below(self, microseconds: float) -> int:
        """How many round trips took less."""

@final
class Load:
    """Both peers of a device, each in a thread without the GIL; without endpoints the two talk directly.

    pattern: "stream", "round-trips", "clients" (many of them, or many requests under way each) or "fan-out".
    size: bytes a frame, at least 8; frames: a message's; window: requests that a client keeps under way.
    clients: connections to the in endpoint; of a fan-out, subscribers.
    seconds: measured, after a warm-up of 0.15. mon_endpoint: where a fast subscriber is to listen; none unless told.
    """

    def __init__(
        self,
        pattern: str,
        *,
        size: int = 64,
        frames: int = 1,
        window: int = 1,
        clients: int = 1,
        seconds: float = 1.0,
        in_endpoint: str = "",
        out_endpoint: str = "",
        mon_endpoint: str = "",
    ) -> None: ...
    def run(self) -> Result:
        """Once: load, measure, and check every message. Raises RuntimeError for any loss, change or disorder, TimeoutError
        when nothing moves for 5 s."""
    def cancel(self) -> None:
        """End `run`, which raises RuntimeError. From any thread."""
    @property
    def received(self) -> int:
        """Messages or round trips so far. From any thread."""

def libzmq() -> str:
    """The path of the libzmq that pyzmq uses, and so this module too."""
