"""The settings of a queue that knows its workers."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import zmq

from ._endpoints import address_of, refusal_of
from ._spec import SocketSpec

Balance = Literal["least-requests", "round-robin"]
Protocol = Literal["plain", "ppp", "mdp"]
QueuePolicy = Literal["block", "reject"]

MOST_REQUESTS = 10_000
MOST_RETRIES = 100
LONGEST = 86_400.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Settings of a queue that knows its workers, for the wire engine.

    The queue remembers which worker has which request, and keeps the others waiting until a worker is free. `in` is a ROUTER and
    `out` a DEALER; with "ppp" and "mdp", `out` may be a ROUTER too.

    Args:
        balance: "least-requests" gives a request to the worker that has the fewest, and of several to the one that has been idle
            longest; "round-robin" gives one to each in turn.
        max_requests: Requests of one worker at a time, 1 to 10,000; 1 with "ppp" and "mdp".
        queue_limit: Requests that may wait for a worker.
        queue_bytes: Bytes of the requests that may wait.
        on_full: What happens to requests beyond these limits: "block", their clients wait; "reject", they fail.
        queue_timeout: Seconds that a request may wait for a worker; None: no limit.
        request_timeout: Seconds that a worker may take for a request; None: no limit.
        retries: How often a request is given to another worker because its worker has left, at most 100. Above 0 only for requests
            that may be repeated.
        allow_request_options: Whether a request may choose its own number of retries, by a first frame like "zdev retries=2".
        reply_on_failure: Frames that a client gets instead of a reply when its request has failed; text is sent as UTF-8. None: it
            gets nothing.
        dead_letter: Endpoint of a PUSH that gets each request that has failed: reason, routing id of the client, and the frames of
            the request. The socket binds, or connects if ">" precedes the endpoint, as in CZMQ. None: there is no such socket.
        heartbeat: Seconds between heartbeats; a worker that does not answer them has left, or with "ppp" and "mdp" one that is
            silent for three of them. None: there are none with "plain", 1 s with "ppp", 2.5 s with "mdp".
        protocol: "plain" for REP and DEALER sockets, "ppp" for Paranoid Pirate (RFC 6), "mdp" for Majordomo (RFC 7, RFC 18).
        max_failures: Failed requests in a row after which a worker is set aside; 0: it never is.
        set_aside: Seconds for which it gets no more requests, and each further time twice as long, a minute at most.

    Raises:
        TypeError: A setting has a value of the wrong type.
        ValueError: A setting has an invalid value.
    """

    balance: Balance = "least-requests"
    max_requests: int = 1
    queue_limit: int = 1000
    queue_bytes: int = 64 * 1024 * 1024
    on_full: QueuePolicy = "block"
    queue_timeout: float | None = None
    request_timeout: float | None = None
    retries: int = 0
    allow_request_options: bool = False
    reply_on_failure: Sequence[bytes | str] | None = None
    dead_letter: str | None = None
    heartbeat: float | None = None
    protocol: Protocol = "plain"
    max_failures: int = 3
    set_aside: float = 1.0

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            check(name, getattr(self, name))
        if self.protocol != "plain" and self.max_requests != 1:
            raise ValueError(f'max_requests must be 1 with "{self.protocol}", whose workers handle one request at a time')
        if isinstance(self.reply_on_failure, Sequence):  # a copy, which nobody can change
            object.__setattr__(self, "reply_on_failure", tuple(self.reply_on_failure))

    def dead_letter_socket(self) -> SocketSpec | None:
        """Return the socket of dead letters."""
        if self.dead_letter is None:
            return None
        role: Any = "dead_letter"
        connects, endpoint = _dead_letter_endpoint(self.dead_letter)
        return SocketSpec(role, zmq.PUSH, binds=[] if connects else [endpoint], connects=[endpoint] if connects else [])

    def wire_settings(self) -> dict[str, Any]:
        """Return the settings of a WireWorkers, but for the socket of dead letters."""
        settings = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "dead_letter"}
        frames = [each.encode() if isinstance(each, str) else each for each in self.reply_on_failure or ()]
        timeouts = {name: settings[name] or 0.0 for name in ("queue_timeout", "request_timeout", "heartbeat")}
        return settings | timeouts | {"reply_on_failure": frames or None}


def refuse_unsuitable(owner: str, workers: Workers, specs: Sequence[SocketSpec], engine: str, reason: str) -> None:
    """Check the device for which these workers are set.

    Raises:
        zmq.ZMQError: EINVAL, its sockets have other types; ENOTSUP, libzmq is its engine.
    """
    types = {spec.role: spec.type for spec in specs}
    outs = (zmq.DEALER,) if workers.protocol == "plain" else (zmq.DEALER, zmq.ROUTER)
    if types.get("in") != zmq.ROUTER or types.get("out") not in outs:
        needed = f"in must be ROUTER, and out {' or '.join(each.name for each in outs)}"
        given = ", ".join(map(str, specs))
        raise zmq.ZMQError(errno.EINVAL, f"{owner}: a queue that knows its workers cannot have {given}: {needed}")
    if engine == "libzmq":
        why = f"only the wire engine knows its workers, and libzmq is the engine: {reason}"
        raise zmq.ZMQError(errno.ENOTSUP, f"{owner}: {why} (remove workers, or what keeps wire from it)")


def refuse_unknown_workers(owner: str, is_known: bool) -> None:
    """Raise ZMQError with ENOTSUP for a device that does not know its workers."""
    if not is_known:
        text = "it does not know its workers (set workers = Workers() before the start)"
        raise zmq.ZMQError(errno.ENOTSUP, f"{owner}: {text}")


def _dead_letter_endpoint(given: str) -> tuple[bool, str]:
    """Return whether a dead_letter connects, and its endpoint."""
    return given.startswith(">"), given.removeprefix(">")


def _one_of(names: tuple[str, ...]) -> Callable[[str, Any], None]:
    def check(setting: str, value: Any) -> None:
        if value not in names:
            allowed = " or ".join(f'"{each}"' for each in names)
            raise ValueError(f"{setting} must be {allowed}, not {value!r}")

    return check


def _whole(least: int, most: int) -> Callable[[str, Any], None]:
    def check(setting: str, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{setting} must be a whole number, not {value!r}")
        if not least <= value <= most:
            raise ValueError(f"{setting} must be {least} to {most}, not {value!r}")

    return check


def _seconds(*, or_none: bool) -> Callable[[str, Any], None]:
    no_limit = ", or None" if or_none else ""

    def check(setting: str, value: Any) -> None:
        if value is None and or_none:
            return
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeError(f"{setting} must be a number of seconds{no_limit}, not {value!r}")
        if not 0 < value <= LONGEST:
            raise ValueError(f"{setting} must be above 0 and at most {LONGEST:g} seconds{no_limit}, not {value!r}")

    return check


def _flag(setting: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{setting} must be True or False, not {value!r}")


def _frames(setting: str, value: Any) -> None:
    if value is None:
        return
    if (
        isinstance(value, bytes | str)
        or not isinstance(value, Sequence)
        or not all(isinstance(each, bytes | str) for each in value)
    ):
        raise TypeError(f'{setting} must be a sequence of frames like ["error", "busy"], or None, not {value!r}')
    if not value:
        raise ValueError(f"{setting} must have a frame (None: clients get nothing)")


def _dead_letter(setting: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise TypeError(f"{setting} must be an endpoint like tcp://127.0.0.1:5562, or None, not {value!r}")
    connects, endpoint = _dead_letter_endpoint(value)
    if not endpoint.startswith(("tcp://", "ipc://")):
        raise ValueError(f"{setting} must be a tcp or ipc endpoint, after > if it connects, not {value!r}")
    refusal = refusal_of(endpoint, connects=connects)
    if not refusal and address_of(endpoint) is None:
        refusal = "give a port or path, as nobody could know which one the system chose"
    if refusal:
        raise ValueError(f"invalid {setting} {value!r}: {refusal}")


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "balance": _one_of(get_args(Balance)),
    "max_requests": _whole(1, MOST_REQUESTS),
    "queue_limit": _whole(0, 2**32),
    "queue_bytes": _whole(0, 2**48),
    "on_full": _one_of(get_args(QueuePolicy)),
    "queue_timeout": _seconds(or_none=True),
    "request_timeout": _seconds(or_none=True),
    "retries": _whole(0, MOST_RETRIES),
    "allow_request_options": _flag,
    "reply_on_failure": _frames,
    "dead_letter": _dead_letter,
    "heartbeat": _seconds(or_none=True),
    "protocol": _one_of(get_args(Protocol)),
    "max_failures": _whole(0, 2**31),
    "set_aside": _seconds(or_none=False),
}
