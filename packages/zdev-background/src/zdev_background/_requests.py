"""The requests and workers of a queue that knows its workers, as it shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

WorkerState = Literal["starting", "idle", "busy", "draining", "drained", "set-aside", "leaving"]


@dataclass(frozen=True, kw_only=True)
class Durations:
    """How long something took, in seconds. Quantiles are exact to about a tenth.

    Attributes:
        count: How many there were.
        sum: All of them together.
        p50: Half were not longer.
        p99: 99 percent were not longer.
        below: At index i, how many were shorter than 2 ** (i + 1) microseconds. Beyond its end, all were.
    """

    count: int = 0
    sum: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    below: tuple[int, ...] = ()

    @property
    def mean(self) -> float:
        """The mean, 0 if there were none."""
        return self.sum / self.count if self.count else 0.0


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker of a queue that knows its workers. See `Device.requests`.

    Attributes:
        number: Names it for `Device.drain_worker`: the number of its connection, as in `Peer`.
        state: "starting": with ppp and mdp, it has not said that it is ready. "idle": it has no request. "busy": it has requests.
            "draining": it gets no more, and still has some. "drained": it gets no more, and has none. "set-aside": its requests have
            failed, and it gets none for `set_aside_for` seconds. "leaving": it receives no more; there may be replies to read.
        address: Its address, like tcp://10.0.0.7:40312; over ipc its process, like pid:1234.
        routing_id: The routing id that it has set.
        user: Name or key by which it authenticated.
        service: Of Majordomo.
        at_work: Requests that it has.
        done: Requests that it has answered.
        failed: Requests that it did not answer in time.
        late: Replies to requests that had expired.
        mean: Mean time from a request to its reply, in seconds.
        p50: Half of these times were not longer.
        p99: 99 percent of them were not longer.
        since: When its connection began, in seconds since 1970.
        set_aside_for: Seconds for which it gets no more requests, if it is set aside.
    """

    number: int
    state: WorkerState
    address: str
    routing_id: bytes
    user: str
    service: str
    at_work: int
    done: int
    failed: int
    late: int
    mean: float
    p50: float
    p99: float
    since: float
    set_aside_for: float | None


@dataclass(frozen=True, kw_only=True)
class Requests:
    """The requests of a queue that knows its workers, and its workers, at one moment.

    Each request that was received is counted once: received = answered + waiting + at_work + expired + abandoned + rejected + dead.

    Attributes:
        received: Requests that were received.
        answered: Requests whose reply was delivered.
        waiting: Requests that wait for a worker now.
        at_work: Requests that workers have now.
        expired: Requests that waited longer than `queue_timeout`, or took longer than `request_timeout`.
        abandoned: Requests whose client has left.
        rejected: Requests for which there was no room.
        dead: Requests whose worker left, without a retry; and those that were waiting or at work when the device ended.
        waiting_bytes: Bytes of the requests that wait now.
        retried: Times that a request was given to another worker.
        late: Replies to requests that had expired.
        unsolicited: Messages of workers that are not the reply to one of their requests.
        unsent_failures: Failed requests whose client got no `reply_on_failure`, because it was full.
        dead_letters: Requests that were sent to `dead_letter`.
        unsent_dead_letters: Failed requests that were not, because it was full.
        waited: How long requests waited for a worker.
        served: How long workers took for a reply.
        latency: How long it took from the arrival of an answered request to its reply, including retries.
        workers: The workers; none when the device does not run.
    """

    received: int = 0
    answered: int = 0
    waiting: int = 0
    at_work: int = 0
    expired: int = 0
    abandoned: int = 0
    rejected: int = 0
    dead: int = 0
    waiting_bytes: int = 0
    retried: int = 0
    late: int = 0
    unsolicited: int = 0
    unsent_failures: int = 0
    dead_letters: int = 0
    unsent_dead_letters: int = 0
    waited: Durations = Durations()
    served: Durations = Durations()
    latency: Durations = Durations()
    workers: tuple[Worker, ...] = ()

    @classmethod
    def of_report(cls, report: dict[str, Any]) -> Self:
        """Return the report of a WireDevice as a value."""
        counts = dict(report["requests"])
        for name in ("waited", "served", "latency"):
            counts[name] = Durations(**counts[name] | {"below": tuple(counts[name]["below"])})
        workers = [Worker(**each | {"service": _text(each["service"])}) for each in report["workers"]]
        return cls(**counts, workers=tuple(workers))


def _text(name: bytes) -> str:
    return name.decode(errors="backslashreplace")
