"""Checks of a device's description before its sockets are made: at its start, in the caller's thread."""

from __future__ import annotations

import errno
import logging

import zmq

from ._engine import ENGINES
from ._plan import Plan
from ._spec import SocketSpec
from ._workers import Workers

logger = logging.getLogger("zdev")

_DROPPING = (zmq.PUB, zmq.XPUB)


def refuse_mistakes(plan: Plan, *, is_process: bool) -> None:
    """Check a device that is about to start.

    Args:
        plan: The device.
        is_process: Whether it runs in its own process.

    Raises:
        zmq.ZMQError: EINVAL, a socket has no usable endpoint.
        TypeError: A setting has a value of the wrong type.
        ValueError: A setting has an invalid value.
    """
    _check_settings(plan)
    if not any(spec.binds or spec.connects for spec in plan.specs.values()):
        logger.warning("%s: no socket has an endpoint, so it relays nothing", plan.owner)  # zmq.devices starts it, too
        return
    own_context = isinstance(plan.context_factory, type) or bool(plan.servers() or plan.placement)
    for role, spec in plan.specs.items():
        if spec.role != role:  # the in socket is both ends
            continue
        endpoints = [*spec.binds, *spec.connects]
        if not endpoints:
            _report_missing_endpoint(plan.owner, spec)
        for endpoint in endpoints:
            if not endpoint.startswith("inproc:"):
                continue
            if is_process:
                text = f"{spec} uses {endpoint}: inproc cannot reach another process (use ipc:// or tcp://)"
                raise zmq.ZMQError(errno.EINVAL, f"{plan.owner}: {text}")
            if own_context:
                text = "%s: %s uses %s in the device's own context, where no other socket can reach it (set context_factory)"
                logger.warning(text, plan.owner, spec, endpoint)


def _check_settings(plan: Plan) -> None:
    factory: object = plan.context_factory
    if not callable(factory):
        raise TypeError(
            f"{plan.owner}: context_factory must be a callable that returns a zmq.Context, like zmq.Context, not {factory!r}"
        )
    workers: object = plan.workers
    if not isinstance(workers, Workers | None):
        raise TypeError(f"{plan.owner}: workers must be a value like Workers(max_requests=4), or None, not {workers!r}")
    for name, value, allowed in (
        ("on_full", plan.on_full, (None, "block", "drop")),
        ("mon_on_full", plan.mon_on_full, ("block", "drop")),
        ("engine", plan.engine, ENGINES),
    ):
        if value not in allowed:
            raise ValueError(f"{plan.owner}: {name} must be {' or '.join(map(repr, allowed))}, not {value!r}")


def _report_missing_endpoint(owner: str, spec: SocketSpec) -> None:
    remedy = f"call bind_{spec.role} or connect_{spec.role} before the start"
    if spec.role == "ctrl" or (spec.role == "mon" and spec.type in _DROPPING):
        level = logging.WARNING if spec.role == "ctrl" else logging.INFO  # every proxy has a mon socket
        logger.log(level, "%s: %s has no endpoint, so nobody can reach it (%s)", owner, spec, remedy)
        return
    raise zmq.ZMQError(errno.EINVAL, f"{owner}: {spec} has no endpoint ({remedy})")
