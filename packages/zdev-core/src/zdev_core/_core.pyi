"""The binding of zdev's C++ library to pyzmq's sockets. `zdev_core` exports all public names."""

import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, final

import zmq

class State(Enum):
    """State of the relay; `IDLE` before, between and after runs."""

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
    """Counters of one direction. A message counts with all its frames; bytes are those of the frames' contents.

    `messages_received == messages_sent + malformed + unroutable + overflowed + pending`.
    """

    def __init__(self) -> None:
        """All counters 0."""
    @property
    def messages_received(self) -> int:
        """Messages taken from the socket that this direction reads."""
    @property
    def frames_received(self) -> int:
        """Frames of those messages."""
    @property
    def bytes_received(self) -> int:
        """Bytes of those frames."""
    @property
    def messages_sent(self) -> int:
        """Messages that the other socket accepted."""
    @property
    def frames_sent(self) -> int:
        """Frames of those messages."""
    @property
    def bytes_sent(self) -> int:
        """Bytes of those frames."""
    @property
    def malformed(self) -> int:
        """Messages dropped because they cannot be forwarded whole or at all.

        No destination or content for a ROUTER, more than 65,536 frames, a SUBSCRIBE command, or no last frame.
        """
    @property
    def unroutable(self) -> int:
        """Messages dropped because the peer of a ROUTER with ROUTER_MANDATORY is gone (EHOSTUNREACH)."""
    @property
    def overflowed(self) -> int:
        """Messages dropped because the peer of a ROUTER was full and the device's `on_full` is "drop"."""
    @property
    def monitor_sent(self) -> int:
        """Copies that the monitor socket accepted. None is made while no subscriber has room."""
    @property
    def monitor_dropped(self) -> int:
        """Copies lost because the monitor was full and its `mon_on_full` is "drop"."""
    @property
    def blocked_nanoseconds(self) -> int:
        """How long this direction held messages back because their receiver or the monitor had no room or no peer.

        Time in pause does not count. The value may be 250 ms old.
        """
    @property
    def pending(self) -> int:
        """Messages received and not yet sent or dropped.

        1 or 0, or more if messages passed while the counters were read.
        """
    def __eq__(self, other: object) -> bool: ...
    def __getstate__(self) -> tuple[int, ...]: ...
    def __setstate__(self, state: tuple[int, ...]) -> None: ...

@final
class Statistics:
    """Counters of a device. The value never changes, and can be pickled."""

    def __init__(self) -> None:
        """Those of a device that has done nothing yet."""
    @property
    def state(self) -> State:
        """State of the relay."""
    @property
    def in_(self) -> FlowStatistics:
        """Counters of messages received on the in socket and sent on the out socket."""
    @property
    def out(self) -> FlowStatistics:
        """Counters of messages received on the out socket and sent on the in socket."""
    @property
    def pending_replies(self) -> int:
        """Requests forwarded that have no reply yet, for which a drain waits. 0 for types without replies."""
    @property
    def loop_iterations(self) -> int:
        """Iterations of the relay loop. While the device runs there is at least one every 250 ms, unless it is stuck."""
    def __eq__(self, other: object) -> bool: ...
    def __getstate__(self) -> tuple[State, FlowStatistics, FlowStatistics, int, int]: ...
    def __setstate__(self, state: tuple[State, FlowStatistics, FlowStatistics, int, int]) -> None: ...

@final
class Device:
    """A relay between two pyzmq sockets, with an optional monitor and control socket.

    The caller owns the sockets, and must not use or close them while `run` is under way. A device never closes a socket.
    A `zmq.green` socket belongs to the hub of its thread: make it and run the device in one thread of gevent's threadpool.

    Args:
        in_socket: Open socket of any pyzmq class, `zmq.asyncio` and `zmq.green` included.
        out_socket: Open socket; may be the in socket, which then is both ends.
        mon_socket: PUB, XPUB, PUSH, PAIR or DEALER, which sends [prefix, frame, ...] for every message forwarded.
        ctrl_socket: REP, PAIR, DEALER, SUB, PULL or XSUB, which obeys PAUSE, RESUME, DRAIN, TERMINATE and STATISTICS.
        in_prefix: Prefix frame for messages from the in socket; a str is sent as UTF-8; None for no such frame.
        out_prefix: Prefix frame for messages from the out socket; a str is sent as UTF-8; None for no such frame.
        dropped_prefix: Prefix frame for messages dropped as unroutable or overflowed; None: the monitor gets no copies of these.
        on_full: "block" or "drop", when the only receiver of a message, the peer of a ROUTER with ROUTER_MANDATORY, is full.
        mon_on_full: "block" or "drop", when a monitor is full whose type does not drop by itself (PUSH, PAIR, DEALER).

    Raises:
        TypeError: An argument is not a pyzmq socket.
        ValueError: A policy is unknown.
        zmq.ZMQError: ENOTSOCK, a socket is closed; EINVAL, the socket types do not work together (the text names both).
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
        """Relay messages until `stop`, TERMINATE or the end of a drain. The GIL is released while it relays.

        A message that could not be sent when a run ends is kept, and the next run sends it before all others. In the main
        thread signal handlers run within 50 ms; an exception that they raise, such as KeyboardInterrupt, ends the run.

        Returns:
            How the run ended.

        Raises:
            zmq.ContextTerminated: The context of a socket was terminated.
            zmq.ZMQError: ENOTSOCK, a socket was closed; EBUSY, the device runs already.
        """
    def pause(self) -> None:
        """Hold all messages where they are until `resume`. May be called from any thread."""
    def resume(self) -> None:
        """Continue after `pause`. May be called from any thread."""
    def drain(self, timeout: float | None = None) -> None:
        """Stop reading from the in socket, forward the pending replies, then end the run. May be called from any thread.

        Args:
            timeout: Seconds after which the run ends without them; None for no limit.
        """
    def stop(self) -> None:
        """End the run under way, or the next one at its start. May be called from any thread."""
    def discard(self) -> int:
        """Drop the pending messages, between runs, before the sockets are closed.

        Copies for the monitor are counted as `monitor_dropped`.

        Returns:
            How many messages were dropped. `pending` still counts them.

        Raises:
            zmq.ZMQError: EBUSY, the device runs.
        """
    def statistics(self) -> Statistics:
        """Return the counters so far. May be called from any thread; the relay does not wait for it."""
    def _let_go(self) -> None:
        """Drop the references to the sockets: from now on the caller of `run` keeps them alive."""

@final
class RoleStatistics:
    """Counters of the connections of one role. The value never changes, and can be pickled."""

    def __init__(self) -> None:
        """All counters 0."""
    @property
    def connections(self) -> int:
        """Connections now, past their handshake."""
    @property
    def shaking_hands(self) -> int:
        """Connections now in their handshake. The value may be a second old."""
    @property
    def blocked(self) -> int:
        """Connections now whose peer has SNDHWM messages waiting, and gets no more until it reads. May be a second old."""
    @property
    def held(self) -> int:
        """Connections now that are not read, because their messages cannot be delivered. May be a second old."""
    @property
    def accepted(self) -> int:
        """Incoming connections."""
    @property
    def connected(self) -> int:
        """Outgoing connections that were established."""
    @property
    def connect_failures(self) -> int:
        """Attempts to connect that failed."""
    @property
    def accept_pauses(self) -> int:
        """Times that no connection was accepted for want of a descriptor."""
    @property
    def refused_version(self) -> int:
        """Handshakes refused because the peer speaks ZMTP 1.0 or 2.0."""
    @property
    def refused_mechanism(self) -> int:
        """Handshakes refused because the peer uses another security mechanism."""
    @property
    def refused_authentication(self) -> int:
        """Handshakes refused because the peer's key or password is not known, or was forged."""
    @property
    def refused_handshakes(self) -> int:
        """Connections refused because too many handshakes were under way from one address."""
    @property
    def refused_socket_type(self) -> int:
        """Handshakes refused because the peer's socket type cannot talk to this one."""
    @property
    def refused_routing_id(self) -> int:
        """Handshakes refused because the peer's routing id is in use."""
    @property
    def refused_malformed(self) -> int:
        """Handshakes refused because the peer does not speak ZMTP, or its handshake is invalid."""
    @property
    def refused_by_peer(self) -> int:
        """Handshakes that the peer ended with an error."""
    @property
    def refused_resources(self) -> int:
        """Handshakes refused because this process had no memory or descriptor for the peer."""
    @property
    def refused_max_connections(self) -> int:
        """Incoming connections refused because the role had as many as its limit allows."""
    @property
    def refused_max_connections_per_address(self) -> int:
        """Incoming connections refused because their address had as many as the limit of the role allows."""
    @property
    def refused_max_connections_per_key(self) -> int:
        """Incoming connections refused because their key or user had as many as the limit of the role allows."""
    @property
    def framing_errors(self) -> int:
        """Connections closed because the peer sent an invalid frame or command."""
    @property
    def worker_protocol_errors(self) -> int:
        """Connections closed because the peer broke the protocol of the workers."""
    @property
    def limits_exceeded(self) -> int:
        """Connections closed because a frame, message or subscription was beyond a limit."""
    @property
    def credentials_withdrawn(self) -> int:
        """Connections closed because the key or password of the peer was withdrawn."""
    @property
    def handshake_timeouts(self) -> int:
        """Connections closed because their handshake took longer than HANDSHAKE_IVL."""
    @property
    def heartbeat_timeouts(self) -> int:
        """Connections closed because the peer was silent for too long."""
    @property
    def idle_timeouts(self) -> int:
        """Connections closed because no message had passed for as long as the limit of the role allows."""
    @property
    def kicked(self) -> int:
        """Connections ended by a command."""
    @property
    def messages_lost(self) -> int:
        """Messages received and not delivered, because the receiver left or the run ended."""
    @property
    def drain_discards(self) -> int:
        """Messages that arrived during a drain of requests, and were not forwarded."""
    @property
    def departed_copies(self) -> int:
        """Copies that waited for a subscriber of this PUB or XPUB that left."""
    @property
    def subscriber_drops(self) -> int:
        """Copies not sent because a subscriber of this PUB or XPUB had SNDHWM messages waiting."""
    @property
    def unmatched(self) -> int:
        """Messages that no peer of this PUB or XPUB had subscribed to."""
    @property
    def publisher_drops(self) -> int:
        """Copies not sent because a publisher of this XSUB had SNDHWM messages waiting."""
    @property
    def denied_messages(self) -> int:
        """Messages dropped because the rights of their peer do not allow their topic."""
    @property
    def denied_subscriptions(self) -> int:
        """Subscriptions not taken because the rights of their peer allow no part of them."""
    @property
    def refused(self) -> int:
        """Handshakes that failed, for all reasons together."""
    @property
    def protocol_errors(self) -> int:
        """Connections closed because of what the peer sent, for both reasons together."""
    @property
    def timeouts(self) -> int:
        """Connections closed because the peer was late, for both reasons together."""
    def __eq__(self, other: object) -> bool: ...
    def __getstate__(self) -> tuple[int, ...]: ...
    def __setstate__(self, state: tuple[int, ...]) -> None: ...

@final
class ConnectStatus:
    """How one of the connects of a role is. The value never changes, and can be pickled."""

    def __init__(self) -> None:
        """No endpoint, not connected."""
    @property
    def endpoint(self) -> str:
        """The endpoint that it connects to."""
    @property
    def connected(self) -> bool:
        """Whether it is connected, with the handshake behind it."""
    @property
    def failure(self) -> str:
        """Why the last attempt failed or the last connection ended; empty while it is connected."""
    @property
    def retry_in(self) -> float | None:
        """Seconds until the next attempt, or None if it is connected, being tried, or not tried again."""
    def __getstate__(self) -> tuple[str, bool, str, int | None]: ...
    def __setstate__(self, state: tuple[str, bool, str, int | None]) -> None: ...

def libzmq() -> str:
    """Return the path of the libzmq that pyzmq, and so this module, uses."""

if sys.platform == "linux":
    @final
    class WireSocket:
        """The description of one socket of a `WireDevice`.

        Args:
            type: ROUTER, DEALER, PULL, PUSH, SUB, PUB, XSUB or XPUB.
            binds: Endpoints to bind: "tcp://HOST:PORT", "ipc://PATH" or "ipc://@NAME".
            connects: Endpoints to connect to.
            listening: Descriptors of listening sockets by the endpoints in `binds` that they serve. The device duplicates them.
            **options: Options by their names in zmq_setsockopt(3) in lower case, such as `sndhwm=10`; `subscribe` is a list of prefixes,
                `metadata` a list of pairs. Bytes, numbers and text as there, times in milliseconds, keys as 32 bytes.

        Raises:
            TypeError: The engine has no such option, or its value has a wrong type.
        """

        def __init__(
            self,
            type: int,
            *,
            binds: Sequence[str] = (),
            connects: Sequence[str] = (),
            listening: Mapping[str, int] = {},
            **options: Any,
        ) -> None: ...

    @final
    class WireWorkers:
        """The settings of a queue that knows its workers, for a `WireDevice`. Times are in seconds; 0: no limit.

        Args:
            protocol: "plain" for REP and DEALER workers, "ppp" for Paranoid Pirate (RFC 6) or "mdp" for Majordomo (RFC 7, RFC 18).
            balance: "least-requests" or "round-robin".
            max_requests: Requests of one worker at a time, 1 to 10000.
            queue_limit: Requests that may wait for a worker.
            queue_bytes: Bytes of the requests that may wait.
            on_full: What happens to requests beyond these limits: "block", their clients wait; "reject", they fail.
            queue_timeout: How long a request may wait for a worker.
            request_timeout: How long a worker may take for a request.
            retries: How often a request is given to another worker because its worker has left; at most 100.
            allow_request_options: Whether a request may choose its own number of retries, by a first frame like "zdev retries=2".
            reply_on_failure: Frames that a client gets instead of a reply when its request has failed; None: nothing.
            dead_letter: A PUSH that gets each request that has failed; None: no such socket.
            heartbeat: Seconds between heartbeats; 0: none with "plain", 1 s with "ppp", 2.5 s with "mdp". A worker that does not answer
                them has left.
            max_failures: Failed requests in a row after which a worker gets no more for `set_aside`; 0: any number.
            set_aside: For how long, and each further time twice as long, a minute at most.

        Raises:
            ValueError: A protocol, balance or policy is unknown, or a time is below 0.
        """

        def __init__(
            self,
            *,
            protocol: str = "plain",
            balance: str = "least-requests",
            max_requests: int = 1,
            queue_limit: int = 1000,
            queue_bytes: int = 67108864,
            on_full: str = "block",
            queue_timeout: float = 0.0,
            request_timeout: float = 0.0,
            retries: int = 0,
            allow_request_options: bool = False,
            reply_on_failure: Sequence[bytes] | None = None,
            dead_letter: WireSocket | None = None,
            heartbeat: float = 0.0,
            max_failures: int = 3,
            set_aside: float = 1.0,
        ) -> None: ...

    @final
    class WireDevice:
        """A relay that owns its connections: it speaks ZMTP 3.0 and 3.1 itself, over tcp and ipc. Linux only.

        The constructor binds; connecting begins with `run`. A device runs once.

        Args:
            in_socket: The socket that messages come from.
            out_socket: The socket that they go to, and replies come from; None: the in socket is both ends.
            mon_socket: PUB, XPUB or PUSH, which sends [prefix, frame, ...] for every message forwarded.
            in_prefix: Prefix frame for messages from the in socket; a str is sent as UTF-8; None for no such frame.
            out_prefix: Prefix frame for messages from the out socket; a str is sent as UTF-8; None for no such frame.
            dropped_prefix: Prefix frame for messages dropped as unroutable or overflowed; None: the monitor gets no copies of these.
            on_full: "block" or "drop", when the only receiver of a message, the peer of a ROUTER, is full.
            mon_on_full: "block" or "drop", when a PUSH monitor is full.
            workers: The settings of a queue that knows its workers: the in socket is a ROUTER, and the out socket a DEALER, or with "ppp"
                and "mdp" a DEALER or ROUTER. None: the queue gives each request to the next worker at once.

        Raises:
            ValueError: A policy is unknown.
            zmq.ZMQError: EINVAL, the types do not work together, or an option or endpoint is invalid; EADDRINUSE, EADDRNOTAVAIL, EACCES
                and others of bind(2).
        """

        def __init__(
            self,
            in_socket: WireSocket,
            out_socket: WireSocket | None = None,
            mon_socket: WireSocket | None = None,
            *,
            in_prefix: bytes | str | None = b"in",
            out_prefix: bytes | str | None = b"out",
            dropped_prefix: bytes | str | None = None,
            on_full: str = "block",
            mon_on_full: str = "block",
            workers: WireWorkers | None = None,
        ) -> None: ...
        def run(self) -> Outcome:
            """Relay messages until `stop` or the end of a drain. The GIL is released while it relays.

            At the end, senders are asked to stop, what they had sent is delivered, and what could not be delivered is counted as
            `messages_lost`. In the main thread signal handlers run within 50 ms; an exception that they raise ends the run at once.

            Returns:
                How the run ended.

            Raises:
                zmq.ZMQError: EBUSY, the device runs already; EINVAL, it has run before.
            """
        def pause(self) -> None:
            """Hold all messages where they are until `resume`. May be called from any thread."""
        def resume(self) -> None:
            """Continue after `pause`. May be called from any thread."""
        def drain(self, timeout: float | None = None) -> None:
            """Stop reading from the in socket, forward the pending replies, then end the run. May be called from any thread.

            Args:
                timeout: Seconds after which the run ends without them; None for no limit.
            """
        def stop(self, grace: float | None = None) -> None:
            """End the run. May be called from any thread. Called again, it ends the run without delivering anything more.

            Args:
                grace: Seconds for the deliveries at the end, at most; None for the LINGER of each socket.
            """
        def statistics(self) -> Statistics:
            """Return the counters so far. May be called from any thread; the relay does not wait for it."""
        def connections(self, role: str) -> RoleStatistics:
            """Return the counters of the connections of "in", "out" or "mon". May be called from any thread."""
        def connects(self, role: str) -> list[ConnectStatus]:
            """Return how each of the connects of a role is. May be called from any thread."""
        def endpoints(self, role: str) -> list[str]:
            """Return the bound endpoints of a role, in the order given, with ports in place of wildcards."""
        def peers(self, timeout: float = 1.0) -> list[dict[str, object]]:
            """Return all connections, and the connects without one, at one moment; none before and after the run.

            May be called from any thread.

            Args:
                timeout: Seconds within which the loop must answer.

            Returns:
                The fields of `zdev::wire::peer_status` by name; times are in seconds, `since` as in time.time().

            Raises:
                zmq.ZMQError: ETIMEDOUT, the loop has not answered.
            """
        def kick(self, number: int, timeout: float = 1.0) -> bool:
            """End the connection with this number. May be called from any thread.

            Args:
                number: The number of a peer of `peers`.
                timeout: Seconds within which the loop must answer.

            Returns:
                Whether there is such a connection.

            Raises:
                zmq.ZMQError: ETIMEDOUT, the loop has not answered.
            """
        def stop_accepting(self, timeout: float = 1.0) -> None:
            """Close the listening sockets; connections go on. Does nothing if the device is not running. May be called from any thread.

            Args:
                timeout: Seconds within which the loop must answer.

            Raises:
                zmq.ZMQError: ETIMEDOUT, the loop has not answered.
            """

        def change(
            self,
            in_socket: WireSocket,
            out_socket: WireSocket | None = None,
            mon_socket: WireSocket | None = None,
            *,
            in_prefix: bytes | str | None = b"in",
            out_prefix: bytes | str | None = b"out",
            dropped_prefix: bytes | str | None = None,
            on_full: str = "block",
            mon_on_full: str = "block",
            workers: WireWorkers | None = None,
            timeout: float = 1.0,
        ) -> list[str]:
            """Take over what differs in this description: all of it, or nothing. May be called from any thread.

            Limits and `sndhwm` apply to all connections at once, other options of connections to new ones. The connections of an endpoint in
            `binds` that is removed stay. The connection of one in `connects` gets what waits for it, and ends when what its peer has sent, and its pending
            replies, have arrived, or after `linger`. Credentials are left alone: see `set_credentials`.

            Args:
                in_socket: See the constructor, also for the others.
                timeout: Seconds within which the loop must answer.

            Returns:
                What has changed, in words, such as "in: sndhwm 1000 -> 10".

            Raises:
                ValueError: A policy is unknown.
                zmq.ZMQError: ENOTSUP, a running device cannot change all of it, which the text names; EAGAIN, it does not run, or is ending;
                    ETIMEDOUT, the loop has not answered; EADDRINUSE and others, as in the constructor.
            """

        def workers(self, timeout: float = 1.0) -> dict[str, object]:
            """Return what has become of the requests, and the workers, at one moment, of a device with `workers`.

            May be called from any thread. Before and after the run there are no workers.

            Args:
                timeout: Seconds within which the loop must answer.

            Returns:
                "requests": the fields of `zdev::wire::request_statistics` by name; "workers": those of `zdev::wire::worker_status` for each
                worker. Times are in seconds, `since` as in time.time().

            Raises:
                zmq.ZMQError: ETIMEDOUT, the loop has not answered.
            """
        def drain_worker(self, number: int, on: bool = True, timeout: float = 1.0) -> bool:
            """Give no more requests to the worker with this number, or give it some again. May be called from any thread.

            Args:
                number: The number of a worker of `workers`.
                on: Whether it gets no more requests.
                timeout: Seconds within which the loop must answer.

            Returns:
                Whether there is such a worker.

            Raises:
                zmq.ZMQError: ETIMEDOUT, the loop has not answered.
            """

        def set_credentials(
            self,
            role: str,
            known: dict[bytes, bytes],
            *,
            anyone: bool = False,
            unreadable: bool = False,
            rights: dict[bytes, tuple[list[bytes], list[bytes]]] | None = None,
        ) -> None:
            """Replace the credentials of a role that is a server of CURVE or PLAIN. May be called from any thread.

            Peers that wait for them are admitted or refused, and those whose credentials were withdrawn are disconnected.

            Args:
                role: "in", "out" or "mon".
                known: With CURVE, public keys of 32 bytes and a name for each; with PLAIN, names and their passwords.
                anyone: Whether every CURVE client that knows the server's key is admitted.
                unreadable: Whether nobody new is admitted, because the credentials cannot be read. Connected peers stay.
                rights: The prefixes of topics, by user, to which it may publish and subscribe; b"*" for users not named. None: everything.

            Raises:
                zmq.ZMQError: EINVAL, the role is not a server of CURVE or PLAIN, or its type cannot have rights.
            """
        def await_peer(self, timeout: float) -> bool:
            """Wait until a peer has shown its key or password, and waits for `set_credentials`, or the run has ended.

            Args:
                timeout: Seconds.

            Returns:
                Whether there was one since the last call.
            """
        def take_refused(self, role: str) -> list[tuple[str, bytes, str]]:
            """Return the peers that were refused by their credentials since the last call, at most 100: address, key, reason."""
        def take_denied(self, role: str) -> tuple[str, bytes, bool, bytes] | None:
            """Return the first message or subscription since the last call that the rights of its peer do not allow.

            Returns:
                Address, user, whether it was a subscription, and the first 64 bytes of its topic; None if there was none.
            """

    def wire_has_curve() -> bool:
        """Return whether a `WireDevice` can have CURVE: whether zdev-core was built with libsodium."""

    def wire_refusal(in_type: int, out_type: int | None = None, mon_type: int | None = None) -> str | None:
        """Return why a `WireDevice` cannot have sockets of these types, or None if it can."""
