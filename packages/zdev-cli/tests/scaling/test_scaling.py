"""Several hosts, in small. `nox -s scaling` does the same in full."""

from __future__ import annotations

from functools import partial

import pytest

from scaling.__main__ import run
from scaling.chain import one_way
from scaling.network import missing
from scaling.programs import Zdev
from scaling.replace import replace

WHY_NOT = missing()
pytestmark = [
    pytest.mark.timeout(180),  # some five seconds each, on a machine that has nothing else to do
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT),
]


@pytest.fixture(autouse=True)
def hosts_have_the_engine(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Zdev, "engine", engine)


@pytest.mark.slow
def test_every_request_is_answered_while_a_replica_is_drained_and_replaced() -> None:
    figures = run(partial(replace, answers=100, count=1))
    assert (figures["unanswered"], figures["not drained"]) == (0, 0), figures


@pytest.mark.slow
def test_what_a_chain_has_queued_arrives_once_and_in_order_after_an_outage_of_its_link() -> None:
    figures = run(partial(one_way, outage=1.0))
    assert (figures["lost"], figures["twice"], figures["out of order"]) == (0, 0, 0), figures
    assert figures["sent in the outage"] > 0
