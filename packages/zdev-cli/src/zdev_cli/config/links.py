"""How the devices of one file meet at their endpoints: what clashes there, can't talk, or goes round for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from .._words import SOCKET_TYPES, Role
from .endpoints import Address, address_of, control_endpoint_of, listen_of, refusal_of
from .fault import Finding, Path
from .model import Config
from .places import endpoint_path, socket_path

_NEVER_ONWARD = ("SUB", "PULL", "ROUTER", "REP")  # don't send at all, or to who asked or is named by the message alone
_NEVER_RECEIVE = ("PUB", "PUSH")

# Which types may talk: RFC 23 (ZMTP 3.0), and 28 to 31 for what they then do.
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


class End(NamedTuple):
    """One socket of one device."""

    device: int
    role: Role
    name: str
    type: str

    @property
    def grounds(self) -> tuple[Path, ...]:
        """What its type is known from."""
        return ("device", self.device, "type"), (*socket_path(self.device, self.role), "type")

    @property
    def can_be(self) -> bool:
        """Whether the role may have that type at all."""
        return self.type in SOCKET_TYPES[self.role]

    def __str__(self) -> str:
        return f"{self.name}.{self.role}"


class Use(NamedTuple):
    """A bind or connect."""

    endpoint: str
    address: Address
    path: Path
    end: End | None
    """None: the program itself, not a device."""

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


def broken_links(config: Config) -> Iterator[Finding]:
    """What is wrong between endpoints of the file."""
    binds: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for use in (*_uses(config, "bind"), *_services(config)):
        for other in binds[use.address.key]:
            if use.address.clashes(other.address):
                text = f"{use.endpoint} is bound by {other} already{_as(use, other)}; bind another"
                yield Finding(use.path, text, depends_on=(use.path, other.path), see=other.path)
                break
        binds[use.address.key].append(use)
    connects = _uses(config, "connect")
    found = [Link(use, bind) for use in connects for bind in binds[use.address.key] if use.address.reaches(bind.address)]
    links = []
    for link in found:
        if finding := _impossible(link):
            yield finding
        elif link.bind.end:
            links.append(link)
    yield from _loops(links)


def _uses(config: Config, verb: str) -> Iterator[Use]:
    for index, device in enumerate(config.device):
        for role, socket in device.sockets.items():
            end = End(index, role, device.name, device.socket_type(role))
            told = getattr(socket, verb)
            for number, endpoint in enumerate([told] if isinstance(told, str) else told):
                address = None if refusal_of(endpoint, connects=verb == "connect") else address_of(endpoint)
                if address:
                    path = endpoint_path(index, role, verb, None if isinstance(told, str) else number)
                    yield Use(endpoint, address, path, end)


def _services(config: Config) -> Iterator[Use]:
    """What the program binds for itself."""
    if endpoint := config.control.endpoint:
        with suppress(ValueError):
            if address := address_of(f"ipc://{control_endpoint_of(endpoint)}"):
                yield Use(endpoint, address, ("control", "endpoint"), None)
    if config.http:
        with suppress(ValueError):
            listen_of(config.http.listen)
            if address := address_of(f"tcp://{config.http.listen}"):
                yield Use(config.http.listen, address, ("http", "listen"), None)


def _as(use: Use, other: Use) -> str:
    """The other's way to write the same address."""
    return "" if use.endpoint == other.endpoint else f", as {other.endpoint}"


def _impossible(link: Link) -> Finding | None:
    """A connection that can't be."""
    connect, bind = link
    if not bind.end:
        text = f"{connect.endpoint} is zdev's own, {bind}; connect to a device or a program"
        return Finding(connect.path, text, depends_on=(connect.path, bind.path), see=bind.path)
    mine, theirs = link.ends
    if mine.device == theirs.device:
        text = f"{connect.endpoint} is bound by {theirs}: the device would connect to itself"
        return Finding(connect.path, text, depends_on=(connect.path, bind.path), see=bind.path)
    if theirs.type not in _PEERS[mine.type] and mine.can_be and theirs.can_be:
        peers = " or ".join(_PEERS[mine.type])
        text = f"{mine} is {mine.type} and {theirs} at {connect.endpoint} is {theirs.type}: {mine.type} talks to {peers} only"
        return Finding(connect.path, text, depends_on=(connect.path, bind.path, *mine.grounds, *theirs.grounds), see=bind.path)
    return None


def _loops(links: list[Link]) -> Iterator[Finding]:
    """Ways on which a message comes back to where it was. One loop after the other is found, told and cut."""
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
Entry = tuple[int, Role]


def _ways(links: list[Link]) -> dict[Entry, dict[Entry, Step]]:
    """For each socket that messages enter a device by, those before it on the way, with the step from the one to the other."""
    sides: dict[int, dict[Role, End]] = defaultdict(dict)
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


def _entries(leaving: End) -> tuple[Role, ...]:
    """Where messages enter that leave by this socket."""
    entries: dict[Role, tuple[Role, ...]] = {"in": ("out",), "out": ("in",), "mon": ("in", "out"), "ctrl": ()}
    return entries[leaving.role]


def _loop(steps: list[Step]) -> Finding:
    shown = ", ".join(f"{leaving} -> {entering}" for _, leaving, entering in steps)
    grounds = [
        path
        for link, leaving, entering in steps
        for path in (link.connect.path, link.bind.path, *leaving.grounds, *entering.grounds)
    ]
    text = f"messages would go round for ever: {shown}; cut one of these connections"
    return Finding(steps[0][0].connect.path, text, depends_on=tuple(grounds))
