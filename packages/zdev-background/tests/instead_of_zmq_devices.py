"""The conftest.py for PyZMQ's own tests of its devices, beside which the nox session `compat` puts it: they test zdev instead.

Nothing in the tests is changed. From libzmq 4.3.5 on, which has no steerable proxies, they skip those; zdev has them, so the tests
see an older version here. A test that is skipped all the same, or missing, is a failure. With `--engine`, all devices have that
engine; with "auto", some must take the wire engine.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import pytest
import zmq

import zdev_background
from zdev_background import _engine

for _name, _module in {"devices": zdev_background, "devices.monitoredqueue": zdev_background.monitoredqueue}.items():
    sys.modules[f"zmq.{_name}"] = _module
zmq.devices = zdev_background

# The tests of PyZMQ 27.3: a newer one may have more.
LEAST = {"test_device.py": 9, "test_monqueue.py": 8, "test_proxy_steerable.py": 3}
_passed: Counter[str] = Counter()
_skipped: list[str] = []
_engines: Counter[str] = Counter()  # those of devices in threads


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=_engine.ENGINES, default="auto")


@pytest.fixture(autouse=True)
def zdev_is_tested(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert request.module.devices is zdev_background
    monkeypatch.setattr(zdev_background.Device, "_engine_setting", request.config.getoption("--engine"))
    choose = _engine.choose_engine

    def choose_and_count(plan: Any) -> Any:
        engine = choose(plan)
        _engines[engine] += 1
        return engine

    monkeypatch.setattr(_engine, "choose_engine", choose_and_count)
    if request.module.__name__ == "test_proxy_steerable":
        monkeypatch.setattr(zmq, "zmq_version_info", lambda: (4, 3, 4))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        _skipped.append(f"{report.nodeid}: {reason}")
    elif report.passed and report.when == "call":
        _passed[report.location[0]] += 1


def _faults(config: pytest.Config) -> list[str]:
    missing = [f"{name}: {_passed[name]} tests passed, not {least}" for name, least in LEAST.items() if _passed[name] < least]
    if sys.platform == "linux" and config.getoption("--engine") == "auto" and not _engines["wire"]:
        missing.append("no device took the wire engine")
    return [*missing, *_skipped]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _faults(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(f"devices in threads: {dict(_engines)}")
    for fault in _faults(config):
        terminalreporter.write_line(f"FAILED {fault}", red=True)
