"""The results of runs of each engine, kept in a JSON file, and the page that shows them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import zmq

from .run import Result
from .scenario import Scenario

ENGINES = {"libzmq": "libzmq engine", "wire": "Wire engine"}  # columns

Recorded = dict[str, dict[str, Any]]  # by engine


class Results:
    """The results in a folder: `results.json`, and the page `results.md`."""

    def __init__(self, folder: Path, engine: str, command: str) -> None:
        self._file, self._page, self._engine = folder / "results.json", folder / "results.md", engine
        folder.mkdir(parents=True, exist_ok=True)
        self._run = {"command": command, "machine": _machine(), "load average before": f"{os.getloadavg()[0]:.1f}"}

    def add(self, result: Result, seconds: float, known: Mapping[str, Scenario]) -> None:
        """Record a result in place of the one before, and write the page again."""
        found = {"outcome": result.outcome, "seconds": round(seconds), "figures": result.figures, "run": self._run}
        recorded: Recorded = json.loads(self._file.read_text()) if self._file.exists() else {}
        recorded.setdefault(self._engine, {})[result.name] = found
        self._file.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
        self._page.write_text(page_of(recorded, known))


def _machine() -> str:
    versions = f"Python {platform.python_version()}, libzmq {zmq.zmq_version()}, zdev {metadata.version('zdev-core')}"
    return f"{os.cpu_count()} cores, {platform.platform()}, {versions}"


def page_of(recorded: Recorded, known: Mapping[str, Scenario]) -> str:
    """Return the page that shows what was recorded of these scenarios."""
    return "\n".join(_lines(recorded, known)) + "\n"


def _lines(recorded: Recorded, known: Mapping[str, Scenario]) -> Iterator[str]:
    engines = [engine for engine in ENGINES if engine in recorded]
    yield "# Results of the fault tests\n"
    yield "With `--docs docs/faults`, these commands write this page; [reliability](../reliability.md#faults) explains the figures.\n"
    for engine in engines:
        yield from _runs(ENGINES[engine], recorded[engine])
    yield "\n" + "\n".join(
        _rows(["Fault", "Promise", *map(ENGINES.__getitem__, engines), "Test"], _overview(recorded, engines, known))
    )
    for name, scenario in known.items():
        if any(name in recorded[engine] for engine in engines):
            yield from _section(name, scenario, {ENGINES[each]: recorded[each].get(name) for each in engines})


def _runs(engine: str, results: dict[str, Any]) -> Iterator[str]:
    """The commands that gave the results of an engine, and where."""
    runs: dict[str, list[str]] = {}
    for name, result in results.items():
        runs.setdefault(json.dumps(result["run"]), []).append(name)
    for text, names in sorted(runs.items(), key=lambda each: -len(each[1])):
        run = json.loads(text)
        which = f"{engine}, only `{names[0]}`" if len(names) == 1 else engine
        yield f"- {which}: `{run['command']}`, load average before: {run['load average before']}. {run['machine']}."


def _overview(recorded: Recorded, engines: list[str], known: Mapping[str, Scenario]) -> Iterator[list[str]]:
    for name, scenario in known.items():
        outcomes = [recorded[engine].get(name, {"outcome": "not run"})["outcome"] for engine in engines]
        yield [scenario.fault, scenario.promise, *outcomes, f"[`{name}`](#{name})"]


def _section(name: str, scenario: Scenario, results: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {name}\n"
    yield f"{scenario.fault}. *Promise:* {scenario.promise}. *Test:* {scenario.test}.\n"
    figures = {each: result["figures"] if result else {} for each, result in results.items()}
    names = dict.fromkeys(figure for each in figures.values() for figure in each)
    table = [["Result", *(result["outcome"] if result else "not run" for result in results.values())]]
    table += [["Seconds", *(str(result["seconds"]) if result and result["figures"] else "" for result in results.values())]]
    table += [[figure.capitalize(), *(each.get(figure, "") for each in figures.values())] for figure in names]
    yield "\n".join(_rows(["", *results], iter(table)))


def _rows(head: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    for each in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(each)} |".replace("|  |", "| |")
