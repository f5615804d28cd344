"""What samples become: a table of medians for people, JSON for programs."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from devices import DIRECT, PEERS
from measure import Case, Sample


@dataclass(frozen=True)
class Goal:
    """`peer` reaches at least `factor` times what `over` does in `case`; of a latency, at most."""

    case: str
    peer: str
    over: str
    factor: float


GOALS = [
    Goal("stream-64", "zdev-monitored-queue", "pyzmq-monitored-queue", 4.0),
    Goal("stream-64", "zdev-monitored-queue", "zmq-proxy", 1.3),
]


class Results:
    """Samples by case and peer."""

    def __init__(self, samples: Sequence[Sample], cases: dict[str, Case]) -> None:
        self.samples = samples
        self.cases = cases

    def of(self, case: str, peer: str) -> dict[int, Sample]:
        """By round."""
        return {s.round: s for s in self.samples if (s.case, s.peer) == (case, peer)}

    def value(self, sample: Sample) -> float:
        """What the case is about: messages a second, or microseconds."""
        return (sample.p50_us or 0.0) if self.cases[sample.case].latency else sample.per_second

    def median(self, case: str, peer: str, what: Callable[[Sample], float | None]) -> float | None:
        values = [value for sample in self.of(case, peer).values() if (value := what(sample)) is not None]
        return median(values) if values else None

    def ratio(self, case: str, peer: str, over: str) -> float | None:
        """The median of the rounds' ratios: the two ran one after the other in each, so a busy machine slows both."""
        ours, theirs = self.of(case, peer), self.of(case, over)
        ratios = [self.value(ours[r]) / self.value(theirs[r]) for r in ours.keys() & theirs.keys() if self.value(theirs[r])]
        return median(ratios) if ratios else None


def _label(peer: str) -> str:
    return DIRECT if peer == DIRECT else PEERS[peer].label


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form).replace(",", " ")


def table(results: Results, case: str, peers: Sequence[str]) -> str:
    """The case's medians, a row a peer, and the row's ratio to each peer."""
    latency = results.cases[case].latency
    unit = "us, median" if latency else f"{results.cases[case].unit}/s"
    shown = [peer for peer in peers if results.of(case, peer)]
    head = f"{case:<24}{unit:>14}{'CPU ns':>9}{'thread':>8}{'wakes':>7}"
    lines = [head + "".join(f"{'x ' + _label(peer):>12}" for peer in shown)]
    for peer in shown:
        cells = f"{peer:<24}{_number(results.median(case, peer, results.value), ',.1f' if latency else ',.0f'):>14}"
        cells += f"{_number(results.median(case, peer, lambda s: s.cpu_ns), ',.0f'):>9}"
        cells += f"{_number(results.median(case, peer, lambda s: s.cpu_main_ns), ',.0f'):>8}"
        cells += f"{_number(results.median(case, peer, lambda s: s.wakeups), '.3f'):>7}"
        lines.append(cells + "".join(f"{_number(results.ratio(case, peer, over), '.2f'):>12}" for over in shown))
    return "\n".join(lines)


def goals(results: Results) -> str:
    """A line for each goal that was measured."""
    lines = []
    for goal in GOALS:
        ratio = results.ratio(goal.case, goal.peer, goal.over) if goal.case in results.cases else None
        if ratio is None:
            continue
        reached = ratio <= goal.factor if results.cases[goal.case].latency else ratio >= goal.factor
        verdict = "reached" if reached else "MISSED"
        lines.append(f"{goal.case}: {goal.peer} / {goal.over} = {ratio:.2f}, goal {goal.factor:.2f}: {verdict}")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """The processor, how many, the system, and how busy it is."""
    try:
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    except OSError:
        names = []
    return {
        "processor": names[0].partition(":")[2].strip() if names else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load_average": os.getloadavg(),
    }


def _summary(results: Results, case: str, peer: str) -> dict[str, Any]:
    over = {sample.peer for sample in results.samples} - {peer}
    return {
        "median": results.median(case, peer, results.value),
        "cpu_ns": results.median(case, peer, lambda s: s.cpu_ns),
        "ratios": {other: results.ratio(case, peer, other) for other in sorted(over)},
    }


def as_json(results: Results, at_start: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Everything: machine, versions, command, medians and each sample."""
    versions: dict[str, str] = {}
    samples = []
    peers = {sample.peer: None for sample in results.samples}
    for sample in results.samples:
        values = asdict(sample)
        versions |= values.pop("versions")
        samples.append(values)
    return {
        "machine": at_start | {"load_average_at_end": os.getloadavg()},
        "versions": versions,
        "command": shlex.join([Path(sys.executable).name, *sys.argv]),
        "seconds": seconds,
        "cases": {name: asdict(case) for name, case in results.cases.items()},
        "results": {case: {peer: _summary(results, case, peer) for peer in peers} for case in results.cases},
        "samples": samples,
    }
