"""Two sites, a device at each, and a link between them that goes down and comes back."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from pathlib import Path
from typing import Any

from faults.account import CEASE
from faults.crew import Crew, Member

from .network import Host, Link, Network
from .programs import Client, Zdev, start_worker, until

PORT = 5571
RATE = 1000.0  # messages a second
ONE_WAY = """
[[device]]
name = "{name}"
type = "streamer"
insecure = true
in.bind = "tcp://*:5571"
out.{out}
"""
BOTH_WAYS = ONE_WAY.replace("streamer", "queue")
AGAIN = "CONNECT_TIMEOUT = 1000, RECONNECT_IVL_MAX = 1000"  # ms
GIVE_UP = f"TCP_MAXRT = 2000, {AGAIN}"
"""Options by which a connection is cut when what was sent is not acknowledged for 2 s."""
KEEPALIVE = "TCP_KEEPALIVE_IDLE = 3, TCP_KEEPALIVE_INTVL = 1, TCP_KEEPALIVE_CNT = 2"
"""Options by which the end that has nothing under way cuts a connection on which nothing came for 5 s; zdev's own is 2 minutes."""
HEARTBEATS = f"HEARTBEAT_IVL = 500, HEARTBEAT_TIMEOUT = 2000, {AGAIN}"
"""Options by which each end cuts a connection on which nothing came for that long."""


class Sites:
    """A device `here` that connects to the `in` of a device `there`, to whose `out` receivers connect."""

    def __init__(self, network: Network, folder: Path, toml: str) -> None:
        switches = [network.switch(name) for name in ("here", "there")]
        self.link: Link = network.join(*switches)
        self.link.up()
        self.peers_here, device_here = (network.host(name, switches[0]) for name in ("peers1", "device1"))
        self.peers_there, device_there = (network.host(name, switches[1]) for name in ("peers2", "device2"))
        network.name({"here": [device_here], "there": [device_there]})
        self.there = Zdev(device_there, folder / "there", toml.format(name="there", out='bind = "tcp://*:5572"'))
        on = f'connect = "tcp://{device_there.address}:{PORT}"\nout.options.IMMEDIATE = 0'
        self.here = Zdev(device_here, folder / "here", toml.format(name="here", out=on))


def one_way(network: Network, folder: Path, *, outage: float, options: str = "") -> dict[str, Any]:
    """Numbered messages through both devices, which have these socket options."""
    sites = Sites(network, folder, _defaults(options) + ONE_WAY)
    crew = Crew(folder)
    try:
        sink = _hire(crew, "sink", sites.there.host, sites.peers_there, 5572)
        source = _hire(crew, "source", sites.here.host, sites.peers_here, PORT, rate=RATE)
        _pass(sink, 500)
        waited, recovery = _cut(sites.link, outage, source, sink)
        _pass(sink, 500)
        source.account.order = CEASE
        _settle(source, sink)
        return {**_compare(source, sink), "sent in the outage": waited, "until messages came again": f"{recovery:.2f} s"}
    finally:
        crew.close()


def both_ways(network: Network, folder: Path, *, outage: float, options: str = GIVE_UP) -> dict[str, Any]:
    """Requests of a client that asks again, through both devices and back."""
    sites = Sites(network, folder, _defaults(options) + BOTH_WAYS)
    start_worker(sites.peers_there, "there:5572", None)
    client = Client(sites.peers_here, f"here:{PORT}", None, window=8)
    until(lambda: client.answered > 100, lambda: "no answers")
    sites.link.down()
    time.sleep(outage)  # what is measured, not waited for
    sites.link.up()
    begin, answered = time.monotonic(), client.answered
    until(lambda: client.answered > answered + 100, lambda: "no answers since the outage")
    recovery, end = time.monotonic() - begin, client.end()
    return {
        "asked": end["asked"],
        "answered": end["answered"],
        "asked again": end["again"],
        "second answers": end["ignored"],
        "slowest answer": f"{end['slowest']:.2f} s",
        "until answers came again": f"under {recovery:.1f} s",
        "unanswered": end["asked"] - end["answered"],
    }


def _defaults(options: str) -> str:
    return f"[defaults]\noptions = {{{{ {options} }}}}\n"


def _hire(crew: Crew, role: str, device: Host, host: Host, port: int, **details: float) -> Member:
    return crew.hire(role, f"tcp://{device.address}:{port}", network=host.namespace, **details)


def _pass(sink: Member, count: int) -> None:
    wanted = sink.account.got + count
    until(lambda: sink.account.got >= wanted, lambda: f"{sink.account.got} messages arrived, not {wanted}")


def _cut(link: Link, outage: float, source: Member, sink: Member) -> tuple[int, float]:
    """How many messages were sent in the outage, and how many seconds after it the first arrived."""
    link.down()
    sent = source.account.sent
    time.sleep(outage)  # what is measured, not waited for
    sent, got = source.account.sent - sent, sink.account.got
    link.up()
    begin = time.monotonic()
    _pass(sink, 1)
    assert got <= sink.account.got
    return sent, time.monotonic() - begin


def _settle(source: Member, sink: Member) -> None:
    """Until all has arrived, or nothing more for three seconds."""
    got, since = -1, time.monotonic()
    while time.monotonic() - since < 3.0 and sink.account.got < source.account.sent:
        if sink.account.got != got:
            got, since = sink.account.got, time.monotonic()
        time.sleep(0.05)


def _compare(source: Member, sink: Member) -> dict[str, Any]:
    numbers = [number for _, number in sink.account.records()]
    missing = sorted(set(range(source.account.sent)) - set(numbers))
    gaps = sum(each - 1 not in missing for each in missing) if len(missing) < 100_000 else -1
    return {
        "sent": source.account.sent,
        "arrived": len(numbers),
        "lost": len(missing),
        "gaps": gaps,
        "twice": sum(count - 1 for count in Counter(numbers).values()),
        "out of order": sum(one > other for one, other in itertools.pairwise(numbers)),
    }
