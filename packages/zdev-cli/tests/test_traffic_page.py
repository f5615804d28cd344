"""The page Looking into traffic, followed: what it shows of tap, record, info and replay is what they print of such traffic."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from socket import create_server

import pytest
import zmq
from followed import Terminals, commands
from patience import PATIENCE

PAGE = (Path(__file__).parents[3] / "docs" / "cli" / "traffic.md").read_text()
DEVICE = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
BLOCK = re.compile(r"^```\n(\$ .*?)^```$", re.MULTILINE | re.DOTALL)
REQUESTS = [
    b'{"user":{"id":8},"items":["pen"]}',
    b'{"user":{"id":7},"items":["pen","ink"]}',
    b"\x82\xa4user\x81\xa2id\x09\xa5items\x91\xa3pen",  # msgpack
    b"\x00\x01\xff" * 30,
    b'{"user":{"id":7},"items":["pen"]}',
]


@pytest.fixture
def page() -> str:
    """The page with ports that are free."""
    shown = re.findall(r"bind = \"tcp://127.0.0.1:(\d+)\"", DEVICE)
    text = PAGE
    with ExitStack() as stack:
        for port in [*shown, "15999"]:
            text = text.replace(port, str(stack.enter_context(create_server(("127.0.0.1", 0))).getsockname()[1]))
    return text


@pytest.fixture
def _traffic(page: str) -> Iterator[None]:
    """A worker that says yes, and a client that asks one after the other."""
    front, back, _ = re.findall(r"bind = \"(\S+)\"", page)
    ended = threading.Event()

    def work(context: zmq.Context[zmq.Socket[bytes]]) -> None:
        with context.socket(zmq.REP) as socket:
            socket.connect(back)
            while not ended.is_set():
                if socket.poll(20):
                    socket.recv()
                    socket.send(b'{"ok":true}')

    def ask(context: zmq.Context[zmq.Socket[bytes]]) -> None:
        with context.socket(zmq.REQ) as socket:
            socket.routing_id = b"\x01\xf4\xb0\xdc\x51"  # not text, as in most cases
            socket.connect(front)
            for request in cycle(REQUESTS):
                socket.send(request)
                while not socket.poll(20):
                    if ended.is_set():
                        return
                socket.recv()

    with zmq.Context() as context:
        context.linger = 0
        threads = [threading.Thread(target=each, args=(context,)) for each in (work, ask)]
        for thread in threads:
            thread.start()
        yield
        ended.set()
        for thread in threads:
            thread.join(PATIENCE)


@pytest.mark.slow
@pytest.mark.usefixtures("_traffic")
def test_each_step_does_what_the_page_says(page: str, folder: Path) -> None:
    Path(folder, "zdev.toml").write_text(re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0])
    followed = [step for block in BLOCK.findall(page) for step in commands(block)]
    statuses = [int(lines[0]) if command == "echo $?" else 0 for command, lines in [*followed[1:], ("", [])]]
    with Terminals(folder) as terminals:
        terminals.run("zdev run -c zdev.toml", ["started: 1 of 1 device active"])
        for (command, printed), status in zip(followed, statuses, strict=True):
            if "^C" in printed:
                before, after = printed[: printed.index("^C")], printed[printed.index("^C") + 1 :]
                terminal = terminals.run(command, before)
                watcher = terminals.run("zdev tap orders --limit 20", [])
                assert watcher.process.wait(PATIENCE) == 0  # so much there is to be recorded
                terminal.process.send_signal(signal.SIGINT)
                terminal.prints([*before, *after])
            elif command.startswith("zdev info"):  # of its table, the direction that was recorded first is first
                terminal = terminals.run(command, printed[:1])
                for line in printed:
                    terminal.prints([line])
            elif command.startswith("zdev tap"):  # a page begins where it likes, and where messages wait they may come first
                endless = re.sub(" --limit [0-9]+", "", command)
                terminals.run(endless, [line for line in printed if line.startswith("connected")])
                terminals[-1].prints([line for line in printed if not line.startswith("connected")])
                terminals[-1].process.kill()
            elif command != "echo $?":
                terminals.run(command, printed, status)
    assert [command.split()[1] for command, _ in followed if command.startswith("zdev")] == [
        *("tap", "tap", "tap", "record", "info", "replay", "replay"),
    ]
