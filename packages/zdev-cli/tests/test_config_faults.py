"""Each error of a configuration file is reported with its place and the allowed values, all errors at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

QUEUE = """\
[[device]]
name = "a"
type = "queue"
in.bind = "tcp://127.0.0.1:5559"
out.bind = "tcp://127.0.0.1:5560"
"""
DEVICE_TYPES = "monitored-queue, queue, forwarder, streamer"
SOCKET_TYPES = "ROUTER, DEALER, REP, REQ, PULL, PUSH, SUB, PUB, XSUB, XPUB, PAIR"


class Sample(NamedTuple):
    """A file and the errors reported for it, without the name of the file."""

    text: str
    lines: tuple[str, ...]


def queue(extra: str, *lines: str) -> Sample:
    """Return a valid queue in lines 1 to 5, with `extra` after it."""
    return Sample(QUEUE + extra, lines)


def in_bind(value: str, *lines: str) -> Sample:
    return Sample(QUEUE.replace('"tcp://127.0.0.1:5559"', value), lines)


def out(value: str, *lines: str) -> Sample:
    return Sample(QUEUE.replace('out.bind = "tcp://127.0.0.1:5560"', value), lines)


SYNTAX = {
    "no value": Sample("a =\n", ("1:4  Invalid value",)),
    "the end in a string": Sample('a = "', ("1:6  Unterminated string",)),
    "a key twice": Sample("[http]\nlisten = 'a:1'\nlisten = 'a:1'\n", ("3:15  Cannot overwrite a value",)),
    "a table twice": Sample("[http]\n[http]\n", ("2:6  Cannot declare ('http',) twice",)),
    "a number of very many digits": Sample(f"# é\na = {'9' * 5000}\n", ("2:5  a number has too many digits",)),
    "a hexadecimal number of very many digits": queue(
        f"drain_timeout = 0x{'f' * 5000}\n", "6:17  device.drain_timeout: a number has too many digits"
    ),
    "options of very many binary and octal digits": queue(
        f"in.options = {{ SNDHWM = 0b{'1' * 20000}, RCVHWM = [0o{'7' * 9000}] }}\n",
        "6:25  device.in.options.SNDHWM: a number has too many digits",
        "6:20039  device.in.options.RCVHWM: a number has too many digits",
    ),
    "a key of very many parts": queue(f"in.bnd{'.b' * 3000} = 1\n", "6:4  device.in.bnd: unknown key (did you mean bind?)"),
    "a table of very many parts": queue(f"[htp{'.b' * 3000}]\n", "6:2  htp: unknown key (did you mean http?)"),
    "very deep arrays": Sample("a = " + 100_000 * "[", ("1:1  arrays or tables are nested too deep",)),
}

TYPES = {
    "an unknown key": queue("on_ful = 'drop'", "6:1  device.on_ful: unknown key (did you mean on_full?)"),
    "an unknown table": queue("[htpp]", "6:2  htpp: unknown key (did you mean http?)"),
    "an unknown key of a socket": queue('[device.mon]\nbnd = "x"', "7:1  device.mon.bnd: unknown key (did you mean bind?)"),
    "a key that is like none": queue(
        '[http]\n"hé llo\\u001b" = 1',
        "7:1  http.'hé llo\\x1b': unknown key (available: listen, tls, password_file, token_file, insecure)",
    ),
    "an unknown key in an inline table": out(
        "out = { bind = 'tcp://127.0.0.1:1', tpye = 'DEALER' }", "5:37  device.out.tpye: unknown key (did you mean type?)"
    ),
    "an unknown key after dots": out("out.tpye = 'DEALER'", "5:5  device.out.tpye: unknown key (did you mean type?)"),
    "no name and no type": Sample(
        "[[device]]\nin.bind = 'tcp://127.0.0.1:1'\nout.bind = 'tcp://127.0.0.1:2'",
        (
            '1:3  device.name: required: must be 1 to 64 letters, digits, "-", "_" or ".", starting with a letter or digit',
            "1:3  device.type: required: must be one of monitored-queue, queue, forwarder, streamer",
        ),
    ),
    "no in": Sample(
        '[[device]]\nname = "a"\ntype = "queue"\nout.bind = "tcp://127.0.0.1:1"\n',
        ("1:3  device.in: required: must be a table",),
    ),
    "a bad name": Sample(
        QUEUE.replace('"a"', '"-a"'),
        (
            '2:8  device.name: invalid value \'-a\': must be 1 to 64 letters, digits, "-", "_" or ".", starting with a letter or digit',
        ),
    ),
    "a bad device type": Sample(
        QUEUE.replace('"queue"', '"Qeue"'),
        ("3:8  device.type: invalid value 'Qeue': must be one of " + DEVICE_TYPES + " (did you mean queue?)",),
    ),
    "a bad socket type": queue(
        "in.type = 'dealer'",
        "6:11  device.in.type: invalid value 'dealer': must be one of " + SOCKET_TYPES + " (did you mean DEALER?)",
    ),
    "a bad policy": queue("on_full = true", "6:11  device.on_full: invalid value true: must be one of block, drop"),
    "a bad isolation": queue(
        "isolation = 'fork'", "6:13  device.isolation: invalid value 'fork': must be one of thread, process"
    ),
    "a device, not an array": Sample("[device]\n", ("1:2  device: a table is not allowed: must be an array of tables",)),
    "devices of wrong types": Sample(
        "device = [1, 'x']\n",
        ("1:11  device: invalid value 1: must be a table", "1:14  device: invalid value 'x': must be a table"),
    ),
    "a socket of a wrong type": out("out = 'x'", "5:7  device.out: invalid value 'x': must be a table"),
    "endpoints of other types": in_bind(
        "[1, 'tcp://127.0.0.1:1', []]",
        "4:12  device.in.bind: invalid value 1: must be an endpoint like tcp://127.0.0.1:5559",
        "4:36  device.in.bind: an array is not allowed: must be an endpoint like tcp://127.0.0.1:5559",
    ),
    "an endpoint of another type": in_bind(
        "1979-05-27",
        '4:11  device.in.bind: invalid value 1979-05-27: must be an endpoint like "tcp://127.0.0.1:5559", or an array of endpoints',
    ),
    "a drain that takes days": queue(
        "drain_timeout = 86400.1", "6:17  device.drain_timeout: invalid value 86400.1: must be 0 to 86400 seconds"
    ),
    "a drain of less than no time": queue(
        "drain_timeout = -1", "6:17  device.drain_timeout: invalid value -1: must be 0 to 86400 seconds"
    ),
    "a drain of NaN seconds": queue(
        "drain_timeout = nan", "6:17  device.drain_timeout: invalid value nan: must be 0 to 86400 seconds"
    ),
    "a fraction as an option": queue(
        "in.options.SNDHWM = 1.5",
        "6:21  device.in.options.SNDHWM: invalid value 1.5: must be a number, text, true, false, or an array of them",
    ),
    "keys after characters of several bytes": queue(
        "in.options = { SUBSCRIBE = 'éß€𝄞', PLAIN_USRNAME = 'x' }",
        "6:16  device.in.options.SUBSCRIBE: libzmq refuses SUBSCRIBE = 'éß€𝄞' for a ROUTER socket (see zmq_setsockopt(3))",
        "6:36  device.in.options.PLAIN_USRNAME: unknown socket option PLAIN_USRNAME (did you mean PLAIN_USERNAME?)",
    ),
}

SAMPLES = SYNTAX | TYPES


@pytest.fixture(scope="module")
def said(faults_of: Callable[[dict[str, str]], dict[str, list[str]]]) -> dict[str, list[str]]:
    return faults_of({name: sample.text for name, sample in SAMPLES.items()})


@pytest.mark.parametrize("name", SAMPLES)
def test_an_error_is_reported_with_its_place_and_the_allowed_values(said: dict[str, list[str]], name: str) -> None:
    assert said[name] == list(SAMPLES[name].lines)
