"""Each fault of a configuration file: where it is, what is wrong and what is allowed, all of them in one go."""

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
    """A file, and what is said of it; without the file's name, which begins each line."""

    text: str
    lines: tuple[str, ...]


def queue(extra: str, *lines: str) -> Sample:
    """A queue that is right, whose lines are 1 to 5, and something after it."""
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
    "a key of very many parts": queue(f"in.bnd{'.b' * 3000} = 1\n", "6:4  device.in.bnd: no such key; did you mean bind?"),
    "a table of very many parts": queue(f"[htp{'.b' * 3000}]\n", "6:2  htp: no such key; did you mean http?"),
    "very deep arrays": Sample("a = " + 100_000 * "[", ("1:1  arrays or tables are nested too deep",)),
}

TYPES = {
    "an unknown key": queue("on_ful = 'drop'", "6:1  device.on_ful: no such key; did you mean on_full?"),
    "an unknown table": queue("[htpp]", "6:2  htpp: no such key; did you mean http?"),
    "an unknown key of a socket": queue('[device.mon]\nbnd = "x"', "7:1  device.mon.bnd: no such key; did you mean bind?"),
    "a key that is like none": queue(
        '[http]\n"hé llo\\u001b" = 1', "7:1  http.'hé llo\\x1b': no such key; use one of listen, insecure"
    ),
    "an unknown key in an inline table": out(
        "out = { bind = 'tcp://127.0.0.1:1', tpye = 'DEALER' }", "5:37  device.out.tpye: no such key; did you mean type?"
    ),
    "an unknown key after dots": out("out.tpye = 'DEALER'", "5:5  device.out.tpye: no such key; did you mean type?"),
    "no name and no type": Sample(
        "[[device]]\nin.bind = 'tcp://127.0.0.1:1'\nout.bind = 'tcp://127.0.0.1:2'",
        (
            "1:3  device.name: missing; 1 to 64 letters, digits, - _ and ., the first no sign is needed here",
            "1:3  device.type: missing; one of monitored-queue, queue, forwarder, streamer is needed here",
        ),
    ),
    "no in": Sample(
        '[[device]]\nname = "a"\ntype = "queue"\nout.bind = "tcp://127.0.0.1:1"\n',
        ("1:3  device.in: missing; a table is needed here",),
    ),
    "a bad name": Sample(
        QUEUE.replace('"a"', '"-a"'),
        ("2:8  device.name: '-a' is not allowed; write 1 to 64 letters, digits, - _ and ., the first no sign",),
    ),
    "a bad device type": Sample(
        QUEUE.replace('"queue"', '"Qeue"'),
        ("3:8  device.type: 'Qeue' is not allowed; did you mean queue? write one of " + DEVICE_TYPES,),
    ),
    "a bad socket type": queue(
        "in.type = 'dealer'",
        "6:11  device.in.type: 'dealer' is not allowed; did you mean DEALER? write one of " + SOCKET_TYPES,
    ),
    "a bad policy": queue("on_full = true", "6:11  device.on_full: true is not allowed; write one of block, drop"),
    "a bad isolation": queue(
        "isolation = 'fork'", "6:13  device.isolation: 'fork' is not allowed; write one of thread, process"
    ),
    "a device that is no array": Sample("[device]\n", ("1:2  device: a table is not allowed; write an array of tables",)),
    "devices that are no tables": Sample(
        "device = [1, 'x']\n",
        ("1:11  device: 1 is not allowed; write a table", "1:14  device: 'x' is not allowed; write a table"),
    ),
    "a socket that is no table": out("out = 'x'", "5:7  device.out: 'x' is not allowed; write a table"),
    "endpoints of other types": in_bind(
        "[1, 'tcp://127.0.0.1:1', []]",
        "4:12  device.in.bind: 1 is not allowed; write an endpoint like tcp://127.0.0.1:5559",
        "4:36  device.in.bind: an array is not allowed; write an endpoint like tcp://127.0.0.1:5559",
    ),
    "an endpoint of another type": in_bind(
        "1979-05-27",
        '4:11  device.in.bind: 1979-05-27 is not allowed; write an endpoint like "tcp://127.0.0.1:5559", or an array of endpoints',
    ),
    "a drain that takes days": queue(
        "drain_timeout = 86400.1", "6:17  device.drain_timeout: 86400.1 is not allowed; write seconds, from 0 to 86400"
    ),
    "a drain of less than no time": queue(
        "drain_timeout = -1", "6:17  device.drain_timeout: -1 is not allowed; write seconds, from 0 to 86400"
    ),
    "a drain that is no number": queue(
        "drain_timeout = nan", "6:17  device.drain_timeout: nan is not allowed; write seconds, from 0 to 86400"
    ),
    "a fraction as an option": queue(
        "in.options.SNDHWM = 1.5",
        "6:21  device.in.options.SNDHWM: 1.5 is not allowed; write a number, text, true, false, or an array of them",
    ),
    "what comes after characters of several bytes": queue(
        "in.options = { SUBSCRIBE = 'éß€𝄞', PLAIN_USRNAME = 'x' }",
        "6:16  device.in.options.SUBSCRIBE: ROUTER does not take 'éß€𝄞' as SUBSCRIBE; zmq_setsockopt(3) has the options and "
        "their values",
        "6:36  device.in.options.PLAIN_USRNAME: there is no socket option PLAIN_USRNAME; did you mean PLAIN_USERNAME?",
    ),
}

SAMPLES = SYNTAX | TYPES


@pytest.fixture(scope="module")
def said(faults_of: Callable[[dict[str, str]], dict[str, list[str]]]) -> dict[str, list[str]]:
    return faults_of({name: sample.text for name, sample in SAMPLES.items()})


@pytest.mark.parametrize("name", SAMPLES)
def test_a_fault_is_told_with_its_place_and_what_is_allowed(said: dict[str, list[str]], name: str) -> None:
    assert said[name] == list(SAMPLES[name].lines)
