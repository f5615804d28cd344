"""The requests of a queue that knows its workers, in a snapshot, and its workers, as `zdev workers --json` shows them.

The fields of `RequestsView` are the one list of its counters: statistics, metrics, `zdev status` and page follow from them.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from msgspec import field

from .peers import id_text
from .view import Counts, Metric, View, metrics_of

if TYPE_CHECKING:
    from zdev_background import Worker


def _ended(reason: str) -> Metric:
    return Metric("zdev_requests_ended_total", "Requests that neither wait nor are at work any more, by reason.", reason)


class WorkerCounts(Counts, frozen=True, kw_only=True):
    """How many workers are in each state; see docs/cli/peers.md."""

    starting: int = 0
    idle: int = 0
    busy: int = 0
    draining: int = 0
    drained: int = 0
    set_aside: int = 0
    leaving: int = 0


WORKER_STATES = WorkerCounts.__struct_fields__


class DurationsView(View, frozen=True, kw_only=True):
    """How long something took, in seconds, over all runs since zdev started."""

    count: int = 0
    sum: float = 0.0
    p50: float = 0.0
    """Half were not longer: of the present run, or the last one."""
    p99: float = 0.0
    below: list[int] = field(default_factory=list)
    """At index i, how many were shorter than 2 ** (i + 1) microseconds. Beyond its end, all were."""

    def __str__(self) -> str:
        return f"p50 {seconds_text(self.p50)}, p99 {seconds_text(self.p99)}"


class RequestsView(View, frozen=True, kw_only=True):
    """The requests of a queue that knows its workers, over all runs since zdev started: the counters never decrease.

    received = answered + waiting + at_work + expired + abandoned + rejected + dead. All of it may be a second old.
    """

    waiting: int = 0
    """Requests that wait for a worker now."""
    at_work: int = 0
    """Requests that workers have now."""
    waiting_bytes: int = 0
    """Bytes of the requests that wait now."""
    received: Annotated[int, Metric("zdev_requests_received_total", "Requests received.")] = 0
    answered: Annotated[int, _ended("answered")] = 0
    expired: Annotated[int, _ended("expired")] = 0
    """They waited longer than queue_timeout, or took longer than request_timeout."""
    abandoned: Annotated[int, _ended("abandoned")] = 0
    """Their client has left."""
    rejected: Annotated[int, _ended("rejected")] = 0
    """There was no room for them."""
    dead: Annotated[int, _ended("dead")] = 0
    """Their worker left, without a retry; or the device ended."""
    retried: Annotated[int, Metric("zdev_requests_retried_total", "Times that a request was given to another worker.")] = 0
    late: Annotated[int, Metric("zdev_replies_late_total", "Replies to requests that had expired.")] = 0
    unsolicited: Annotated[
        int, Metric("zdev_replies_unsolicited_total", "Messages of workers that reply to none of their requests.")
    ] = 0
    unsent_failures: Annotated[
        int, Metric("zdev_failure_replies_dropped_total", "Failed requests whose client was full, and not informed.")
    ] = 0
    dead_letters: Annotated[int, Metric("zdev_dead_letters_total", "Failed requests sent to dead_letter.")] = 0
    unsent_dead_letters: Annotated[
        int, Metric("zdev_dead_letters_dropped_total", "Failed requests not sent to dead_letter, because it was full.")
    ] = 0
    waited: DurationsView = DurationsView()
    """How long requests waited for a worker."""
    served: DurationsView = DurationsView()
    """How long workers took for a reply."""
    latency: DurationsView = DurationsView()
    """How long it took from the arrival of an answered request to its reply, including retries."""
    workers: WorkerCounts = WorkerCounts()

    @property
    def failures(self) -> str:
        """The counters of what went wrong that are not 0, like `2 expired, 1 late`."""
        counts = {name: getattr(self, name) for name in REQUEST_METRICS if name not in ("received", "answered")}
        return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count)


REQUEST_METRICS = metrics_of(RequestsView)
"""By field of RequestsView."""
PRESENT_REQUESTS = ("waiting", "at_work", "waiting_bytes")
"""The fields of RequestsView that are about the present, and no counters."""


class WorkerView(View, frozen=True, kw_only=True):
    """A worker of a device."""

    device: str
    number: int
    """Names it for `zdev drain DEVICE --worker`; that of its connection in `zdev peers`."""
    state: str
    """See docs/cli/peers.md."""
    address: str
    """Like tcp://10.0.0.7:40312; over ipc its process, like pid:1234."""
    routing_id: str = ""
    """As text, or in hexadecimal after 0x if it has bytes that are not printable."""
    user: str = ""
    """Name or key by which it authenticated."""
    service: str = ""
    """Of Majordomo."""
    at_work: int = 0
    """Requests that it has."""
    done: int = 0
    """Requests that it has answered."""
    failed: int = 0
    """Requests that it did not answer in time."""
    late: int = 0
    """Replies to requests that had expired."""
    mean: float = 0.0
    """Mean time from a request to its reply, in seconds."""
    p50: float = 0.0
    p99: float = 0.0
    since: float = 0.0
    """When its connection began, in seconds since 1970."""
    age: float = 0.0
    """Seconds since then."""
    set_aside_for: float | None = None
    """Seconds for which it gets no more requests; null: it is not set aside."""


def worker_view(device: str, worker: Worker, now: float) -> WorkerView:
    """Return a worker of a device as it is shown. now: time.time()."""
    facts = asdict(worker) | {"device": device, "routing_id": id_text(worker.routing_id)}
    facts["since"], facts["age"] = round(worker.since, 3), round(max(0.0, now - worker.since), 1)
    return WorkerView(**facts)


def seconds_text(seconds: float) -> str:
    """Format a short time like 850 µs, 12 ms or 3.4 s."""
    if seconds < 0.9995e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s" if seconds < 999 else f"{seconds:.0f} s"
