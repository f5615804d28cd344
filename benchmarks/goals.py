"""The goals of zdev's performance, and whether a run reached them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from measure import Sample
from report import Metric, Results, label

MQ, QUEUE, PYZMQ, PROXY, PYOMQ = (
    "zdev-monitored-queue",
    "zdev-queue",
    "pyzmq-monitored-queue",
    "zmq-proxy",
    "pyomq-proxy",
)


@dataclass(frozen=True)
class Goal:
    """A bound for one figure of `peer` in `case`.

    Attributes:
        text: The goal in words.
        metric: The field of Sample that is compared.
        bound: The smallest value allowed; a factor if `over` is given.
        over: The case and peer that the figure is divided by.
        at_most: Whether `bound` is the largest value allowed instead.
    """

    text: str
    case: str
    metric: str
    bound: float
    over: tuple[str, str] | None = None
    at_most: bool = False
    peer: str = MQ


@dataclass(frozen=True)
class Verdict:
    goal: Goal
    found: float | None
    verdict: Literal["reached", "MISSED", "not measured"]

    @property
    def figures(self) -> str:
        """The measured figure, and the bound."""
        goal = self.goal
        unit, scale = ("x", 1.0) if goal.over else UNITS[goal.metric]
        found = "-" if self.found is None else f"{self.found * scale:.3g} {unit}"
        return f"{found} (goal: {'at most' if goal.at_most else 'at least'} {goal.bound * scale:g} {unit})"


UNITS = {"cpu_share": ("% of a core", 100.0), "rest_mb": ("MB", 1.0), "growth_kb": ("KB", 1.0)}


def _rates(case: str, text: str, bounds: dict[tuple[str, str], float]) -> list[Goal]:
    """Make goals for messages per second; `bounds` maps the case and peer to compare with to the factor."""
    named = {over: f"{text}, over {label(over[1])}" + ("" if over[0] == case else f" in {over[0]}") for over in bounds}
    return [Goal(named[over], case, "per_second", bound, over) for over, bound in bounds.items()]


GOALS = [
    *_rates(
        "stream-64",
        "monitored queue, no subscriber, 64 B stream",
        {
            ("stream-64", PYZMQ): 5.5,
            ("stream-64", PROXY): 1.7,
            ("stream-64", PYOMQ): 1.0,
            ("stream-64", QUEUE): 0.97,
        },
    ),
    *_rates(
        "monitor-fast",
        "monitored queue, one fast subscriber, 64 B stream",
        {("monitor-fast", PYZMQ): 3.5, ("monitor-fast", PROXY): 1.2},
    ),
    *_rates(
        "round-trips",
        "round trips, window 256, 64 B",
        {("round-trips", PYZMQ): 3.5, ("round-trips", PROXY): 1.4, ("round-trips", PYOMQ): 1.4},
    ),
    *_rates("stream-4096", "4 KiB stream", {("stream-4096", PROXY): 1.1}),
    Goal(
        "4 KiB stream on a libzmq with drafts, over pyomq",
        "stream-4096",
        "per_second",
        1.0,
        ("stream-4096", PYOMQ),
        peer="drafts-monitored-queue",
    ),
    Goal("one REQ/REP at a time, median, over zmq.proxy", "latency", "p50_us", 1.0, ("latency", PROXY), at_most=True),
    *_rates("monitor-frozen", "frozen monitor subscriber, over no monitor", {("monitor-frozen", QUEUE): 0.95}),
    Goal(
        "CPU of the device's own thread, 64 B stream, over zmq.proxy",
        "stream-64",
        "cpu_own_ns",
        0.45,
        ("stream-64", PROXY),
        at_most=True,
    ),
    *_rates("clients-1000-window-1", "1000 clients, one request each", {("clients-1-window-1", MQ): 0.8}),
    *_rates("clients-1000-window-1", "1000 clients, one request each", {("clients-1000-window-1", PROXY): 1.0}),
    *_rates("clients-1000-window-256", "1000 clients, 256 requests each", {("clients-1-window-256", MQ): 0.8}),
    *(Goal(f"CPU, {name}", name, "cpu_share", 0.01, at_most=True) for name in ("idle", "paused", "no-backend")),
    Goal("memory of a device process at rest", "stream-64", "rest_mb", 40, at_most=True),
    Goal("memory growth with relayed messages", "growth", "growth_kb", 1000, at_most=True),
]


def verdicts(results: Results) -> list[Verdict]:
    """Return one verdict for each goal whose case was measured."""
    return [_verdict(results, goal) for goal in GOALS if goal.case in results.cases]


def _metric(name: str) -> Metric:
    def metric(sample: Sample) -> float | None:
        value: float | None = getattr(sample, name)
        return value

    return metric


def _verdict(results: Results, goal: Goal) -> Verdict:
    ours, metric = (goal.case, goal.peer), _metric(goal.metric)
    found = results.ratio_of(ours, goal.over, metric) if goal.over else results.median(*ours, metric)
    if found is None:
        return Verdict(goal, None, "not measured")
    reached = found <= goal.bound if goal.at_most else found >= goal.bound
    return Verdict(goal, found, "reached" if reached else "MISSED")
