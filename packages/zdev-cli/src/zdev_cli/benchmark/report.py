"""The results, for people and for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata

import zmq
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .._words import ROLES
from .cases import BenchOptions, Figures
from .measure import Target

BAR = 40  # characters of the longest bar


class Machine(Struct, frozen=True, kw_only=True):
    """The machine of the load."""

    zdev: str
    libzmq: str
    python: str
    system: str
    cpus: int


class Report(Struct, frozen=True, kw_only=True):
    """The results of a run."""

    machine: Machine
    load: BenchOptions
    figures: list[Figures]


def machine() -> Machine:
    return Machine(
        zdev=metadata.version("zdev-cli"),
        libzmq=zmq.zmq_version(),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cpus=os.cpu_count() or 1,
    )


def heading(options: BenchOptions, target: Target | None) -> str:
    """Return a description of the device and the load."""
    here = machine()
    if target:
        where = f"at {target.endpoints['in']} and {target.endpoints['out']}" + ", a subscriber at mon" * (
            options.monitor == "fast"
        )
        if secured := target.credentials.get("secured"):
            mechanism = "PLAIN" if "name" in target.credentials else "CURVE"
            where += f", {mechanism} at {', '.join(role for role in ROLES if role in secured.split())}"
    else:
        monitors = {"none": "no mon", "no-subscriber": "no subscriber at mon", "fast": "a subscriber at mon"}
        where = f"in a separate process, on loopback, {monitors[options.monitor]}"
    frames = f"{options.frames} frames of " if options.frames > 1 else ""
    return (
        f"zdev {here.zdev}, libzmq {here.libzmq}, {here.system}, {here.cpus} CPUs\n"
        f"{options.type} {where}\n"
        f"messages of {frames}{options.size} B, each checked; {options.seconds:g} s per row"
    )


def show(console: Console, all_figures: Sequence[Figures]) -> None:
    """Print the table, and the latencies of the last case that has some."""
    trips = [each for each in all_figures if each.histogram]
    table = Table(box=None, header_style="bold", padding=(0, 0, 0, 2), pad_edge=False)
    table.add_column("case", no_wrap=True)
    for name in ("per second", "MB/s", *(("p50 µs", "p99 µs", "p99.9 µs") if trips else ())):
        table.add_column(name, justify="right", no_wrap=True)
    for each in all_figures:
        latencies = [each.p50_us, each.p99_us, each.p999_us] if trips else []
        cells = [f"{each.per_second:,.0f}", f"{each.bytes_per_second / 1e6:,.1f}"]
        table.add_row(each.case.name, *cells, *("" if us is None else f"{us:,.0f}" for us in latencies))
    console.print(table)
    for each in all_figures:
        if each.watched is not None:
            console.print(f"{each.case.name}: mon's subscriber received {each.watched:,} copies", highlight=False)
    if trips:
        console.print(_histogram(trips[-1]))


def _histogram(figures: Figures) -> Text:
    most, total = max(each.trips for each in figures.histogram), sum(each.trips for each in figures.histogram)
    text = Text(f"\n{figures.case.name}, latency in µs\n", style="bold")
    for each in figures.histogram:
        share = each.trips / total
        text.append(f"{each.from_us:,g} to {each.below_us:,g}".rjust(20), style="not bold")
        shown = f"{share:.1%}" if share >= 0.001 else "under 0.1%" if each.trips else ""
        bar = _bar(each.trips / most)
        text.append(f"  {bar}", style="not bold cyan").append(f" {shown}\n" if bar else f"{shown}\n", style="not bold")
    text.rstrip()
    return text


def _bar(share: float) -> str:
    eighths = round(share * BAR * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
