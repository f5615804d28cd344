"""The fields of a snapshot's direction are the one list of counters, from which statistics, metrics and tables follow."""

from __future__ import annotations

from zdev_background import FlowStatistics, RoleStatistics
from zdev_cli.service.statistics import _COUNTERS
from zdev_cli.snapshot import METRICS, REASONS, DirectionView, Dropped
from zdev_cli.snapshot.connections import CONNECTION_METRICS, PRESENT, ConnectionsView
from zdev_cli.snapshot.display import COLUMNS


def test_the_relay_has_every_counter_of_the_list() -> None:
    assert [name for name in _COUNTERS if not hasattr(FlowStatistics, name)] == []


def test_the_list_has_every_counter_of_connections_and_each_has_a_metric() -> None:
    totals = {"refused", "protocol_errors", "timeouts"}  # sums of others
    counters = {name for name in dir(RoleStatistics) if not name.startswith("_")} - totals
    assert set(ConnectionsView.__struct_fields__) == counters
    assert set(CONNECTION_METRICS) == counters - set(PRESENT)


def test_every_counter_has_a_metric_and_every_reason_a_column() -> None:
    rates = {"messages_per_second", "bytes_per_second", "backpressure", "history", "dropped"}
    assert set(METRICS) == set(DirectionView.__struct_fields__) - rates
    assert {reason.upper() for reason in REASONS} <= {column.title for column in COLUMNS}


def test_the_total_of_dropped_messages_is_that_of_all_reasons() -> None:
    ones = Dropped(**dict.fromkeys(REASONS, 1))
    assert ones.total == len(REASONS)
    assert (ones + ones).by_reason == dict.fromkeys(REASONS, 2)
