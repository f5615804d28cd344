"""Each scenario of a fault, in small: what zdev promises is kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from faults.device import DeviceSpec, ZdevRun
from faults.injections import Freeze
from faults.run import Result, run, scenarios
from faults.scenario import OPTIONS

SCENARIOS = {name: each for name, each in scenarios().items() if not each.is_long}
AT_A_TIME = 3  # they wait most of the time

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Result]]]:
    """Of the scenarios that are asked for, some of which run beside each other."""
    ZdevRun.engine = request.config.getoption("--engine")
    asked = [item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {
            name: pool.submit(run, name, each, each.small, is_test=True) for name, each in SCENARIOS.items() if name in asked
        }


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_promised_is_kept(name: str, results: dict[str, Future[Result]]) -> None:
    result = results[name].result()
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.broken == [], result.figures


@pytest.mark.slow
def test_a_loss_that_nobody_counts_is_found() -> None:
    """Without ROUTER_MANDATORY libzmq silently drops replies to a full client."""
    silent = {**OPTIONS, "SNDHWM": 10, "ROUTER_MANDATORY": 0}
    devices = (DeviceSpec(options={"in": silent, "out": OPTIONS}, more='engine = "libzmq"'),)
    scenario = replace(SCENARIOS["clients_frozen"], devices=devices, faults=(Freeze("client", 1),))
    result = run("silent", scenario, 1.0, is_test=True)
    assert any("replies are lost; 0 were counted" in each for each in result.broken)
