"""Paths of what the rules look at."""

from __future__ import annotations

from .._words import Role
from .fault import Path


def socket_path(index: int, role: Role) -> Path:
    return ("device", index, role)


def endpoint_path(index: int, role: Role, verb: str, number: int | None) -> Path:
    """Of one of several endpoints, or with None of the only one, which is told as text."""
    path = (*socket_path(index, role), verb)
    return path if number is None else (*path, number)
