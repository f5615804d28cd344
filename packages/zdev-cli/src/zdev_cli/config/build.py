"""From the configuration of a device to a device that can be started."""

from __future__ import annotations

from dataclasses import fields
from multiprocessing import set_forkserver_preload

import zmq

from zdev_background import Limits, ProcessDevice, SocketSpec, ThreadDevice

from .._words import Role, settings_of
from .given_sockets import GivenSockets
from .model import DeviceConfig, SocketConfig
from .protection import security_of

# Imported once, by the server, and not by each process.
set_forkserver_preload(["zdev_background", "zdev_cli"])


class OwnContextThread(ThreadDevice):
    """In a thread, with a separate context: devices share no I/O thread, and each terminates its context when it ends."""

    context_factory = zmq.Context


class OwnContextProcess(ProcessDevice):
    """In a process with a separate context, started by a fork server: a fork of a program with threads may hang."""

    context_factory = zmq.Context
    start_method = "forkserver"


def device_of(config: DeviceConfig, given: GivenSockets | None = None) -> ThreadDevice | ProcessDevice:
    """Return the device, not started.

    Args:
        config: The device, with its defaults filled in.
        given: The listening sockets that serve its binds where they suit.
    """
    factory: type[ThreadDevice | ProcessDevice] = OwnContextProcess if config.isolation == "process" else OwnContextThread
    specs = {role: _spec_of(config, role, socket) for role, socket in config.sockets.items()}
    device = factory(in_type=specs["in"].type, out_type=specs["out"].type)
    prefixes = {"in_prefix": _prefix("in", config.in_), "out_prefix": _prefix("out", config.out)}
    device.use_specs(specs.values(), **prefixes, dropped_prefix=config.dropped_prefix)
    for role, socket in config.sockets.items():
        serving = (given or GivenSockets()).serving(config.name, role, socket.binds)
        for bind, found in zip(socket.binds, serving, strict=True):
            if found:
                device.bind(role, bind, listening=found.socket, keep=found.keep)
            else:
                device.bind(role, bind)
    if config.on_full:
        device.on_full = config.on_full
    if config.workers:
        device.workers = config.workers.settings()
    if config.mon_on_full:
        device.mon_on_full = config.mon_on_full
    device.name = config.name
    if config.engine:
        device.engine = config.engine
    return device


def _spec_of(config: DeviceConfig, role: Role, socket: SocketConfig) -> SocketSpec:
    """Return the socket of a role, without its binds. A SUB without SUBSCRIBE subscribes to everything, since it would receive nothing."""
    spec = SocketSpec(role, zmq.SocketType[config.socket_type(role)])
    spec.connects.extend(socket.connects)
    for name, value in socket.options.items():
        spec.options.extend(settings_of(name, value))
    spec.security = security_of(socket)
    limits = Limits(**{each.name: getattr(socket, each.name) for each in fields(Limits)})
    spec.limits = limits if limits != Limits() else None
    if spec.type == zmq.SUB and not spec.has_option(zmq.SUBSCRIBE):
        spec.options.append((zmq.SUBSCRIBE, b""))
    return spec


def _prefix(role: str, socket: SocketConfig) -> str | None:
    if isinstance(socket.prefix, str):
        return socket.prefix
    return role if socket.prefix else None
