"""The cases of a run one after the other, with their progress on a terminal."""

from __future__ import annotations

import sys
from time import monotonic

import click
import msgspec
from rich.console import Console

from .._signals import StopSignals
from .._words import Role
from .cases import PEER_TYPES, Case, Endpoints, Figures, Wish, cases_of
from .measure import measure
from .reach import reach
from .report import Report, heading, machine, show


def run(wish: Wish, endpoints: Endpoints, timeout: float, as_json: bool) -> None:
    """Measure, and print what was found: also when a signal ends it early."""
    with StopSignals() as stop:
        cases = cases_of(wish, own=not endpoints)
        _reach_all(cases[-1], endpoints, timeout)
        console = Console(highlight=False)
        if not as_json:
            console.print(heading(wish, endpoints), end="\n\n")
        found = _measure_all(cases, wish, endpoints, stop)
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(Report(machine=machine(), load=wish, figures=found))))
        elif found:
            show(console, found)


def _reach_all(case: Case, endpoints: Endpoints, timeout: float) -> None:
    types: dict[Role, str] = dict(zip(("in", "out"), PEER_TYPES[case.pattern], strict=True))
    types["mon"] = "SUB"
    for role, endpoint in endpoints.items():
        reach(role, endpoint, types[role], timeout)


def _measure_all(cases: list[Case], wish: Wish, endpoints: Endpoints, stop: StopSignals) -> list[Figures]:
    found: list[Figures] = []
    for number, case in enumerate(cases, start=1):
        progress = _Progress(f"{number}/{len(cases)}  {case.name}", wish.seconds)
        try:
            figures = measure(case, wish, endpoints, stop, progress.tell)
        finally:
            progress.clear()
        if figures is None:
            break
        found.append(figures)
    return found


class _Progress:
    """A line on stderr that is written over and over, if that is a terminal."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._begin = monotonic()
        self._shown = sys.stderr.isatty()

    def tell(self, received: int) -> None:
        text = f"{self._what}: {monotonic() - self._begin:.1f} of {self._seconds:g} s, {received:,} got through"
        self._write(text)

    def clear(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
