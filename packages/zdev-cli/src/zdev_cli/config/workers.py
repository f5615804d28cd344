"""The table [device.workers] of a configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict

if TYPE_CHECKING:
    from zdev_background import Workers

Balance = Literal["least-requests", "round-robin"]
WhenFull = Literal["block", "reject"]
Protocol = Literal["plain", "ppp", "mdp"]
Time = Annotated[float, Meta(gt=0, le=86400, title="a number of seconds above 0, up to 86400")]
Frames = Annotated[list[str], Meta(min_length=1, title='an array of frames, like ["error", "busy"]')]


class WorkersConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A queue that knows its workers: requests wait until a worker is free. See docs/workers.md."""

    balance: Annotated[
        Balance,
        Meta(
            description="Which worker gets the next request: the one with the fewest, or each in turn. Default: least-requests."
        ),
    ] = "least-requests"
    max_requests: Annotated[
        int, Meta(ge=1, le=10_000, title="1 to 10000 requests", description="Requests of one worker at a time. Default: 1.")
    ] = 1
    queue_limit: Annotated[
        int,
        Meta(
            ge=0, le=2**32, title="0 to 4294967296 requests", description="Requests that may wait for a worker. Default: 1000."
        ),
    ] = 1000
    queue_bytes: Annotated[
        int,
        Meta(ge=0, le=2**48, title="a number of bytes", description="Bytes of the requests that may wait. Default: 67108864."),
    ] = 64 * 1024 * 1024
    on_full: Annotated[
        WhenFull,
        Meta(description="Requests beyond these limits: block: their clients wait; reject: they fail. Default: block."),
    ] = "block"
    queue_timeout: Annotated[
        Time | None, Meta(description="Seconds that a request may wait for a worker. Default: no limit.")
    ] = None
    request_timeout: Annotated[
        Time | None, Meta(description="Seconds that a worker may take for a request. Default: no limit.")
    ] = None
    retries: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            title="0 to 100",
            description="How often a request is given to another worker because its worker has left. Default: 0.",
        ),
    ] = 0
    allow_request_options: Annotated[
        bool,
        Meta(description='Whether a request may set its retries, by a first frame like "zdev retries=2". Default: false.'),
    ] = False
    reply_on_failure: Annotated[
        Frames | None,
        Meta(description="Frames that a client gets instead of a reply when its request has failed. Default: nothing."),
    ] = None
    dead_letter: Annotated[
        str | None,
        Meta(
            description="Endpoint at which a PUSH binds that gets each request that has failed; with > before it, the PUSH connects. "
            "Default: no such socket.",
            title="an endpoint like tcp://127.0.0.1:5562",
        ),
    ] = None
    heartbeat: Annotated[
        Time | None,
        Meta(
            description="Seconds between heartbeats; a worker that does not answer has left. "
            'Default: none with protocol = "plain", 1 with "ppp", 2.5 with "mdp".'
        ),
    ] = None
    protocol: Annotated[
        Protocol,
        Meta(description="plain: REP and DEALER sockets; ppp: Paranoid Pirate; mdp: Majordomo. Default: plain."),
    ] = "plain"
    max_failures: Annotated[
        int,
        Meta(
            ge=0,
            le=2**31,
            title="0 to 2147483648 failures",
            description="Failed requests in a row after which a worker is set aside; 0: never. Default: 3.",
        ),
    ] = 3
    set_aside: Annotated[
        Time,
        Meta(description="Seconds for which it gets no more requests; doubled each further time, up to 60. Default: 1."),
    ] = 1.0

    def settings(self) -> Workers:
        """Return them for a device. Raises ValueError for an invalid endpoint."""
        from zdev_background import Workers

        return Workers(**asdict(self))
