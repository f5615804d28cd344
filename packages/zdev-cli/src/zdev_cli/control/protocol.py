"""Requests to a running zdev and its answers: one line of JSON each way, then the connection is closed.

Only after `listeners` it stays open, for `hand-over`, until that zdev ends.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .._failure import Status
from ..snapshot import Snapshot
from ..snapshot.peers import PeerView
from ..snapshot.requests import WorkerView

Verb = Literal[
    "status",
    "peers",
    "pause",
    "resume",
    "drain",
    "stop",
    "start",
    "restart",
    "reload",
    "kick",
    "shutdown",
    "listeners",
    "hand-over",
    "workers",
]
WATCHING: tuple[Verb, ...] = ("status", "peers", "workers")
"""Verbs that change nothing, and are not logged."""


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A request of a client.

    listeners and hand-over are for a zdev that takes over: the first changes nothing, the second makes the zdev drain and end, in
    favour of the process `successor`.
    """

    verb: Verb
    device: str | None = None
    """The name of one; status, peers and workers without a name are about all of them."""
    devices: list[str] = []
    """Names, for pause, resume, drain, stop, start and restart of several."""
    all: bool = False
    """Whether these are for all devices."""
    peer: int | None = None
    """The number of the connection to kick."""
    successor: int | None = None
    worker: int | None = None
    """The number of the worker to drain or to resume."""
    dry_run: bool = False
    """Of reload: whether only to report what would change."""
    now: bool = False
    """Of shutdown: whether to stop the devices without a drain."""


CONTROL = "control"
"""The name of the control socket in a hand-over."""


class HandOver(Struct, frozen=True, kw_only=True):
    """The sockets of a zdev for one that takes over. Their descriptors come with the reply (SCM_RIGHTS), in this order."""

    pid: int
    sockets: list[tuple[str, str]]
    """Name (DEVICE.ROLE, http or control) and endpoint of each."""
    others: list[str] = []
    """Endpoints that it keeps until it ends."""


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of a request."""

    status: int = Status.OK
    """Exit status of the command; 0: done."""
    lines: list[str] = []
    """For people to read: one line for each thing that was done, or is wrong."""
    snapshot: Snapshot | None = None
    """Upon status."""
    peers: list[PeerView] | None = None
    """Upon peers."""
    hand_over: HandOver | None = None
    """Upon listeners."""
    workers: list[WorkerView] | None = None
    """Upon workers."""
