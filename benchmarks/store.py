"""Read the samples of an earlier run, for one that continues it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from measure import Sample


@dataclass(frozen=True)
class Former:
    """The samples of earlier runs, and the load of the machine at the start of each."""

    samples: list[Sample] = field(default_factory=list)
    load_averages: list[list[float]] = field(default_factory=list)


def read(path: Path, seconds: float) -> Former:
    """Read a file.

    Raises:
        ValueError: Its measurements have another duration.
    """
    if not path.exists():
        return Former()
    found = json.loads(path.read_text())
    if found["seconds"] != seconds:
        raise ValueError(
            f"{path} has measurements of {found['seconds']:g} s, not {seconds:g} s (name another file with --json)"
        )
    samples = [Sample(**sample, versions=found["versions"]) for sample in found["samples"]]
    return Former(samples, found["machine"]["load_averages"])
