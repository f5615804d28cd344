"""The page of the results: it shows what was recorded, of each engine."""

from __future__ import annotations

import json
import re
from pathlib import Path

from faults.results import ENGINES, Results, page_of
from faults.run import Result, scenarios

DOCS = Path(__file__).parents[4] / "docs"


def test_results_stand_beside_those_of_other_runs(tmp_path: Path) -> None:
    known = scenarios()
    for engine, kills in (("libzmq", "60"), ("wire", "59"), ("wire", "58")):
        result = Result("workers_killed", known["workers_killed"], figures={"kills": kills})
        Results(tmp_path, engine, f"run {kills}").add(result, 7.4, known)
    broken = Result("storms", known["storms"], ["a promise"])
    Results(tmp_path, "wire", "run 57").add(broken, 1, known)
    page = (tmp_path / "results.md").read_text()
    assert "| Kills | 60 | 58 |\n" in page
    assert "| Result | not run | BROKEN |\n" in page
    assert "`run 60`" in page
    assert "`run 58`" in page
    assert "`run 59`" not in page


def test_the_page_in_the_documentation_is_that_of_its_record() -> None:
    recorded = json.loads((DOCS / "faults/results.json").read_text())
    page = (DOCS / "faults/results.md").read_text()
    assert page == page_of(recorded, scenarios()), "run `nox -s faults -- --docs docs/faults --only NAME`"
    assert list(recorded) == sorted(ENGINES)
    assert set(recorded["wire"]) == set(scenarios())
    assert not re.search("BROKEN|not run", page)
