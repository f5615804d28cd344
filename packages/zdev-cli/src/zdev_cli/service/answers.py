"""What a running zdev does when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._failure import Failure, Status
from ..control.protocol import Reply, Request
from .managed import Managed

if TYPE_CHECKING:
    from .service import Service


def answer(service: Service, request: Request) -> Reply:
    """Raises Failure when it can't be done."""
    if request.verb == "status":
        return _status(service, request.device)
    if request.verb == "reload":
        applied = service.reload()
        return _reply(applied.lines, is_drained=applied.is_drained)
    if request.device is None:
        raise Failure(f"{request.verb} what? Name a device", Status.USAGE)
    device = service.supervisor.find(request.device)
    return _VERBS[request.verb](device)


def _status(service: Service, name: str | None) -> Reply:
    snapshot = service.snapshot()
    if name is not None:
        service.supervisor.find(name)
    return Reply(snapshot=snapshot)


def _end(device: Managed, *, drain: bool) -> Reply:
    ended = device.end(drain=drain)
    return _reply([f"{device.name}: {ended.text}"], is_drained=ended.is_drained)


def _restart(device: Managed) -> Reply:
    ended = device.end(drain=True)
    started = device.start()
    return _reply([f"{device.name}: {ended.text}", started], is_drained=ended.is_drained)


def _reply(lines: list[str], *, is_drained: bool = True) -> Reply:
    return Reply(status=Status.OK if is_drained else Status.DRAIN_TIMED_OUT, lines=lines)


_VERBS: dict[str, Callable[[Managed], Reply]] = {
    "pause": lambda device: _reply([device.pause()]),
    "resume": lambda device: _reply([device.resume()]),
    "drain": lambda device: _end(device, drain=True),
    "stop": lambda device: _end(device, drain=False),
    "start": lambda device: _reply([device.start()]),
    "restart": _restart,
}
