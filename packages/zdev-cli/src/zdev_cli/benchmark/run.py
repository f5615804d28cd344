"""The cases of a run one after the other, with their progress on a terminal."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import click
import msgspec

from .._progress import Progress
from .._signals import StopSignals
from .._terminal import console
from .._words import Role
from .access import credentials, reach
from .cases import PEER_TYPES, BenchOptions, Case, Endpoints, Figures, cases_of
from .in_use import running_device
from .measure import Target, measure
from .report import Report, heading, machine, show

if TYPE_CHECKING:
    from zdev_background import Security


class Running(NamedTuple):
    """A running device, as the command line gives it."""

    endpoints: Endpoints
    timeout: float
    """Seconds until each of them must answer."""
    security: Security | None = None
    control: str | None = None


def run(options: BenchOptions, running: Running | None, as_json: bool) -> None:
    """Measure, and print the results, also when a signal ends it early. running: the device; None: one is made."""
    with StopSignals() as stop:
        cases = cases_of(options, own=running is None)
        target = _reached(cases[-1], options, running) if running else None
        out = console()
        if not as_json:
            out.print(heading(options, target), end="\n\n")
        found = _measure_all(cases, options, target, stop)
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(Report(machine=machine(), load=options, figures=found))))
        elif found:
            show(out, found)


def _reached(case: Case, options: BenchOptions, running: Running) -> Target:
    """Raises Failure when a socket does not answer, or other peers use the device."""
    advice = f"disconnect its peers for the measurement, or measure a new device: zdev bench {options.type}"
    device = running_device(running.endpoints, running.control, advice)
    if device:
        device.refuse_use()
    types: dict[Role, str] = dict(zip(("in", "out"), PEER_TYPES[case.pattern], strict=True))
    types["mon"] = "SUB"
    roles: tuple[Role, ...] = ("mon", "in", "out")  # out last: a message of another peer that arrives there is lost
    given = [role for role in roles if role in running.endpoints]
    security, timeout = running.security, running.timeout
    secured = [role for role in given if reach(role, running.endpoints[role], types[role], timeout, security, advice)]
    return Target(running.endpoints, credentials(security, secured), device, advice)


def _measure_all(cases: list[Case], options: BenchOptions, target: Target | None, stop: StopSignals) -> list[Figures]:
    found: list[Figures] = []
    for number, case in enumerate(cases, start=1):
        figures = _measure(f"{number}/{len(cases)}  {case.name}", case, options, target, stop)
        if figures is None:
            break
        found.append(figures)
    return found


def _measure(title: str, case: Case, options: BenchOptions, target: Target | None, stop: StopSignals) -> Figures | None:
    """Measure a case, with progress on stderr if that is a terminal."""
    begin, received = monotonic(), 0

    def report(count: int) -> None:
        nonlocal received
        received = count
        progress.tick()

    def text() -> str:
        return f"{title}: {monotonic() - begin:.1f} of {options.seconds:g} s, {received:,} got through"

    with Progress(text) as progress:
        return measure(case, options, target, stop, report)
