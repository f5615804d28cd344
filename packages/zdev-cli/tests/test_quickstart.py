"""The page Quickstart, followed word by word: its programs are written, its commands run, and they print what it says."""

from __future__ import annotations

import re
import socket as sockets
from contextlib import ExitStack
from pathlib import Path

import pytest
from followed import Terminals, commands

PAGE = Path(__file__).parents[3] / "docs" / "quickstart.md"
BLOCK = re.compile(r"^```(console|py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def page() -> str:
    """The page with ports that are free, and this Python."""
    text = PAGE.read_text()
    with ExitStack() as stack:
        free = {
            port: stack.enter_context(sockets.create_server(("127.0.0.1", 0)))
            for port in re.findall(r"127\.0\.0\.1:(\d+)", text)
        }
        ports = {port: server.getsockname()[1] for port, server in free.items()}
    return re.sub(r"127\.0\.0\.1:(\d+)", lambda match: f"127.0.0.1:{ports[match[1]]}", text)


def with_ports_of(page: str, file: Path) -> None:
    """The starter's ports in `file`, replaced by those of the page, in the order of both."""
    ours = re.findall(r"bind +tcp://(127\.0\.0\.1:\d+)", page)
    text = file.read_text().replace("127.0.0.1:9595", re.findall(r"http://(127\.0\.0\.1:\d+)", page)[0])
    for port, replacement in zip(("5559", "5560", "5561"), ours, strict=True):
        text = text.replace(f"127.0.0.1:{port}", replacement)
    file.write_text(text)


@pytest.mark.slow
def test_each_step_does_what_the_page_says(page: str, folder: Path) -> None:
    tap = None
    with Terminals(folder) as terminals:
        for kind, block in BLOCK.findall(page):
            if kind == "py":
                Path(folder, block.splitlines()[0].removeprefix("# ")).write_text(block)
                continue
            for command, printed in commands(block):
                if not command:  # what goes on to be printed in a terminal of before
                    assert tap is not None
                    tap.prints(printed)
                    continue
                terminal = terminals.run(command, printed)
                if command == "zdev top":
                    terminal.prints(["requests"])
                if command == "zdev init":
                    with_ports_of(page, folder / "zdev.toml")
                if command.startswith("zdev tap"):
                    tap = terminal
        ended = [each.command for each in terminals if each.process.poll() is not None]
        endless = ("zdev run", "zdev rep", "zdev tap", "python worker.py", "zdev top")
        assert not [command for command in ended if command.startswith(endless)]
        assert tap is not None
