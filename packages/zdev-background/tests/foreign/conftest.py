"""The implementations of the tests: each test runs once with each of them."""

from __future__ import annotations

import fcntl

import pytest

from .implementations import IMPLEMENTATIONS, Implementation


@pytest.fixture(scope="session", params=IMPLEMENTATIONS, ids=lambda implementation: implementation.name.replace(" ", "-"))
def implementation(request: pytest.FixtureRequest) -> Implementation:
    chosen: Implementation = request.param
    return chosen


@pytest.fixture(scope="session")
def command(implementation: Implementation, pytestconfig: pytest.Config) -> list[str]:
    """How to start a peer of one implementation."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir(f"foreign-{IMPLEMENTATIONS.index(implementation)}")
    with (folder / "lock").open("w") as lock:  # tests that run side by side share the folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        return implementation.command(folder)
