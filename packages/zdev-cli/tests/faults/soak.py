"""Load and faults for a long time, and the growth of memory, descriptors and threads."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field

from .injections import ConnectionStorm, Freeze, HalfOpen, Kill
from .memory import MB
from .stage import Stage

WARM_UP = 0.25  # of the time; then all buffers have had their largest size
GROWTH = {"memory": 4.0, "descriptors": 2.0, "threads": 1.0}  # what may be added after that, by the slope: MB, and pieces


@dataclass(frozen=True)
class Soak:
    """One fault after the other, chosen at random."""

    minutes: float

    def inject(self, stage: Stage) -> None:
        stage_scale, stage.scale = stage.scale, 1.0
        end = time.monotonic() + 60 * self.minutes * stage_scale
        samples, count, figures = _Samples(), 0, dict(stage.figures)
        while time.monotonic() < end:
            stage.random.choice(FAULTS).inject(stage)
            stage.run_for(0.5)
            stage.look_at_memory()
            samples.add(stage)
            count += 1
        stage.scale = stage_scale
        stage.figures = figures | {"faults": str(count)}  # without those of the last fault of each kind
        samples.judge(stage)


FAULTS = (
    Kill("worker", 2),
    Kill("client", 2),
    Kill("sink", 1),
    Kill("subscriber", 1),
    Freeze("worker", 1),
    Freeze("client", 1),
    Freeze("subscriber", 1),
    ConnectionStorm(500, 2),
    HalfOpen(100, within=10.0),
)


@dataclass
class _Samples:
    times: list[float] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in GROWTH})

    def add(self, stage: Stage) -> None:
        self.times.append(time.monotonic())
        values = (stage.device.memory() / MB, stage.device.descriptors(), stage.device.threads())
        for name, value in zip(GROWTH, values, strict=True):
            self.values[name].append(value)

    def judge(self, stage: Stage) -> None:
        first = int(len(self.times) * WARM_UP)
        if len(self.times) - first < 3:
            stage.broken.append("too short to measure growth")
            return
        times = [each - self.times[first] for each in self.times[first:]]
        for name, values in self.values.items():
            slope = statistics.linear_regression(times, values[first:]).slope
            growth = slope * times[-1]
            unit = " MB" if name == "memory" else ""
            now = f"{values[first]:.1f}{unit} after the warm-up, {values[-1]:.1f}{unit} at the end"
            stage.figures[name] = f"{now}, slope {slope * 60:+.3f}{unit} a minute"
            if growth > GROWTH[name]:
                stage.broken.append(f"{name} grows: {growth:+.1f}{unit} in {times[-1]:.0f} s")
