"""Finds scenarios, and runs them."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field

from . import packets
from . import scenarios as folder
from .device import ZdevRun
from .scenario import Scenario
from .stage import Stage
from .verdict import collect


@dataclass
class Result:
    name: str
    scenario: Scenario
    broken: list[str] = field(default_factory=list)
    """Promises that were not kept."""
    figures: dict[str, str] = field(default_factory=dict)
    skipped: str = ""

    @property
    def outcome(self) -> str:
        return "skipped: " + self.skipped if self.skipped else "BROKEN" if self.broken else "kept"


def scenarios() -> dict[str, Scenario]:
    """By the names of their files."""
    names = sorted(each.name for each in pkgutil.iter_modules(folder.__path__))
    return {name: importlib.import_module(f"{folder.__name__}.{name}").SCENARIO for name in names}


def run(name: str, scenario: Scenario, scale: float, *, is_test: bool = False) -> Result:
    """Raises what went wrong with the scenario itself, and TimeoutError for what did not come."""
    if scenario.packets and (why := packets.missing()):
        return Result(name, scenario, skipped=why)
    if scenario.only_wire and ZdevRun.engine == "libzmq":
        return Result(name, scenario, skipped="needs the wire engine")
    with Stage(scenario, scale, is_test=is_test) as stage:
        try:
            stage.hire()
            for fault in scenario.faults:
                fault.inject(stage)
            stage.settle()
        except TimeoutError as error:
            return Result(name, scenario, [*stage.broken, str(error), stage.device.said()[-1000:]], stage.figures)
        broken = stage.broken
        if stage.device.process.poll() is not None:
            return Result(name, scenario, [*broken, f"zdev ended: {stage.device.said()[-1000:]}"], stage.figures)
        died = [str(each) for each in stage.crew.living() if not each.is_running()]
        broken += [f"{each} ended by itself" for each in died]
        if stage.packets:
            stage.figures["packets"] = stage.packets.summary()
        evidence = collect(stage)
        for expectation in scenario.expect:
            broken += expectation(evidence)
        stage.end_device()
        return Result(name, scenario, broken, stage.figures)
