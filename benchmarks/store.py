"""What an earlier run measured, for one that goes on where it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from measure import Sample


@dataclass(frozen=True)
class Former:
    """The samples of earlier runs, and how busy the machine was at the beginning of each."""

    samples: list[Sample] = field(default_factory=list)
    load_averages: list[list[float]] = field(default_factory=list)


def read(path: Path, seconds: float) -> Former:
    """Raises ValueError when the file holds measurements of another length."""
    if not path.exists():
        return Former()
    found = json.loads(path.read_text())
    if found["seconds"] != seconds:
        raise ValueError(f"{path} holds measurements of {found['seconds']:g} s, not of {seconds:g} s: name another with --json")
    samples = [Sample(**sample, versions=found["versions"]) for sample in found["samples"]]
    return Former(samples, found["machine"]["load_averages"])
