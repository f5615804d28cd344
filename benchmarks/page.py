"""Write the results of a run as a page of the documentation, in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices import DIRECT, PEERS
from goals import verdicts
from report import Results, cells_of, command, label, versions

AHEAD = 1.03  # a smaller lead is noise


@dataclass(frozen=True)
class Run:
    """The circumstances of a run.

    Attributes:
        at_start: The machine and its load before the run.
        rounds: The number of rounds, in words.
        seconds: The duration of a measurement.
        failures: What went wrong with a relay.
        charts: Names and titles of the charts.
        missing: The number of measurements still to be done.
    """

    at_start: dict[str, Any]
    rounds: str
    seconds: float
    failures: list[str]
    charts: list[tuple[str, str]]
    missing: int = 0


def write(folder: Path, results: Results, run: Run) -> Path:
    """Write results.md beside the charts and return its path."""
    lines = [
        "# Measurements",
        "",
        "The command below writes this page. [Benchmarks](../../benchmarks/README.md) describes what is measured and how;",
        "[performance](../performance.md) explains the results.",
        "",
        *_circumstances(results, run),
        *_goals(results),
        *_ahead(results),
    ]
    if run.failures:
        lines += ["## Failures", "", "The tables leave these out:", "", *(f"- {text}" for text in run.failures), ""]
    for name, title in run.charts:
        lines += [f"![{title}]({name}.svg)", ""]
    lines += ["## Every case", "", *LEGEND]
    for case in results.cases:
        lines += ["", *_case(results, case)]
    path = folder / "results.md"
    path.write_text("\n".join(lines) + "\n")
    return path


LEGEND = [
    "Medians over the rounds. `x RELAY` is the median of the rounds' ratios to that relay. `CPU ns` is the processor time of the device's",
    "process per message or round trip, `own` that of its threads without libzmq's, and `wakes` how often one of its threads was woken.",
    "`delivered` is the share of the messages whose copies the monitor's subscriber received. `C++` are native processes.",
]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [_row(head), "|" + "---|" * len(head), *map(_row, rows)]


def _circumstances(results: Results, run: Run) -> list[str]:
    load = "; ".join(", ".join(f"{value:.2f}" for value in start) for start in run.at_start["load_averages"])
    machine = f"{run.at_start['processor']}, {run.at_start['cores']} cores, {run.at_start['system']}"
    return [
        f"- Command: `{command()}`",
        f"- Rounds: {run.rounds}, interleaved, of {run.seconds:g} s each"
        + (f"; {run.missing} measurements are still missing" if run.missing else ""),
        f"- Machine: {machine}; load average before: {load}",
        "- Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions(results).items())),
        "",
    ]


def _goals(results: Results) -> list[str]:
    rows = [[v.goal.text, v.figures, v.verdict] for v in verdicts(results)]
    return [
        "## Goals",
        "",
        "zdev's monitored queue compared with another relay in the same run.",
        "",
        *_table(["Goal", "Measured", "Verdict"], rows),
        "",
    ]


def _ahead(results: Results) -> list[str]:
    """List the cases in which another relay is faster than zdev's queue and monitored queue without options."""
    found = []
    for name, case in results.cases.items():
        if case.is_state:
            continue
        measured = results.peers(name)
        for peer in measured:
            if _is_zdev(peer) or peer == DIRECT:
                continue
            ours = [p for p in measured if _is_zdev(p) and _is_native(p) == _is_native(peer) and not PEERS[p].tuned]
            ratios = {p: r for p in ours if (r := results.ratio(name, peer, p)) is not None}
            leads = {p: 1 / r if case.latency else r for p, r in ratios.items()}
            if leads and min(leads.values()) > AHEAD:
                best = min(leads, key=lambda p: leads[p])
                found.append([name, label(peer), f"{leads[best]:.2f} x {label(best)}"])
    head = ["## Where another relay is ahead", ""]
    if not found:
        return [*head, "In no case of this run.", ""]
    return [*head, *_table(["Case", "Relay", "Lead"], found), ""]


def _is_native(peer: str) -> bool:
    return PEERS[peer].kind in ("native", "trial")


def _is_zdev(peer: str) -> bool:
    return peer.startswith(("zdev", "drafts", "libzmq")) or (peer.startswith("native") and peer != "native-zmq-proxy")


def _case(results: Results, name: str) -> list[str]:
    head, rows = cells_of(results, name)
    return [f"### {name}", "", *_table(["", *head], [[label(peer), *cells] for peer, cells in rows.items()])]
