"""The choice of the engine: wire where it supports all that a device asks for, else libzmq."""

from __future__ import annotations

import errno
import sys
from typing import get_args

import zmq

import zdev_core

from ._libzmq_relay import LibzmqRelay
from ._option_table import OPTIONS
from ._placement import Placement
from ._plan import Engine, EngineSetting, Plan
from ._relay import Relay
from ._security import CurveClient, CurveServer
from ._spec import SocketSpec, option_name
from ._workers import refuse_unsuitable

if sys.platform == "linux":
    from ._wire_relay import WireRelay

ENGINES = get_args(EngineSetting)


def open_relay(plan: Plan, own_threads: set[int] | None = None) -> Relay:
    """Open the sockets of a device, with the engine that it asks for or that suits it.

    Args:
        plan: What to open.
        own_threads: Takes the identifiers of the device's own threads, which must not wait for its end.

    Raises:
        zmq.ZMQError: See `Relay`; ENOTSUP, the plan insists on an engine that does not support all that it asks for.
    """
    engine = choose_engine(plan)
    if sys.platform == "linux" and engine == "wire":
        return WireRelay(plan, engine, own_threads)
    return LibzmqRelay(plan, engine, own_threads)


def choose_engine(plan: Plan) -> Engine:
    """Return the engine for a device, with the reason.

    Raises:
        zmq.ZMQError: ENOTSUP, the device insists on the wire engine and asks for something that it does not support, or has limits
            or rights that only the wire engine keeps; EINVAL, it has workers, and its sockets have other types.
    """
    engine = _choose(plan)
    if plan.workers:
        refuse_unsuitable(plan.owner, plan.workers, plan.sockets(), str(engine), engine.reason)
    for spec in plan.sockets() if engine == "libzmq" else ():
        for name, is_asked, does in (
            ("limits", spec.limits is not None, "limits its connections"),
            ("rights", spec.has_rights, "has rights for its users"),
        ):
            if is_asked:
                why = f"{spec} {does}, which only the wire engine can, and libzmq is the engine: {engine.reason}"
                raise zmq.ZMQError(errno.ENOTSUP, f"{plan.owner}: {why} (remove the {name}, or what keeps wire from it)")
    return engine


def _choose(plan: Plan) -> Engine:
    if plan.engine == "libzmq":
        return Engine("libzmq", "as set")
    obstacle = _obstacle(plan)
    if plan.engine == "wire":
        if obstacle:
            text = f'{plan.owner}: the wire engine cannot run this device: {obstacle} (set engine to "auto" or "libzmq")'
            raise zmq.ZMQError(errno.ENOTSUP, text)
        return Engine("wire", "as set")
    return Engine("libzmq", obstacle) if obstacle else Engine("wire", "it supports all that the device asks for")


def _obstacle(plan: Plan) -> str | None:
    """Say what keeps the wire engine from running a device; None if nothing does."""
    if sys.platform != "linux":
        return "wire is for Linux only"
    own_context = isinstance(plan.context_factory, type) and issubclass(plan.context_factory, zmq.Context)
    if plan.context_factory != zmq.Context.instance and not own_context:
        return "context_factory was set, and wire uses no context"
    if plan.placement.io_threads not in (None, 1):
        return f"io_threads is {plan.placement.io_threads!r}, and wire has one thread"
    if "ctrl" in plan.specs:
        return "it has a ctrl socket"
    if refusal := _type_refusal(plan):
        return refusal
    inherited = {} if own_context else Placement().new_context(plan.owner, plan.context_factory).sockopts
    obstacles = (_socket_obstacle(spec, [*inherited, *(option for option, _ in spec.options)]) for spec in plan.sockets())
    return next(filter(None, obstacles), None)


def _type_refusal(plan: Plan) -> str | None:
    types = {role: spec.type for role, spec in plan.specs.items() if spec.role == role}
    refusal = zdev_core.wire_refusal(types["in"], types.get("out"), types.get("mon"))
    return refusal.removeprefix("device: ") if refusal else None


def _socket_obstacle(spec: SocketSpec, options: list[int]) -> str | None:
    if isinstance(spec.security, (CurveServer, CurveClient)) and not zdev_core.wire_has_curve():
        return f"{spec} is protected by {type(spec.security).__name__}, and zdev-core was built without libsodium"
    if spec.role != "mon" and not (spec.binds or spec.connects):
        return f"{spec} has no endpoint"
    for endpoint in (*spec.binds, *spec.connects):
        if not endpoint.startswith(("tcp://", "ipc://")):
            return f"{spec} uses {endpoint}, and wire has tcp and ipc only"
    for option in options:
        row = OPTIONS.get(option_name(option))
        if row is None or row.wire.kind == "libzmq only":
            return f"option {option_name(option)} of {spec} is supported by libzmq only"
    return None
