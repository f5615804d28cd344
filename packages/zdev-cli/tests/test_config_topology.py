"""Endpoints of one file that conflict, are incompatible or form a loop are reported with their place and both sockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from devices_text import A, at, device, open_to_all, queue

from zdev_cli.config import read

SAMPLES = {
    "one endpoint in one device": (
        queue("a", at("bind", 5559), at("bind", 5559)),
        [
            "5:16  device.out.bind: tcp://127.0.0.1:5559 is already bound by a.in (line 4)",
        ],
    ),
    "one endpoint in one socket": (
        queue("a", "bind = ['ipc:///a', 'ipc:///a']", at("bind", 1)),
        [
            "4:28  device.in.bind: ipc:///a is already bound by a.in (line 4)",
        ],
    ),
    "one endpoint in two devices": (
        A + queue("b", at("bind", 1), at("bind", 5559)),
        [
            "10:16  device.out.bind: tcp://127.0.0.1:5559 is already bound by a.in (line 4)",
        ],
    ),
    "a wildcard host over another": (
        A + queue("b", at("bind", 5559, "*"), at("bind", 5560, "0.0.0.0")),
        [
            "9:15  device.in.bind: tcp://*:5559 is already bound by a.in as tcp://127.0.0.1:5559 (line 4)",
            "10:16  device.out.bind: tcp://0.0.0.0:5560 is already bound by a.out as tcp://127.0.0.1:5560 (line 5)",
        ],
    ),
    "an IPv6 wildcard over another": (
        A + queue("b", at("bind", 5559, "[::]"), at("bind", 1)),
        [
            "9:15  device.in.bind: tcp://[::]:5559 is already bound by a.in as tcp://127.0.0.1:5559 (line 4)",
        ],
    ),
    "localhost": (
        A + queue("b", at("bind", 5559, "localhost"), at("bind", 1)),
        [
            "9:15  device.in.bind: tcp://localhost:5559 is already bound by a.in as tcp://127.0.0.1:5559 (line 4)",
        ],
    ),
    "one path written twice": (
        queue("a", "bind = 'ipc:///tmp/a'", "bind = 'ipc:///tmp/b/../a'"),
        [
            "5:16  device.out.bind: ipc:///tmp/b/../a is already bound by a.in as ipc:///tmp/a (line 4)",
        ],
    ),
    "the page on an endpoint": (
        A + "[http]\nlisten = '0.0.0.0:5559'\ninsecure = true",
        [
            "7:10  http.listen: 0.0.0.0:5559 is already bound by a.in as tcp://127.0.0.1:5559 (line 4)",
        ],
    ),
    "the control socket on an endpoint": (
        queue("a", "bind = 'ipc:///tmp/a'", at("bind", 1)) + "[control]\nendpoint = 'ipc:///tmp/./a'",
        [
            "7:12  control.endpoint: ipc:///tmp/./a is already bound by a.in as ipc:///tmp/a (line 4)",
        ],
    ),
    "a connect to the page": (
        queue("a", at("bind", 1), at("connect", 9595)) + "[http]",
        [
            "5:19  device.out.connect: tcp://127.0.0.1:9595 is the address of http.listen, not of a device or another program (line 6)",
        ],
    ),
    "a device to itself": (
        queue("a", at("bind", 5559, "*"), at("connect", 5559, "localhost")),
        [
            "5:19  device.out.connect: tcp://localhost:5559 is bound by a.in: the device would connect to itself (line 4)",
        ],
    ),
    "peers that cannot talk": (
        A + device("b", "forwarder", in_=at("connect", 5559), out=at("bind", 1)),
        [
            "9:18  device.in.connect: incompatible types: b.in is XSUB, a.in at tcp://127.0.0.1:5559 is ROUTER (XSUB needs PUB or XPUB) (line 4)",
        ],
    ),
    "a peer of a type that it cannot have": (
        A + device("b", "queue", in_=at("bind", 1), out=at("bind", 2), mon=at("connect", 5559) + ", type = 'SUB'"),
        [
            "11:50  device.mon.type: invalid type SUB for mon: must be one of PUB, XPUB, PUSH, PAIR, DEALER",
        ],
    ),
    "a pull to a push's place": (
        device("a", "streamer", in_=at("bind", 1), out=at("bind", 2))
        + device("b", "streamer", in_=at("bind", 3), out=at("connect", 2)),
        [
            "10:19  device.out.connect: incompatible types: b.out is PUSH, a.out at tcp://127.0.0.1:2 is PUSH (PUSH needs PULL) (line 5)",
        ],
    ),
    "a loop of two": (
        queue("a", at("bind", 1), at("connect", 2)) + queue("b", at("bind", 2), at("connect", 1)),
        [
            "5:19  device.out.connect: messages would loop forever: a.out -> b.in, b.out -> a.in (remove one of these connections)",
        ],
    ),
    "a loop of two by binds of out": (
        device("a", "streamer", in_=at("connect", 2), out=at("bind", 1))
        + device("b", "streamer", in_=at("connect", 1), out=at("bind", 2)),
        [
            "9:18  device.in.connect: messages would loop forever: a.out -> b.in, b.out -> a.in (remove one of these connections)",
        ],
    ),
    "a loop of three": (
        "".join(
            device(n, "forwarder", in_=at("bind", i), out=at("connect", 1 + i % 3)) for n, i in (("a", 1), ("b", 2), ("c", 3))
        ),
        [
            "5:19  device.out.connect: messages would loop forever: a.out -> b.in, b.out -> c.in, c.out -> a.in (remove one of these connections)",
        ],
    ),
    "a loop through mon": (
        device("a", "forwarder", in_=at("bind", 1), out=at("bind", 2), mon=at("bind", 3))
        + device("b", "forwarder", in_=at("connect", 3), out=at("connect", 1)),
        [
            "10:18  device.in.connect: messages would loop forever: a.mon -> b.in, b.out -> a.in (remove one of these connections)",
        ],
    ),
    "two loops": (
        "".join(queue(n, at("bind", i), at("connect", j)) for n, i, j in (("a", 1, 2), ("b", 2, 1), ("c", 3, 4), ("d", 4, 3))),
        [
            "5:19  device.out.connect: messages would loop forever: a.out -> b.in, b.out -> a.in (remove one of these connections)",
            "15:19  device.out.connect: messages would loop forever: c.out -> d.in, d.out -> c.in (remove one of these connections)",
        ],
    ),
}

VALID = {
    "two devices on one port of different addresses": A + queue("b", at("bind", 5559, "127.0.0.2"), at("bind", 5560, "[::1]")),
    "ports that are free": queue("a", at("bind", 0), "bind = ['tcp://127.0.0.1:*', 'tcp://127.0.0.1:*', 'ipc://*']"),
    "a chain": A + queue("b", at("connect", 5560), at("bind", 1)) + queue("c", at("connect", 1), at("bind", 2)),
    "two ways that meet again": queue("a", at("bind", 1), "connect = ['tcp://localhost:2', 'tcp://localhost:3']")
    + "".join(queue(name, at("bind", port), at("connect", 4)) for name, port in (("b", 2), ("c", 3)))
    + queue("d", at("bind", 4, "*"), at("bind", 5)),
    "a device that gets another's copies": device("a", "forwarder", in_=at("bind", 1), out=at("bind", 2), mon=at("bind", 3))
    + device("b", "forwarder", in_=at("connect", 3), out=at("bind", 4)),
    "routers that name each other": "".join(
        queue(name, at("bind", mine), at("connect", other) + ", type = 'ROUTER'")
        for name, mine, other in (("a", 1, 2), ("b", 2, 1))
    ),
    "defaults that ctrl does not get": "[defaults]\noptions = { ROUTER_MANDATORY = 1 }\n"
    + device("a", "queue", in_=at("bind", 1), out="type = 'ROUTER', " + at("bind", 2), ctrl="type = 'SUB', " + at("bind", 3)),
    "a program of another machine": queue("a", at("bind", 5559, "*"), at("connect", 5559, "example.org")),
    "the least": queue("a", "bind = 'ipc://a'", "connect = 'ipc://b'"),
}


@pytest.fixture(scope="module")
def said(faults_of: Callable[[dict[str, str]], dict[str, list[str]]]) -> dict[str, list[str]]:
    return faults_of({name: open_to_all(text) for name, (text, _) in SAMPLES.items()})


@pytest.mark.parametrize("name", SAMPLES)
def test_conflicting_incompatible_and_looping_endpoints_are_reported(said: dict[str, list[str]], name: str) -> None:
    assert said[name] == SAMPLES[name][1]


@pytest.mark.parametrize("name", VALID)
def test_a_valid_topology_is_accepted(name: str) -> None:
    assert read(open_to_all(VALID[name]).encode(), name).device
