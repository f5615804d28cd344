"""The results of a run as a page of the documentation, in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices import DIRECT, PEERS
from goals import verdicts
from report import Results, cells_of, command, label, versions

AHEAD = 1.03  # less is noise


@dataclass(frozen=True)
class Run:
    """How the results came about. failures: what a peer did wrong; charts: names and titles; missing: still to be measured."""

    at_start: dict[str, Any]
    rounds: str
    seconds: float
    failures: list[str]
    charts: list[tuple[str, str]]
    missing: int = 0


def write(folder: Path, results: Results, run: Run) -> Path:
    """Write results.md beside the charts and return its path."""
    lines = [
        "# Measured",
        "",
        "Written by the command below; not by hand. [What is measured and how](../../benchmarks/README.md);",
        "[what it means](../performance.md).",
        "",
        *_circumstances(results, run),
        *_goals(results),
        *_ahead(results),
    ]
    if run.failures:
        lines += ["## Failures", "", "Left out of the tables:", "", *(f"- {text}" for text in run.failures), ""]
    for name, title in run.charts:
        lines += [f"![{title}]({name}.svg)", ""]
    lines += ["## Every case", "", *LEGEND]
    for case in results.cases:
        lines += ["", *_case(results, case)]
    path = folder / "results.md"
    path.write_text("\n".join(lines) + "\n")
    return path


LEGEND = [
    "Medians over the rounds. `x PEER` is the median of the rounds' ratios. `CPU ns`: of the device's process, a message or round",
    "trip; `own`: of its threads without those of libzmq; `wakes`: how often one of its threads was woken. `C++` are native",
    "processes. `heard`: the share of the messages that the monitor's subscriber received.",
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
        "Of zdev's monitored queue, over a peer in the same run.",
        "",
        *_table(["case", "found", ""], rows),
        "",
    ]


def _ahead(results: Results) -> list[str]:
    """Where a peer does better than zdev's queue and monitored queue as they are, without options."""
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
    head = ["## Where a peer is ahead", ""]
    if not found:
        return [*head, "Nowhere in this run.", ""]
    return [*head, *_table(["case", "peer", "by"], found), ""]


def _is_native(peer: str) -> bool:
    return PEERS[peer].kind == "native"


def _is_zdev(peer: str) -> bool:
    return peer.startswith(("zdev", "drafts")) or (peer.startswith("native") and peer != "native-zmq-proxy")


def _case(results: Results, name: str) -> list[str]:
    head, rows = cells_of(results, name)
    return [f"### {name}", "", *_table(["", *head], [[label(peer), *cells] for peer, cells in rows.items()])]
