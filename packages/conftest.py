"""The option --engine: which engine the devices of the tests have, unless they set one."""

from __future__ import annotations

import pytest

from zdev_background import Device
from zdev_background._engine import ENGINES


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=ENGINES, default="auto", help="the engine of devices that do not set one")


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine of devices that do not set one: that of the mark `engine`, or of --engine."""
    mark = request.node.get_closest_marker("engine")
    option: str = request.config.getoption("--engine")
    chosen: str = mark.args[0] if mark else option
    if mark and option not in ("auto", chosen):
        pytest.skip(f"about the engine {chosen}")
    monkeypatch.setattr(Device, "_engine_setting", chosen)
    return chosen
