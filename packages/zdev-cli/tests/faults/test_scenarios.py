"""Each scenario of a fault, in small: what zdev promises is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from faults.device import DeviceSpec
from faults.injections import Freeze
from faults.run import run, scenarios
from faults.scenario import OPTIONS

SCENARIOS = {name: each for name, each in scenarios().items() if not each.is_long}


@pytest.mark.timeout(180)  # most take two or three seconds, on a machine that has nothing else to do
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_promised_is_kept(name: str) -> None:
    result = run(name, SCENARIOS[name], SCENARIOS[name].small, is_test=True)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.broken == [], result.figures


def test_a_loss_that_nobody_counts_is_found() -> None:
    """Without ROUTER_MANDATORY libzmq drops replies to a full client, and tells nobody."""
    untold = {**OPTIONS, "SNDHWM": 10, "ROUTER_MANDATORY": 0}
    devices = (DeviceSpec(options={"in": untold, "out": OPTIONS}),)
    scenario = replace(SCENARIOS["clients_frozen"], devices=devices, faults=(Freeze("client", 1, 2.0),))
    result = run("untold", scenario, 1.0, is_test=True)
    assert any("replies are lost; 0 were counted" in each for each in result.broken)
