"""The device that the command line describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import zmq

from zdev_background import SocketSpec, Statistics, ThreadDevice

from ._sockets import Role, SocketArguments

Policy = Literal["block", "drop"]


class Policies(NamedTuple):
    """What a device does beside relaying; see the class attributes and arguments of the same names in zdev_background."""

    in_prefix: str
    out_prefix: str
    on_full: Policy | None
    mon_on_full: Policy | None


class CommandLineDevice(ThreadDevice):
    """A device with any of the four roles, in a thread and a context of its own."""

    context_factory = zmq.Context

    def __init__(self, name: str, specs: Mapping[Role, SocketSpec], policies: Policies) -> None:
        super().__init__(in_type=specs["in"].type, out_type=specs["out"].type)
        self.use_specs(specs.values(), in_prefix=policies.in_prefix, out_prefix=policies.out_prefix)
        if policies.on_full:
            self.on_full = policies.on_full
        if policies.mon_on_full:
            self.mon_on_full = policies.mon_on_full
        self.name = name

    def type_name(self, role: Role) -> str:
        return self.specs[role].type_name


def spec_of(arguments: SocketArguments, default_type: str) -> SocketSpec:
    """The socket as a value. A SUB without SUBSCRIBE would get nothing: it subscribes to everything."""
    spec = SocketSpec(arguments.role, zmq.SocketType[arguments.type or default_type])
    spec.binds.extend(arguments.binds)
    spec.connects.extend(arguments.connects)
    spec.options.extend(arguments.settings)
    if spec.type == zmq.SUB and not spec.has_option(zmq.SUBSCRIBE):
        spec.options.append((zmq.SUBSCRIBE, b""))
    return spec


def statistics_line(statistics: Statistics, lost: int) -> str:
    """name=number of what the device did, in one line: messages each way, then what became of those not sent on."""
    ways = (statistics.in_, statistics.out)
    numbers = {
        "in_received": statistics.in_.messages_received,
        "in_bytes": statistics.in_.bytes_received,
        "out_received": statistics.out.messages_received,
        "out_bytes": statistics.out.bytes_received,
        "sent": sum(way.messages_sent for way in ways),
        "malformed": sum(way.malformed for way in ways),
        "unroutable": sum(way.unroutable for way in ways),
        "overflowed": sum(way.overflowed for way in ways),
        "monitor_sent": sum(way.monitor_sent for way in ways),
        "monitor_dropped": sum(way.monitor_dropped for way in ways),
        "lost": lost,
    }
    return "statistics " + " ".join(f"{name}={number}" for name, number in numbers.items())
