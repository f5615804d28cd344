"""How devices are connected: conflicts and loops between the endpoints of one file, and the order of shutdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Literal, NamedTuple

from .._words import SOCKET_TYPES, Role
from .diagnostics import Path, PendingDiagnostic, socket_path
from .endpoints import Address, address_of
from .model import DeviceConfig, SocketConfig

# Types that send nothing, or only to the peer that asked or that the message itself names.
_NEVER_ONWARD = ("SUB", "PULL", "ROUTER", "REP")
_NEVER_RECEIVE = ("PUB", "PUSH")

# Compatible socket types: RFC 23 (ZMTP 3.0).
_PEERS = {
    "REQ": ("REP", "ROUTER"),
    "REP": ("REQ", "DEALER"),
    "DEALER": ("REP", "DEALER", "ROUTER"),
    "ROUTER": ("REQ", "DEALER", "ROUTER"),
    "PUB": ("SUB", "XSUB"),
    "XPUB": ("SUB", "XSUB"),
    "SUB": ("PUB", "XPUB"),
    "XSUB": ("PUB", "XPUB"),
    "PUSH": ("PULL",),
    "PULL": ("PUSH",),
    "PAIR": ("PAIR",),
}


AnyRole = Role | Literal["dead_letter"]


class End(NamedTuple):
    """One socket of one device. That of dead letters, a PUSH, is in no role."""

    device: int
    role: AnyRole
    name: str
    type: str

    @property
    def path(self) -> Path:
        return socket_path(self.device, self.role)

    @property
    def grounds(self) -> tuple[Path, ...]:
        """The values that decide its type."""
        return ("device", self.device, "type"), (*self.path, "type")

    @property
    def types(self) -> tuple[str, ...]:
        """The types that the role may have."""
        return ("PUSH",) if self.role == "dead_letter" else SOCKET_TYPES[self.role]

    @property
    def can_be(self) -> bool:
        """Whether the role may have that type at all."""
        return self.type in self.types

    def __str__(self) -> str:
        return f"{self.name}.{self.role}"


class Use(NamedTuple):
    """A bind or connect.

    Attributes:
        address: None for a wildcard, which is a different address each time.
        end: None for an endpoint of the program itself.
    """

    endpoint: str
    address: Address | None
    path: Path
    end: End | None
    connects: bool = False

    def __str__(self) -> str:
        return str(self.end or ".".join(map(str, self.path)))


class Link(NamedTuple):
    """A connect that reaches a bind of the same file."""

    connect: Use
    bind: Use

    @property
    def ends(self) -> tuple[End, End]:
        assert self.connect.end
        assert self.bind.end
        return self.connect.end, self.bind.end


def broken_links(uses: Collection[Use]) -> Iterator[PendingDiagnostic]:
    """Report endpoints that are bound twice, connections that cannot work, and loops."""
    binds: dict[tuple[str, str], list[tuple[Use, Address]]] = defaultdict(list)
    for use in uses:
        if use.connects or not use.address:
            continue
        for other, bound in binds[use.address.key]:
            if use.address.clashes(bound):
                text = f"{use.endpoint} is already bound by {other}{_as(use, other)}"
                yield PendingDiagnostic(use.path, text, depends_on=(use.path, other.path), see=other.path)
                break
        binds[use.address.key].append((use, use.address))
    links = []
    for use in uses:
        if not use.connects or not use.address:
            continue
        for link in [Link(use, bind) for bind, bound in binds[use.address.key] if use.address.reaches(bound)]:
            if diagnostic := _impossible(link):
                yield diagnostic
            elif link.bind.end:
                links.append(link)
    yield from _loops(links)


def shutdown_order(devices: Collection[DeviceConfig]) -> list[list[str]]:
    """Return the names of devices that can be stopped together, beginning with those that feed others.

    A drained device waits for replies that come through the device it feeds.
    """
    feeding = {each.name: {other.name for other in devices if _feeds(other, each)} for each in devices}
    sorter = TopologicalSorter(feeding)
    try:
        sorter.prepare()
    except CycleError:  # which a validated file does not have
        return [list(feeding)]
    found = []
    while sorter.is_active():
        found.append(list(sorter.get_ready()))
        sorter.done(*found[-1])
    return found


def _feeds(one: DeviceConfig, other: DeviceConfig) -> bool:
    return one is not other and (_reaches(one.out, other.in_) or _reaches(other.in_, one.out))


def _reaches(connecting: SocketConfig, bound: SocketConfig) -> bool:
    """Return whether an endpoint that one connects to is bound by the other."""
    there, here = _addresses(bound.binds), _addresses(connecting.connects)
    return any(each.reaches(address) for each in here for address in there)


def _addresses(endpoints: Iterable[str]) -> list[Address]:
    return [address for endpoint in endpoints if (address := address_of(endpoint))]


def _as(use: Use, other: Use) -> str:
    """Return how the other spells the address, if differently."""
    return "" if use.endpoint == other.endpoint else f" as {other.endpoint}"


def _impossible(link: Link) -> PendingDiagnostic | None:
    """Report a connection that cannot work."""
    connect, bind = link
    if not bind.end:
        text = f"{connect.endpoint} is the address of {bind}, not of a device or another program"
        return PendingDiagnostic(connect.path, text, depends_on=(connect.path, bind.path), see=bind.path)
    mine, theirs = link.ends
    if mine.device == theirs.device:
        text = f"{connect.endpoint} is bound by {theirs}: the device would connect to itself"
        return PendingDiagnostic(connect.path, text, depends_on=(connect.path, bind.path), see=bind.path)
    if theirs.type not in _PEERS[mine.type] and mine.can_be and theirs.can_be:
        peers = " or ".join(_PEERS[mine.type])
        text = f"incompatible types: {mine} is {mine.type}, {theirs} at {connect.endpoint} is {theirs.type} ({mine.type} needs {peers})"
        return PendingDiagnostic(
            connect.path, text, depends_on=(connect.path, bind.path, *mine.grounds, *theirs.grounds), see=bind.path
        )
    return None


def _loops(links: list[Link]) -> Iterator[PendingDiagnostic]:
    """Report the ways by which a message returns to where it was. Each loop is cut once reported, to find the next."""
    while links:
        ways = _ways(links)
        try:
            TopologicalSorter(ways).prepare()
        except CycleError as error:
            *ring, _ = error.args[1]  # each is one of the ways into the next, the last is the first
            start = ring.index(min(ring))
            ring = [*ring[start:], *ring[: start + 1]]
        else:
            return
        steps = [ways[there][here] for here, there in pairwise(ring)]
        yield _loop(steps)
        cut = {link for link, _, _ in steps}
        links = [each for each in links if each not in cut]


Step = tuple[Link, End, End]
Entry = tuple[int, AnyRole]


def _ways(links: list[Link]) -> dict[Entry, dict[Entry, Step]]:
    """Map each socket by which messages enter a device to its predecessors, with the step from each of them."""
    sides: dict[int, dict[AnyRole, End]] = defaultdict(dict)
    for link in links:
        for end in link.ends:
            sides[end.device][end.role] = end
    ways: dict[Entry, dict[Entry, Step]] = defaultdict(dict)
    for link in links:
        for leaving, entering in (link.ends, link.ends[::-1]):
            if leaving.type in _NEVER_ONWARD or entering.type in _NEVER_RECEIVE or entering.role not in ("in", "out"):
                continue
            for role in _entries(leaving):
                ways[entering.device, entering.role][leaving.device, role] = (link, leaving, entering)
    return ways


def _entries(leaving: End) -> tuple[AnyRole, ...]:
    """Return the sockets by which messages enter that leave by this one."""
    entries: dict[AnyRole, tuple[AnyRole, ...]] = {
        "in": ("out",),
        "out": ("in",),
        "mon": ("in", "out"),
        "ctrl": (),
        "dead_letter": ("in",),
    }
    return entries[leaving.role]


def _loop(steps: list[Step]) -> PendingDiagnostic:
    shown = ", ".join(f"{leaving} -> {entering}" for _, leaving, entering in steps)
    grounds = [
        path
        for link, leaving, entering in steps
        for path in (link.connect.path, link.bind.path, *leaving.grounds, *entering.grounds)
    ]
    text = f"messages would loop forever: {shown} (remove one of these connections)"
    return PendingDiagnostic(steps[0][0].connect.path, text, depends_on=tuple(grounds))
