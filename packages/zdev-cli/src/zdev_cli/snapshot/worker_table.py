"""The table of workers."""

from __future__ import annotations

from collections.abc import Callable

from .._units import duration_text
from .item_table import ItemColumn, ItemTable, count_column, short
from .requests import WorkerView, seconds_text

STYLES = {
    "starting": "yellow",
    "idle": "green",
    "busy": "green",
    "draining": "yellow",
    "drained": "yellow",
    "set-aside": "bold red",
    "leaving": "yellow",
}


def _time(title: str, value: Callable[[WorkerView], float]) -> ItemColumn[WorkerView]:
    """Return a column of a time, which a worker that has answered nothing does not have."""
    return ItemColumn(title, lambda worker: value(worker) if worker.done else "", lambda worker: seconds_text(value(worker)))


COLUMNS: tuple[ItemColumn[WorkerView], ...] = (
    ItemColumn("DEVICE", lambda worker: worker.device),
    ItemColumn("ID", lambda worker: worker.number, is_kept=True),
    ItemColumn("STATE", lambda worker: worker.state),
    ItemColumn("BACK IN", lambda worker: worker.set_aside_for or "", lambda worker: duration_text(worker.set_aside_for or 0)),
    ItemColumn("ADDRESS", lambda worker: short(worker.address)),
    ItemColumn("USER", lambda worker: worker.user),
    ItemColumn("ROUTING ID", lambda worker: worker.routing_id),
    ItemColumn("SERVICE", lambda worker: worker.service),
    count_column("AT WORK", lambda worker: worker.at_work, is_kept=True),
    count_column("DONE", lambda worker: worker.done, is_kept=True),
    count_column("FAILED", lambda worker: worker.failed),
    count_column("LATE", lambda worker: worker.late),
    _time("MEAN", lambda worker: worker.mean),
    _time("P50", lambda worker: worker.p50),
    _time("P99", lambda worker: worker.p99),
    ItemColumn("AGE", lambda worker: worker.age, lambda worker: duration_text(worker.age), is_kept=True),
)
TABLE = ItemTable(COLUMNS, ("ROUTING ID", "MEAN", "AGE", "P50", "USER"), STYLES)
