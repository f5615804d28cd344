"""The engine: zdev's C++ library on pyzmq's own sockets. Everything public here is re-exported by `zdev_core`."""

from enum import Enum
from typing import Any, final

import zmq

class State(Enum):
    """What the relay loop is doing; `IDLE` before, between and after runs."""

    IDLE = "idle"
    ACTIVE = "active"
    PAUSED = "paused"
    DRAINING = "draining"

class Outcome(Enum):
    """How a run ended."""

    STOPPED = "stopped"
    DRAINED = "drained"
    DRAIN_TIMED_OUT = "drain_timed_out"

@final
class FlowStatistics:
    """Counters of one direction. A message is all its frames; bytes are payload bytes as the application sees them.

    `messages_received == messages_sent + malformed + unroutable + overflowed + pending`.
    """

    @property
    def messages_received(self) -> int: ...
    @property
    def frames_received(self) -> int: ...
    @property
    def bytes_received(self) -> int: ...
    @property
    def messages_sent(self) -> int: ...
    @property
    def frames_sent(self) -> int: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def malformed(self) -> int:
        """Dropped: no destination or content for a ROUTER, more than 65,536 frames, a SUBSCRIBE command, or no end."""
    @property
    def unroutable(self) -> int:
        """Dropped: EHOSTUNREACH from a ROUTER with ROUTER_MANDATORY."""
    @property
    def overflowed(self) -> int:
        """Dropped: that peer was full and the device's `on_full` is "drop"."""
    @property
    def monitor_sent(self) -> int:
        """Copies that the monitor socket accepted; none are made while no subscriber has room."""
    @property
    def monitor_dropped(self) -> int:
        """Copies lost because the monitor was full and its `mon_on_full` is "drop"."""
    @property
    def blocked_nanoseconds(self) -> int:
        """How long this direction held messages back, since where they go, or the monitor, had no room or no peer. Not
        while paused. As of the loop's last turn: up to 250 ms behind."""
    @property
    def pending(self) -> int:
        """Messages received and not yet sent or dropped: 1 or 0; more if some passed during the reading."""
    def __eq__(self, other: object) -> bool: ...
    def __getstate__(self) -> tuple[int, ...]: ...
    def __setstate__(self, state: tuple[int, ...]) -> None: ...

@final
class Statistics:
    """What a device has done so far. A value: it doesn't change; it pickles."""

    @property
    def state(self) -> State: ...
    @property
    def in_(self) -> FlowStatistics:
        """Received on the in socket, sent on the out socket."""
    @property
    def out(self) -> FlowStatistics:
        """Received on the out socket, sent on the in socket."""
    @property
    def pending_replies(self) -> int:
        """Requests forwarded that have no reply yet: what a drain waits for. 0 where nothing is owed: one way, PUB/SUB types."""
    @property
    def loop_iterations(self) -> int:
        """Turns of the loop, one every 250 ms at least while the device runs: one that stands still is stuck."""
    def __eq__(self, other: object) -> bool: ...
    def __getstate__(self) -> tuple[State, FlowStatistics, FlowStatistics, int, int]: ...
    def __setstate__(self, state: tuple[State, FlowStatistics, FlowStatistics, int, int]) -> None: ...

@final
class Device:
    """A relay between two pyzmq sockets, with an optional monitor and control socket.

    in_socket, out_socket: open `zmq.Socket`s (`zmq.asyncio` and `zmq.green` ones too); both may be the same socket.
    mon_socket: PUB, XPUB, PUSH, PAIR or DEALER; gets [prefix, frame, ...] of every message forwarded.
    ctrl_socket: REP, PAIR, DEALER, SUB, PULL or XSUB; obeys PAUSE, RESUME, DRAIN, TERMINATE and STATISTICS.
    in_prefix, out_prefix: bytes, str (sent as UTF-8), or None for no prefix frame.
    dropped_prefix: the prefix of copies of messages dropped as unroutable or overflowed; None: the monitor gets no such copies.
    on_full: "block" or "drop", for a message to the one full peer of a ROUTER with ROUTER_MANDATORY.
    mon_on_full: "block" or "drop", for a monitor that can't drop by itself (PUSH, PAIR, DEALER).

    A `zmq.green` socket belongs to the hub of its thread: make it and run the device in one thread of gevent's threadpool.
    The caller owns the sockets and must not use or close them while `run` is under way; a device never closes one.

    Raises TypeError for what is no pyzmq socket, ValueError for an unknown policy, ZMQError with ENOTSOCK for a closed
    socket and with EINVAL for types that can't work together (the text names both).
    """

    def __init__(
        self,
        in_socket: zmq.Socket[Any],
        out_socket: zmq.Socket[Any],
        mon_socket: zmq.Socket[Any] | None = None,
        ctrl_socket: zmq.Socket[Any] | None = None,
        *,
        in_prefix: bytes | str | None = b"in",
        out_prefix: bytes | str | None = b"out",
        dropped_prefix: bytes | str | None = None,
        on_full: str = "block",
        mon_on_full: str = "block",
    ) -> None: ...
    def run(self) -> Outcome:
        """Relay until `stop`, TERMINATE or the end of a drain. The GIL is released meanwhile.

        A message that could not be sent yet when a run ends stays in hand, and the next run sends it first. In the main
        thread signal handlers run, within 50 ms; what they raise (KeyboardInterrupt) ends the run.

        Raises zmq.ContextTerminated when a socket's context was terminated; ZMQError with ENOTSOCK when a socket was closed,
        with EBUSY when the device runs already.
        """
    def pause(self) -> None:
        """Hold all messages where they are, until `resume`. From any thread."""
    def resume(self) -> None:
        """Go on after `pause`. From any thread."""
    def drain(self, timeout: float | None = None) -> None:
        """Stop reading from the in socket, bring back the replies still owed, then end the run. From any thread.

        timeout: seconds after which the run ends all the same; None: wait for ever.
        """
    def stop(self) -> None:
        """End the run under way, or else the next one at its start. From any thread."""
    def discard(self) -> int:
        """Drop what is in hand, between runs, before the sockets are closed.

        Returns how many messages these were; `pending` still counts them. Copies for the monitor are counted as `monitor_dropped`.

        Raises ZMQError with EBUSY while the device runs.
        """
    def statistics(self) -> Statistics:
        """The counters so far. From any thread, without stopping the loop."""
    def _let_go(self) -> None:
        """Keep the sockets alive no longer: from now on, who calls `run` does."""

def libzmq() -> str:
    """The path of the libzmq that pyzmq uses, and so this module too."""
