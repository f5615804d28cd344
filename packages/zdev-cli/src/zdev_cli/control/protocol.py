"""Requests to a running zdev and its answers: one line of JSON each way, then the connection is closed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .._failure import Status
from ..snapshot import Snapshot

Verb = Literal["status", "pause", "resume", "drain", "stop", "start", "restart", "reload"]


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`device` is the name of one; status without a name is about all of them, reload about the whole configuration."""

    verb: Verb
    device: str | None = None


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of a request."""

    status: int = Status.OK
    """Exit status of the command; 0: done."""
    lines: list[str] = []
    """Results or errors in words, one per line."""
    snapshot: Snapshot | None = None
    """Upon status."""
