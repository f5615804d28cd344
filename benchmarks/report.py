"""Turn samples into medians and ratios, a table for people, and JSON for programs."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from cases import Case
from devices import DIRECT, PEERS
from measure import Sample

Metric = Callable[[Sample], float | None]


class Results:
    """Samples by case and peer."""

    def __init__(self, samples: Sequence[Sample], cases: dict[str, Case]) -> None:
        self.samples = samples
        self.cases = cases
        self._found: dict[tuple[str, str], dict[int, Sample]] = {}
        for sample in samples:
            self._found.setdefault((sample.case, sample.peer), {})[sample.round] = sample

    def of(self, case: str, peer: str) -> dict[int, Sample]:
        """Return the samples by round."""
        return self._found.get((case, peer), {})

    def peers(self, case: str) -> list[str]:
        """Return the peers that were measured, in the order of PEERS."""
        found = [peer for name, peer in self._found if name == case]
        order = [*PEERS, DIRECT]
        return sorted(found, key=lambda peer: order.index(peer) if peer in order else len(order))

    def value(self, sample: Sample) -> float | None:
        """Return the main figure of the case: messages per second, microseconds, a share of a core, or KB."""
        case = self.cases[sample.case]
        if case.is_state:
            return sample.cpu_share if sample.growth_kb is None else sample.growth_kb
        return sample.p50_us if case.latency else sample.per_second

    def median(self, case: str, peer: str, metric: Metric) -> float | None:
        values = [value for sample in self.of(case, peer).values() if (value := metric(sample)) is not None]
        return median(values) if values else None

    def ratio(self, case: str, peer: str, over: str) -> float | None:
        """Return the median of the per-round ratios: a busy machine slows both peers of a round."""
        return self.ratio_of((case, peer), (case, over), self.value)

    def ratio_of(self, ours: tuple[str, str], theirs: tuple[str, str], metric: Metric) -> float | None:
        """Return the median of the per-round ratios of two (case, peer)."""
        a, b = self.of(*ours), self.of(*theirs)
        pairs = [(metric(a[r]), metric(b[r])) for r in a.keys() & b.keys()]
        ratios = [x / y for x, y in pairs if x is not None and y]
        return median(ratios) if ratios else None


def label(peer: str) -> str:
    return PEERS[peer].label if peer in PEERS else peer


def number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form).replace(",", " ")


# The columns of a case with a load: heading, format and metric.
COLUMNS: list[tuple[str, str, Metric]] = [
    ("CPU ns", ",.0f", lambda s: s.cpu_ns),
    ("own", ",.0f", lambda s: s.cpu_own_ns),
    ("wakes", ".3f", lambda s: s.wakeups),
    ("peak MB", ".1f", lambda s: s.peak_mb),
]
LATENCIES: list[tuple[str, str, Metric]] = [
    ("p50 us", ",.1f", lambda s: s.p50_us),
    ("p99 us", ",.1f", lambda s: s.p99_us),
    ("p99.9 us", ",.1f", lambda s: s.p999_us),
]


def cells_of(results: Results, name: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the column headings of a case, and the cells of each peer: medians, then ratios to every peer."""
    case, peers = results.cases[name], results.peers(name)
    if case.is_state:
        growth = case.pattern == "growth"
        head = "KB grown" if growth else "% of a core"
        scale, form = (1, ".0f") if growth else (100, ".2f")
        medians = {peer: results.median(name, peer, results.value) for peer in peers}
        return [head], {peer: [number(None if v is None else v * scale, form)] for peer, v in medians.items()}
    rate: list[tuple[str, str, Metric]] = [(f"{case.unit}/s", ",.0f", lambda s: s.per_second)]
    if case.monitor == "fast":
        rate.append(("delivered", ".0%", lambda s: None if s.watched is None else s.watched / s.messages))
    timed = any(sample.p50_us is not None for peer in peers for sample in results.of(name, peer).values())
    columns = [*rate, *(LATENCIES if timed else []), *COLUMNS]
    rows = {}
    for peer in peers:
        cells = [number(results.median(name, peer, metric), form) for _, form, metric in columns]
        rows[peer] = cells + [number(results.ratio(name, peer, over), ".2f") for over in peers]
    return [head for head, _, _ in columns] + [f"x {label(peer)}" for peer in peers], rows


def table(results: Results, name: str) -> str:
    """Format the case as one row per peer: its medians, and its ratio to each peer."""
    head, rows = cells_of(results, name)
    widths = [max(len(cell) for cell in column) + 2 for column in zip(head, *rows.values(), strict=True)]
    lines = [f"{name:<30}" + "".join(f"{cell:>{width}}" for cell, width in zip(head, widths, strict=True))]
    for peer, cells in rows.items():
        lines.append(f"{peer:<30}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)))
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Describe the machine: processor, number of cores, system, load average."""
    try:
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    except OSError:
        names = []
    return {
        "processor": names[0].partition(":")[2].strip() if names else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load_averages": [os.getloadavg()],
    }


def versions(results: Results) -> dict[str, str]:
    return {name: version for sample in results.samples for name, version in sample.versions.items()}


def command() -> str:
    """Return the command of this run without the folders of absolute paths."""
    words = [Path(sys.executable).name, f"benchmarks/{Path(sys.argv[0]).name}"]
    skip = False
    for word in sys.argv[1:]:
        if word == "--build-dir":  # does not affect the figures
            skip = True
        elif skip:
            skip = False
        else:
            words.append(Path(word).name if Path(word).is_absolute() else word)
    return shlex.join(words)


def _summary(results: Results, case: str, peer: str) -> dict[str, Any]:
    names = ("per_second", "p50_us", "p99_us", "p999_us", "cpu_ns", "cpu_own_ns", "wakeups", "rest_mb", "peak_mb", "cpu_share")
    medians = {name: results.median(case, peer, lambda s, n=name: getattr(s, n)) for name in names}  # type: ignore[misc]
    over = {other: results.ratio(case, peer, other) for other in results.peers(case) if other != peer}
    return {name: value for name, value in medians.items() if value is not None} | {"ratios": over}


def as_json(results: Results, at_start: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return everything for the JSON file: machine, versions, command, medians and all samples."""
    samples = [asdict(sample) for sample in results.samples]
    for sample in samples:
        del sample["versions"]
    return {
        "machine": at_start | {"load_average_at_end": os.getloadavg()},
        "versions": versions(results),
        "command": command(),
        "seconds": seconds,
        "cases": {name: asdict(case) for name, case in results.cases.items()},
        "results": {case: {peer: _summary(results, case, peer) for peer in results.peers(case)} for case in results.cases},
        "samples": samples,
    }
