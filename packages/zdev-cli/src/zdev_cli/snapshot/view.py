"""The parts of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, get_type_hints

from msgspec import Struct


class Metric(NamedTuple):
    """The Prometheus counter of a field. Counters with the same name differ in their label `reason`."""

    name: str
    help: str
    reason: str = ""


class View(Struct, frozen=True, kw_only=True):
    """A part of a snapshot."""


class Counts(View, frozen=True, kw_only=True):
    """How many of something are in each state, by field."""

    def __str__(self) -> str:
        counts = {name: getattr(self, name) for name in self.__struct_fields__}
        return ", ".join(f"{count:,} {name.replace('_', '-')}" for name, count in counts.items() if count) or "none"


def metrics_of(view: type[View]) -> Mapping[str, Metric]:
    """Return the metrics of a view by field."""
    hints = get_type_hints(view, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}
