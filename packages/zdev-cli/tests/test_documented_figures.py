"""The page on scaling calculates with the figures that were measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
CASES = ["stream-64", "stream-4096", "round-trips", "clients-1000-window-1", "latency"]  # in the order of the page's rows


def measured_ns(case: str) -> float:
    """The processor time a message of the monitored queue, in the column `CPU ns`."""
    section = (DOCS / "benchmarks/results.md").read_text().split(f"\n### {case}\n")[1].split("\n### ")[0]
    head, row = (re.search(rf"^\| {first} \|.*$", section, re.MULTILINE) for first in (" ?", "zdev mq"))
    assert head
    assert row
    column = [cell.strip() for cell in head[0].split("|")].index("CPU ns")
    return float(row[0].split("|")[column].replace(" ", ""))


@pytest.mark.parametrize(("row", "case"), list(enumerate(CASES)), ids=CASES)
def test_the_costs_of_a_message_are_those_measured(row: int, case: str) -> None:
    costs = re.findall(r"^\|[^|]+\| ([\d.]+) us \|", (DOCS / "scaling.md").read_text(), re.MULTILINE)
    assert len(costs) == len(CASES)
    digit = 0.5 * 10 ** -len(costs[row].partition(".")[2])  # as precise as it is written
    assert abs(float(costs[row]) - measured_ns(case) / 1000) <= digit * 1.01
