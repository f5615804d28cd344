"""The table [device.workers] of a configuration file: its settings, and its errors with their places."""

from __future__ import annotations

import sys

import pytest
from devices_text import A, at, device

from zdev_background import Workers
from zdev_cli.config import ConfigError, WorkersConfig, read
from zdev_cli.config.build import device_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")

WORKERS = "\n[device.workers]\n"


def test_the_table_of_the_file_has_the_settings_and_defaults_of_the_library() -> None:
    assert WorkersConfig().settings() == Workers()
    text = A + WORKERS + 'retries = 2\nreply_on_failure = ["error"]\ndead_letter = ">tcp://10.0.0.7:5562"\nheartbeat = 2\n'
    built = device_of(read(text.encode(), "zdev.toml").devices()["a"])
    assert built.workers == Workers(retries=2, reply_on_failure=["error"], dead_letter=">tcp://10.0.0.7:5562", heartbeat=2.0)


SINK = device("sink", "streamer", in_=at("bind", 5562), out=at("bind", 5563))
FAULTS = {
    "a streamer": (
        SINK + WORKERS,
        "7:9  device.workers: not for a device with in PULL and out PUSH: in must be ROUTER, and out DEALER",
    ),
    "plain workers of a ROUTER": (
        device("a", "queue", in_=at("bind", 1), out=at("bind", 2) + ', type = "ROUTER"') + WORKERS,
        "7:9  device.workers: not for a device with in ROUTER and out ROUTER: in must be ROUTER, and out DEALER",
    ),
    "libzmq": (
        A + 'engine = "libzmq"\n' + WORKERS,
        (
            "6:10  device.engine: only the wire engine knows its workers, and libzmq is the engine: as set (remove workers, or what "
            "keeps wire from it)"
        ),
    ),
    "what only libzmq has": (
        A + 'ctrl = { bind = "tcp://127.0.0.1:3" }\n' + WORKERS,
        (
            "8:9  device.workers: only the wire engine knows its workers, and libzmq is the engine: it has a ctrl socket (remove "
            "workers, or what keeps wire from it)"
        ),
    ),
    "an endpoint twice": (
        A + WORKERS + 'dead_letter = "tcp://127.0.0.1:5559"',
        "8:15  device.workers.dead_letter: tcp://127.0.0.1:5559 is already bound by a.in (line 4)",
    ),
    "an endpoint of another type": (
        A + WORKERS + 'dead_letter = ">tcp://127.0.0.1:5563"\n' + SINK,
        (
            "8:15  device.workers.dead_letter: incompatible types: a.dead_letter is PUSH, sink.out at tcp://127.0.0.1:5563 is PUSH "
            "(PUSH needs PULL) (line 13)"
        ),
    ),
    "an endpoint for everybody": (
        A + WORKERS + 'dead_letter = "tcp://0.0.0.0:5562"',
        (
            "8:15  device.workers.dead_letter: tcp://0.0.0.0:5562 is reachable from other hosts without authentication (bind "
            "127.0.0.1, or set insecure = true)"
        ),
    ),
    "a wildcard": (
        A + WORKERS + 'dead_letter = "tcp://127.0.0.1:*"',
        "8:15  device.workers.dead_letter: give a port or path, as nobody could know which one the system chose",
    ),
    "no frame": (
        A + WORKERS + "reply_on_failure = []",
        "8:20  device.workers.reply_on_failure: no frame (leave it out if clients get nothing)",
    ),
    "a number": (
        A + WORKERS + "max_requests = 0",
        "8:16  device.workers.max_requests: invalid value 0: must be 1 to 10000 requests",
    ),
    "a protocol": (
        A + WORKERS + 'protocol = "mdp"\nmax_requests = 2',
        '9:16  device.workers.max_requests: must be 1 with protocol = "mdp", whose workers handle one request at a time',
    ),
    "a key": (A + WORKERS + "retry = 2", "8:1  device.workers.retry: unknown key (did you mean retries?)"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_error_of_the_table_is_shown_with_its_place(name: str) -> None:
    text, expected = FAULTS[name]
    with pytest.raises(ConfigError) as raised:
        read(text.encode(), "zdev.toml")
    assert str(raised.value).splitlines() == [f"zdev.toml:{expected}"]


def test_dead_letters_may_go_to_another_device_of_the_file() -> None:
    text = A + WORKERS + 'dead_letter = ">tcp://127.0.0.1:5562"\n' + SINK
    assert list(read(text.encode(), "zdev.toml").devices()) == ["a", "sink"]


@pytest.mark.parametrize("protocol", ["ppp", "mdp"])
def test_workers_that_register_may_be_behind_a_router(protocol: str) -> None:
    text = device("a", "queue", in_=at("bind", 1), out=at("bind", 2) + ', type = "ROUTER"') + WORKERS
    assert device_of(read(f'{text}protocol = "{protocol}"\n'.encode(), "zdev.toml").devices()["a"]).choose_engine() == "wire"
