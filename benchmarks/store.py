"""Read the samples of earlier runs, so that --resume can take the missing ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from measure import Sample


@dataclass(frozen=True)
class EarlierRuns:
    """The samples of earlier runs, and the load averages at the start of each."""

    samples: list[Sample] = field(default_factory=list)
    load_averages: list[list[float]] = field(default_factory=list)


def read(path: Path, seconds: float) -> EarlierRuns:
    """Read the results file of earlier runs; no file means no earlier runs.

    Raises:
        ValueError: Its measurements have another length than `seconds`.
    """
    if not path.exists():
        return EarlierRuns()
    found = json.loads(path.read_text())
    if found["seconds"] != seconds:
        raise ValueError(
            f"{path} has measurements of {found['seconds']:g} s, not {seconds:g} s (choose another file with --json)"
        )
    samples = [Sample(**sample, versions=found["versions"]) for sample in found["samples"]]
    return EarlierRuns(samples, found["machine"]["load_averages"])
