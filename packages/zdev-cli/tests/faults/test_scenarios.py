"""Each scenario of a fault, in small: what zdev promises is kept."""

from __future__ import annotations

import pytest

from faults.run import run, scenarios

SCENARIOS = {name: each for name, each in scenarios().items() if not each.is_long}


@pytest.mark.timeout(180)  # most take two or three seconds, on a machine that has nothing else to do
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_promised_is_kept(name: str) -> None:
    result = run(name, SCENARIOS[name], SCENARIOS[name].small, is_test=True)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.broken == [], result.figures
