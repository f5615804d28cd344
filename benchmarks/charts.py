"""Draw the results of a run as SVG charts with matplotlib, which is optional."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from cases import SIZES
from devices import DIRECT, PEERS
from report import Metric, Results, label

Points = dict[str, list[tuple[float, float]]]  # by peer

# The chart for new readers: peers by their full names, cases in words.
OVERVIEW = "overview"
OVERVIEW_PEERS = {
    "zdev-monitored-queue": "zdev monitored queue",
    "zmq-proxy": "zmq.proxy",
    "pyzmq-monitored-queue": "PyZMQ monitored_queue",
    "pyomq-proxy": "pyomq.proxy",
}
OVERVIEW_CASES = {
    "stream-64": "One way, PULL to PUSH\nthousand messages per second",
    "round-trips": "Round trips, 256 in flight\nthousand round trips per second",
    "clients-1000-window-1": "1000 clients, one request each\nthousand round trips per second",
}

COLOURS = dict(
    zip(
        [*(name for name, peer in PEERS.items() if not peer.tuned), DIRECT],
        (
            "#d62728",
            "#ff9896",
            "#e377c2",
            "#8c564b",
            "#c49c94",
            "#ffbb78",
            "#ff7f0e",
            "#bcbd22",
            "#1f77b4",
            "#2ca02c",
            "#98df8a",
            "#9467bd",
            "#7f7f7f",
        ),
        strict=True,
    )
)


def missing() -> bool:
    """Return whether matplotlib is not installed."""
    return find_spec("matplotlib") is None


def draw(results: Results, folder: Path) -> list[tuple[str, str]]:
    """Write every chart that the results are sufficient for, and return their names and titles."""
    drawn = []
    for name, (title, x, y, scale, points) in _charts(results).items():
        if any(len(line) > 1 for line in points.values()):
            _plot(folder / f"{name}.svg", title, (x, y), scale, points)
            drawn.append((name, title))
    if all(results.peers(case) for case in OVERVIEW_CASES):
        _plot_overview(folder / f"{OVERVIEW}.svg", results)
        drawn.insert(0, (OVERVIEW, "Messages of 64 bytes through a device, by relay: more is better"))
    return drawn


def _charts(results: Results) -> dict[str, tuple[str, str, str, str, Points]]:
    sizes = {size: f"stream-{size}" for size in SIZES}
    clients = {n: f"clients-{n}-window-1" for n in (1, 10, 100, 1000)}
    return {
        "throughput-by-size": (
            "Throughput by message size, PULL to PUSH",
            "bytes per message",
            "messages per second",
            "log-log",
            _lines(results, sizes, lambda s: s.per_second),
        ),
        "cpu-by-size": (
            "CPU of the device by message size, PULL to PUSH",
            "bytes per message",
            "CPU ns per message",
            "log-log",
            _lines(results, sizes, lambda s: s.cpu_ns),
        ),
        "latency": (
            "Latency of one request at a time, REQ to REP",
            "share of requests that took longer",
            "microseconds",
            "tail",
            _quantiles(results, "latency"),
        ),
        "throughput-by-clients": (
            "Round trips by number of clients, one request in flight each",
            "clients",
            "round trips per second",
            "log-linear",
            _lines(results, clients, lambda s: s.per_second),
        ),
    }


def _lines(results: Results, cases: dict[int, str], metric: Metric) -> Points:
    lines: Points = {}
    for x, case in cases.items():
        for peer in results.peers(case):
            if peer in COLOURS and (y := results.median(case, peer, metric)) is not None:
                lines.setdefault(peer, []).append((x, y))
    return lines


def _quantiles(results: Results, case: str) -> Points:
    """Return the median over the rounds of each quantile, by the share of requests above it."""
    lines: Points = {}
    for peer in filter(COLOURS.get, results.peers(case)):
        rounds = [dict(s.quantiles_us) for s in results.of(case, peer).values() if s.quantiles_us]
        shares = sorted(rounds[0]) if rounds else []
        lines[peer] = [(1 - share, median(found[share] for found in rounds)) for share in shares]
    return lines


STYLE = {
    "svg.hashsalt": "zdev",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@contextmanager
def _figure(path: Path, columns: int, height: float) -> Iterator[Any]:
    """Yield the plots of a new figure, and write it to `path` at the end."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("svg")
    pyplot: Any = import_module("matplotlib.pyplot")
    with matplotlib.rc_context(STYLE):
        figure, plots = pyplot.subplots(1, columns, figsize=(7.2, height), sharey=True, layout="constrained")
        yield plots
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def _plot_overview(path: Path, results: Results) -> None:
    with _figure(path, len(OVERVIEW_CASES), 2.0) as plots:
        for plot, (case, title) in zip(plots, OVERVIEW_CASES.items(), strict=True):
            found = {peer: results.median(case, peer, lambda s: s.per_second) for peer in reversed(OVERVIEW_PEERS)}
            thousands = {OVERVIEW_PEERS[peer]: (rate or 0) / 1e3 for peer, rate in found.items()}
            bars = plot.barh(list(thousands), list(thousands.values()), color=[COLOURS[peer] for peer in found])
            plot.bar_label(bars, [f"{n:,.0f}" if n else "not measured" for n in thousands.values()], padding=3)
            plot.set_title(title, fontsize=8)
            plot.set(xticks=[])
            plot.margins(x=0.2)
            plot.spines["bottom"].set_visible(False)


def draw_waits(path: Path, milliseconds: dict[str, dict[str, float]]) -> None:
    """Draw the high quantiles of the wait for a worker, by queue."""
    with _figure(path, 2, 1.6) as plots:
        for plot, quantile in zip(plots, ("p95", "p99"), strict=True):
            found = {queue: values[quantile] for queue, values in reversed(milliseconds.items())}
            colours = ["#d62728" if queue == "zdev with workers" else "#1f77b4" for queue in found]
            bars = plot.barh(list(found), list(found.values()), color=colours)
            plot.bar_label(bars, [f"{value:,.0f}" for value in found.values()], padding=3)
            plot.set_title(f"Wait for a worker, {quantile}, ms", fontsize=8)
            plot.set(xticks=[])
            plot.margins(x=0.2)
            plot.spines["bottom"].set_visible(False)


def _plot(path: Path, title: str, axes: tuple[str, str], scale: str, points: Points) -> None:
    with _figure(path, 1, 4.2) as plot:
        for peer, line in points.items():
            width = 2.2 if peer.startswith("zdev") else 1.2
            dashes = "--" if peer == DIRECT else "-"
            plot.plot(*zip(*line, strict=True), dashes, label=label(peer), color=COLOURS[peer], linewidth=width, marker=".")
        SCALES[scale](plot)
        plot.set(title=title, xlabel=axes[0], ylabel=axes[1])
        plot.grid(alpha=0.3)
        plot.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _log_log(plot: Any) -> None:
    plot.set(xscale="log", yscale="log")


def _log_linear(plot: Any) -> None:
    plot.set(xscale="log")
    plot.set_ylim(bottom=0)


def _tail(plot: Any) -> None:
    plot.set(xscale="log", yscale="log")
    plot.invert_xaxis()


SCALES: dict[str, Callable[[Any], None]] = {"log-log": _log_log, "log-linear": _log_linear, "tail": _tail}
