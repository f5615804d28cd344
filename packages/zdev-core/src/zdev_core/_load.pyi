"""The load generator of `zdev bench`, a private module."""

from typing import final

@final
class Result:
    """Measurements of a load."""

    @property
    def messages(self) -> int:
        """Messages received, or round trips, including those of the warm-up."""
    @property
    def per_second(self) -> float:
        """Messages or round trips per second, without the warm-up."""
    @property
    def watched(self) -> int:
        """Copies that the monitor's subscriber received."""
    @property
    def trips(self) -> int:
        """Round trips, without those of the warm-up."""
    def quantile(self, share: float) -> float:
        """Return the quantile of the round-trip times in microseconds, 0 without round trips.

        Args:
            share: From 0 to 1.
        """
    def count_below(self, microseconds: float) -> int:
        """Return how many round trips took less."""

@final
class Load:
    """Both peers of a device, each in a thread without the GIL. Without endpoints they are connected directly.

    Args:
        pattern: "stream", "round-trips", "clients" (many clients, or many pending requests of each) or "fan-out".
        size: Bytes per frame, at least 8.
        frames: Frames per message.
        window: Pending requests per client.
        clients: Connections to the in endpoint; subscribers for "fan-out".
        seconds: Time to measure, after a warm-up of 0.15 s.
        in_endpoint: Endpoint of the in socket.
        out_endpoint: Endpoint of the out socket.
        mon_endpoint: Endpoint of the mon socket, for a fast subscriber. Default: no subscriber.
        server_key: With CURVE, the public key of the sockets, in Z85.
        key: With CURVE, the public key of the load, in Z85.
        secret_key: With CURVE, the secret key of the load, in Z85.
        name: With PLAIN, the name of the load.
        password: With PLAIN, its password.
        secured: Roles whose sockets use CURVE or PLAIN.
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
        server_key: str = "",
        key: str = "",
        secret_key: str = "",
        name: str = "",
        password: str = "",
        secured: str = "in out mon",
    ) -> None: ...
    def run(self) -> Result:
        """Load, measure, and check every message. Can be called once.

        Raises:
            RuntimeError: A message was lost, changed or out of order, or `cancel` was called.
            TimeoutError: Nothing moved for 5 s.
        """
    def cancel(self) -> None:
        """End `run`, which then raises RuntimeError. May be called from any thread."""
    @property
    def received(self) -> int:
        """Messages or round trips so far. May be read from any thread."""

def libzmq() -> str:
    """Return the path of the libzmq that pyzmq, and so this module, uses."""
