"""Commands to one device, to several or to all."""

from __future__ import annotations

from collections.abc import Callable, Collection

from .._failure import Failure, Status
from ..control.protocol import Reply
from .managed import Managed
from .supervisor import in_order

_MILDEST_FIRST = (Status.OK, Status.DRAIN_TIMED_OUT, Status.UNAVAILABLE, Status.USAGE, Status.INTERNAL)
_RECEIVERS_FIRST = ("start", "resume")


def reply_of(lines: list[str], *, is_drained: bool = True) -> Reply:
    return Reply(status=Status.OK if is_drained else Status.DRAIN_TIMED_OUT, lines=lines)


def steer(verb: str, device: Managed) -> Reply:
    """Do what is asked. Raises Failure when the device cannot do that now."""
    return _VERBS[verb](device)


def steer_several(verb: str, devices: Collection[Managed]) -> Reply:
    """Do what is asked with each device, also when one of them fails. The status is that of the worst failure.

    Devices that feed others come first; upon start and resume they come last.
    """
    if verb not in _VERBS:
        raise Failure(f"{verb} is not for several devices (only {', '.join(_VERBS)})", Status.USAGE)
    replies = in_order(lambda device: _attempt(verb, device), devices, receivers_first=verb in _RECEIVERS_FIRST).values()
    status = max((Status(reply.status) for reply in replies), key=_MILDEST_FIRST.index, default=Status.OK)
    return Reply(status=status, lines=[line for reply in replies for line in reply.lines])


def _attempt(verb: str, device: Managed) -> Reply:
    try:
        return steer(verb, device)
    except Failure as failure:
        return Reply(status=failure.status, lines=[str(failure)])


def _end(device: Managed, *, drain: bool) -> Reply:
    ended = device.end(drain=drain)
    return reply_of([f"{device.name}: {ended.text}"], is_drained=ended.is_drained)


def _restart(device: Managed) -> Reply:
    ended = device.end(drain=True)
    started = device.start()
    return reply_of([f"{device.name}: {ended.text}", started], is_drained=ended.is_drained)


_VERBS: dict[str, Callable[[Managed], Reply]] = {
    "pause": lambda device: reply_of([device.pause()]),
    "resume": lambda device: reply_of([device.resume()]),
    "drain": lambda device: _end(device, drain=True),
    "stop": lambda device: _end(device, drain=False),
    "start": lambda device: reply_of([device.start()]),
    "restart": _restart,
}
