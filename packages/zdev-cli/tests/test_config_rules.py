"""Values that are valid by themselves but not together are reported with their place and the allowed values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from devices_text import A, at, device, open_to_all, queue

from zdev_cli.config import ConfigError, read

SAMPLES = {
    "no device": (
        "[http]\n",
        [
            "1:1  device: no devices; add a [[device]] table",
        ],
    ),
    "a name twice": (
        A + queue("a", at("bind", 1), at("bind", 2)),
        [
            "7:8  device.name: duplicate name a: device names must be unique (line 2)",
        ],
    ),
    "a monitored queue without mon": (
        A.replace("queue", "monitored-queue"),
        [
            "1:3  device.mon: required for a monitored-queue: add [device.mon] with bind or connect",
        ],
    ),
    "sockets without endpoint": (
        device("a", "queue", in_=at("bind", 5559), out='type = "DEALER"', mon=""),
        [
            "5:7  device.out: no endpoint (add bind or connect)",
            "6:7  device.mon: no endpoint (add bind or connect)",
        ],
    ),
    "a prefix of mon": (
        A + "mon = { bind = 'tcp://127.0.0.1:1', prefix = 'x' }",
        [
            "6:37  device.mon.prefix: mon has no prefix (only in and out have one)",
        ],
    ),
    "a prefix without mon": (
        queue("a", at("bind", 1), at("bind", 2) + ', prefix = "x"'),
        [
            "5:37  device.out.prefix: not used: there is no mon socket (add [device.mon])",
        ],
    ),
    "a policy without mon": (
        A + "mon_on_full = 'drop'",
        [
            "6:1  device.mon_on_full: not used: there is no mon socket (add [device.mon])",
        ],
    ),
    "a prefix of undelivered messages without mon": (
        A + "dropped_prefix = ''",
        [
            "6:1  device.dropped_prefix: not used: there is no mon socket (add [device.mon])",
        ],
    ),
    "types that cannot work together": (
        queue("a", at("bind", 1) + ", type = 'SUB'", at("bind", 2) + ", type = 'PULL'"),
        [
            "4:43  device.in.type: SUB as in and PULL as out can't work together: neither of them can send",
        ],
    ),
    "a type that needs its answer": (
        queue("a", at("bind", 1) + ", type = 'REP'", at("bind", 2) + ", type = 'ROUTER'"),
        [
            "4:43  device.in.type: REP as in and ROUTER as out can't work together: a REP must answer each request, and one that the ROUTER can't route would never be answered",
        ],
    ),
    "types of mon and ctrl": (
        A + "mon = { bind = 'ipc://m', type = 'SUB' }\nctrl = { bind = 'ipc://c', type = 'PUB' }",
        [
            "6:34  device.mon.type: invalid type SUB for mon: must be one of PUB, XPUB, PUSH, PAIR, DEALER",
            "7:35  device.ctrl.type: invalid type PUB for ctrl: must be one of REP, PAIR, DEALER, SUB, PULL, XSUB",
        ],
    ),
    "an option that does not exist": (
        A + "in.options".replace("in.", "[defaults]\n") + " = { RCVHMW = 1, TYPE = 3 }",
        [
            "7:13  defaults.options.RCVHMW: unknown socket option RCVHMW (did you mean RCVHWM?)",
            "7:25  defaults.options.TYPE: can only be read",
        ],
    ),
    "a value that libzmq refuses": (
        queue("a", at("bind", 1) + ", options = { SNDHWM = -5, LINGER = 'x', IDENTITY = 5 }", at("bind", 2)),
        [
            "4:48  device.in.options.SNDHWM: libzmq refuses SNDHWM = -5 for a ROUTER socket (see zmq_setsockopt(3))",
            "4:61  device.in.options.LINGER: LINGER must be a whole number",
            "4:75  device.in.options.IDENTITY: ROUTING_ID must be text",
        ],
    ),
    "options that would break the device": (
        queue(
            "a", at("bind", 1) + ", options = { CONFLATE = true, TCP_KEEPALIVE_IDLE = 60000, XPUB_MANUAL = 0 }", at("bind", 2)
        ),
        [
            "4:48  device.in.options.CONFLATE: not supported: libzmq keeps one frame, which breaks messages of several frames (use a small RCVHWM or SNDHWM)",
            "4:65  device.in.options.TCP_KEEPALIVE_IDLE: must be 1 to 32767 seconds, or -1 for the system's value (it is in seconds, not milliseconds)",
            "4:93  device.in.options.XPUB_MANUAL: libzmq refuses XPUB_MANUAL = 0 for a ROUTER socket (see zmq_setsockopt(3))",
        ],
    ),
    "options that do not fit together": (
        queue("a", at("bind", 1) + ", options = { CURVE_SERVER = 1 }", at("bind", 2)),
        [
            "4:36  device.in.options: CURVE_SERVER needs CURVE_SECRETKEY: without it every peer is refused (use CurveServer, or a table curve)",
        ],
    ),
    "options in defaults that do not fit a socket": (
        "[defaults]\noptions = { USE_FD = 3 }\n"
        + queue("a", "bind = ['tcp://127.0.0.1:1', 'tcp://127.0.0.1:2']", at("bind", 3)),
        [
            "2:1  defaults.options: USE_FD needs one bind, and there are 2: libzmq would use the descriptor for each of them, and abort",
        ],
    ),
    "an option that one type does not have": (
        "[defaults]\noptions = { SUBSCRIBE = '' }\n" + A,
        [
            "2:13  defaults.options.SUBSCRIBE: libzmq refuses SUBSCRIBE = '' for a ROUTER socket (see zmq_setsockopt(3))",
        ],
    ),
    "no endpoint": (
        queue("a", "bind = 'here'", "connect = ['tcp://', 'tcp://a', 'tcp://a:http', 'tcp://a:65536', 'inproc://a']"),
        [
            "4:15  device.in.bind: 'here': invalid endpoint: write transport://address, like tcp://127.0.0.1:5559",
            "5:20  device.out.connect: 'tcp://': invalid endpoint: write transport://address, like tcp://127.0.0.1:5559",
            "5:30  device.out.connect: 'tcp://a': invalid port: a tcp endpoint ends in :PORT, 1 to 65535",
            "5:41  device.out.connect: 'tcp://a:http': invalid port: a tcp endpoint ends in :PORT, 1 to 65535",
            "5:57  device.out.connect: 'tcp://a:65536': invalid port: a tcp endpoint ends in :PORT, 1 to 65535",
            "5:74  device.out.connect: 'inproc://a': no other program can reach inproc: use tcp:// or ipc://",
        ],
    ),
    "no transport": (
        queue("a", "bind = ['tpc://a:1', 'http://a:1']", at("bind", 1)),
        [
            "4:16  device.in.bind: 'tpc://a:1': unknown transport tpc: did you mean tcp://?",
            "4:29  device.in.bind: 'http://a:1': unknown transport http: use tcp:// or ipc://",
        ],
    ),
    "no host": (
        queue("a", "bind = 'tcp://:1'", "connect = 'tcp://:2'"),
        [
            "4:15  device.in.bind: 'tcp://:1': host missing: write tcp://*:1",
            "5:19  device.out.connect: 'tcp://:2': host missing: write tcp://127.0.0.1:2",
        ],
    ),
    "a space": (
        queue("a", "bind = 'tcp://127.0.0.1 :1'", at("bind", 1)),
        [
            "4:15  device.in.bind: 'tcp://127.0.0.1 :1': invalid endpoint: spaces are not allowed in a tcp address",
        ],
    ),
    "a connect to anywhere": (
        queue("a", "connect = ['tcp://*:1', 'tcp://a:*', 'tcp://a:0', 'ipc://*']", at("bind", 1)),
        [
            "4:19  device.in.connect: 'tcp://*:1': cannot connect to a wildcard: write one host and one port",
            "4:32  device.in.connect: 'tcp://a:*': cannot connect to a wildcard: write one host and one port",
            "4:45  device.in.connect: 'tcp://a:0': cannot connect to a wildcard: write one host and one port",
            "4:58  device.in.connect: 'ipc://*': cannot connect to a wildcard: write the path",
        ],
    ),
    "a path that is too long": (
        queue("a", f"bind = 'ipc:///{107 * 'x'}'", f"bind = 'ipc:///{106 * 'x'}'"),
        [
            "4:15  device.in.bind: 'ipc:///" + 107 * "x" + "': path too long: 108 bytes (an ipc path may have 107)",
        ],
    ),
    "a path with a null character": (
        queue("a", 'bind = "ipc:///a\\u0000b"', at("bind", 1)),
        [
            "4:15  device.in.bind: 'ipc:///a\\x00b': invalid endpoint: null characters are not allowed",
        ],
    ),
    "a control socket elsewhere": (
        A + "[control]\nendpoint = 'tcp://127.0.0.1:1'",
        [
            "7:12  control.endpoint: invalid endpoint 'tcp://127.0.0.1:1': must be unix://PATH, like unix:///run/zdev/control.sock",
        ],
    ),
    "a control socket that is too long": (
        A + f"[control]\nendpoint = 'ipc:///{107 * 'x'}'",
        [
            "7:12  control.endpoint: path too long: 108 bytes (an ipc path may have 107)",
        ],
    ),
    "a page without port": (
        A + "[http]\nlisten = '127.0.0.1'",
        [
            "7:10  http.listen: invalid address '127.0.0.1': must be HOST:PORT, like 127.0.0.1:9595 or [::1]:9595",
        ],
    ),
    "a page on no port": (
        A + "[http]\nlisten = '127.0.0.1:65536'",
        [
            "7:10  http.listen: invalid port in '127.0.0.1:65536': must be 0 to 65535 (0: any free port)",
        ],
    ),
    "a page on an IPv6 address without brackets": (
        A + "[http]\nlisten = '::1:80'",
        [
            "7:10  http.listen: invalid address '::1:80': must be HOST:PORT, like 127.0.0.1:9595 or [::1]:9595",
        ],
    ),
}


@pytest.fixture(scope="module")
def said(faults_of: Callable[[dict[str, str]], dict[str, list[str]]]) -> dict[str, list[str]]:
    return faults_of({name: open_to_all(text) for name, (text, _) in SAMPLES.items()})


@pytest.mark.parametrize("name", SAMPLES)
def test_an_invalid_device_or_service_is_reported(said: dict[str, list[str]], name: str) -> None:
    assert said[name] == SAMPLES[name][1]


def test_errors_that_only_follow_from_another_are_left_out() -> None:
    text = device("a", "queue", in_='bnd = "tcp://127.0.0.1:1"', out=at("bind", 2) + ', type = "PUL"')
    with pytest.raises(ConfigError) as refusal:
        read(text.encode(), "f")
    assert [each.key for each in refusal.value.diagnostics] == ["device.in.bnd", "device.out.type"]
