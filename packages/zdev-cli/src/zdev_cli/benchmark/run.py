"""The cases of a run one after the other, with their progress on a terminal."""

from __future__ import annotations

from time import monotonic

import click
import msgspec

from .._progress import Progress
from .._signals import StopSignals
from .._terminal import console
from .._words import Role
from .cases import PEER_TYPES, BenchOptions, Case, Endpoints, Figures, cases_of
from .measure import measure, reach
from .report import Report, heading, machine, show


def run(options: BenchOptions, endpoints: Endpoints, timeout: float, as_json: bool) -> None:
    """Measure, and print the results, also when a signal ends it early."""
    with StopSignals() as stop:
        cases = cases_of(options, own=not endpoints)
        _reach_all(cases[-1], endpoints, timeout)
        out = console()
        if not as_json:
            out.print(heading(options, endpoints), end="\n\n")
        found = _measure_all(cases, options, endpoints, stop)
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(Report(machine=machine(), load=options, figures=found))))
        elif found:
            show(out, found)


def _reach_all(case: Case, endpoints: Endpoints, timeout: float) -> None:
    types: dict[Role, str] = dict(zip(("in", "out"), PEER_TYPES[case.pattern], strict=True))
    types["mon"] = "SUB"
    for role, endpoint in endpoints.items():
        reach(role, endpoint, types[role], timeout)


def _measure_all(cases: list[Case], options: BenchOptions, endpoints: Endpoints, stop: StopSignals) -> list[Figures]:
    found: list[Figures] = []
    for number, case in enumerate(cases, start=1):
        figures = _measure(f"{number}/{len(cases)}  {case.name}", case, options, endpoints, stop)
        if figures is None:
            break
        found.append(figures)
    return found


def _measure(title: str, case: Case, options: BenchOptions, endpoints: Endpoints, stop: StopSignals) -> Figures | None:
    """Measure a case, with progress on stderr if that is a terminal."""
    begin, received = monotonic(), 0

    def report(count: int) -> None:
        nonlocal received
        received = count
        progress.tick()

    def text() -> str:
        return f"{title}: {monotonic() - begin:.1f} of {options.seconds:g} s, {received:,} got through"

    with Progress(text) as progress:
        return measure(case, options, endpoints, stop, report)
