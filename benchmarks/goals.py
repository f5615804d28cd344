"""The goals of zdev's performance, and whether a run reached them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cases import WITH_WORKERS
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


UNITS = {"cpu_share": ("% of a core", 100.0), "rest_mb": ("MB", 1.0), "growth_kb": ("KB", 1.0), "wakeups": ("wake-ups", 1.0)}


def _rates(case: str, text: str, bounds: dict[tuple[str, str], float]) -> list[Goal]:
    """Make goals for messages per second; `bounds` maps the case and peer to compare with to the factor."""
    named = {over: f"{text}, over {label(over[1])}" + ("" if over[0] == case else f" in {over[0]}") for over in bounds}
    return [Goal(named[over], case, "per_second", bound, over) for over, bound in bounds.items()]


def _cpu(case: str, text: str, bound: float) -> Goal:
    return Goal(f"CPU per message, {text}, over zmq.proxy", case, "cpu_ns", bound, (case, PROXY), at_most=True)


def _over(case: str, text: str, proxy: float, pyomq: float) -> list[Goal]:
    return _rates(case, text, {(case, PROXY): proxy, (case, PYOMQ): pyomq})


def _clients(clients: int, window: int, proxy: float) -> list[Goal]:
    name, text = f"clients-{clients}-window-{window}", f"{clients} clients, window {window}"
    goals = _over(name, text, proxy, 1.2)
    if window > 1:
        goals.append(Goal(f"peak memory, {text}, over zmq.proxy", name, "peak_mb", 0.1, (name, PROXY), at_most=True))
    return goals


GOALS = [
    *_over("stream-64", "64 B stream", 2.5, 1.8),
    _cpu("stream-64", "64 B stream", 0.15),
    *_over("stream-4096", "4 KiB stream", 1.4, 1.1),
    _cpu("stream-4096", "4 KiB stream", 0.5),
    *_rates("stream-curve-64", "64 B stream with CURVE", {("stream-curve-64", PROXY): 1.5}),
    *_rates("stream-curve-4096", "4 KiB stream with CURVE", {("stream-curve-4096", PROXY): 1.2}),
    *_over("stream-65536", "64 KiB stream", 1.2, 1.1),
    _cpu("stream-65536", "64 KiB stream", 0.5),
    *_over("stream-1048576", "1 MiB stream", 1.1, 1.0),
    _cpu("stream-1048576", "1 MiB stream", 0.5),
    *_over("stream-5x64", "stream of 5 frames of 64 B", 2.0, 1.3),
    *_over("round-trips", "round trips, 64 B, window 256", 2.2, 1.8),
    _cpu("round-trips", "round trips, 64 B, window 256", 0.15),
    *_over("round-trips-4096", "round trips, 4 KiB, window 256", 1.7, 1.2),
    _cpu("round-trips-4096", "round trips, 4 KiB, window 256", 0.35),
    *(
        Goal(f"one REQ/REP at a time, {name}, over {label(peer)}", "latency", metric, bound, ("latency", peer), at_most=True)
        for peer, bound in ((PROXY, 0.65), (PYOMQ, 0.8))
        for name, metric in (("median", "p50_us"), ("99th percentile", "p99_us"))
    ),
    Goal("one REQ/REP at a time, wake-ups of the device per round trip", "latency", "wakeups", 2.05, at_most=True),
    *(goal for clients in (100, 1000) for goal in _clients(clients, 1, 2.0)),
    *(goal for clients in (100, 1000) for goal in _clients(clients, 256, 5.0)),
    Goal(
        "round trips, window 256, 8 workers that the queue knows, over those that it does not know",
        WITH_WORKERS,
        "per_second",
        0.85,
        (WITH_WORKERS, "native-wire"),
        peer="native-workers",
    ),
    *_rates(
        "monitor-fast",
        "64 B stream with one fast subscriber at the monitor",
        {("stream-64", MQ): 0.7, ("monitor-fast", PROXY): 2.0, ("monitor-fast", PYZMQ): 3.5},
    ),
    *_rates("monitor-frozen", "64 B stream with a frozen subscriber at the monitor", {("monitor-frozen", QUEUE): 0.95}),
    *_over("fan-out-8", "fan-out to 8 subscribers", 1.5, 1.2),
    *_over("fan-out-64", "fan-out to 64 subscribers", 1.5, 1.2),
    *_rates("topics-100000", "100,000 topics of 64 subscribers, messages of one", {("topics-10", PROXY): 1.0}),
    *(Goal(f"CPU, {name}", name, "cpu_share", 0.001, at_most=True) for name in ("idle", "paused", "no-backend")),
    Goal("memory of a device process at rest", "stream-64", "rest_mb", 40, at_most=True),
    Goal("memory of a C++ process at rest", "stream-64", "rest_mb", 5, at_most=True, peer="native-wire"),
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
