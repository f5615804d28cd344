"""The page Quickstart, followed word by word: its programs are written, its commands run, and they print what it says."""

from __future__ import annotations

import os
import re
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "quickstart.md"
PATIENCE = 20.0
ENDLESS = ("zdev run", "zdev tap", "python worker.py")
BLOCK = re.compile(r"^```(console|py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Terminal:
    """A command in a folder; what it prints goes to a file."""

    def __init__(self, command: str, folder: Path, environment: dict[str, str], number: int) -> None:
        self.output = folder / f"terminal-{number}"
        with self.output.open("wb") as file:
            words = command.split()
            self.process = subprocess.Popen(
                words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )

    def prints(self, expected: list[str]) -> None:
        """Wait until the lines are there, in order, whatever else is."""
        pattern = re.compile(r"\n(?:.*\n)*?".join(map(like, expected)))
        deadline = time.monotonic() + PATIENCE
        while not pattern.search(text := self.output.read_text()):
            assert time.monotonic() < deadline, f"{text}\nhas not\n{chr(10).join(expected)}"
            time.sleep(0.02)


def like(line: str) -> str:
    """A pattern for a line in which numbers, column widths, routing ids and the control socket are as it happens."""
    kinds = ((r"0x[0-9a-f]+", r"0x[0-9a-f]+"), (r"ipc://\S+", r"ipc://\S+"), (r"[\d.,:]*\d", r"[\d.,:]+"), (r" +", r" +"))
    pattern = "|".join(f"({found})" for found, _ in kinds)
    parts = re.split(pattern, line)
    groups = len(kinds) + 1
    made = [re.escape(part) for part in parts[::groups]]
    for number in range(len(made) - 1):
        matched = parts[number * groups + 1 : (number + 1) * groups]
        made[number] += next(kind for (_, kind), text in zip(kinds, matched, strict=True) if text)
    return "".join(made)


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


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for each in opened:
        each.process.kill()
        each.process.wait(PATIENCE)


def with_ports_of(page: str, file: Path) -> None:
    """The starter's ports in `file`, replaced by those of the page, in the order of both."""
    ours = re.findall(r"bind +tcp://(127\.0\.0\.1:\d+)", page)
    text = file.read_text().replace("127.0.0.1:9595", re.findall(r"http://(127\.0\.0\.1:\d+)", page)[0])
    for port, replacement in zip(("5559", "5560", "5561"), ours, strict=True):
        text = text.replace(f"127.0.0.1:{port}", replacement)
    file.write_text(text)


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block with the lines that it prints; lines before the first have the command ""."""
    for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE):
        lines = part.splitlines()
        if lines:
            is_command = lines[0].startswith("$ ")
            yield (lines[0][2:] if is_command else ""), lines[is_command:]


def test_each_step_does_what_the_page_says(page: str, folder: Path, terminals: list[Terminal]) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "ZDEV_CONTROL": str(folder / "run" / "control.sock"), "PYTHONUNBUFFERED": "1"}
    tap = None
    for kind, block in BLOCK.findall(page):
        if kind == "py":
            Path(folder, block.splitlines()[0].removeprefix("# ")).write_text(block)
            continue
        for command, printed in commands(block):
            if not command:  # what goes on to be printed in a terminal of before
                assert tap is not None
                tap.prints(printed)
                continue
            terminals.append(Terminal(command, folder, environment, len(terminals)))
            if not command.startswith(ENDLESS):
                assert terminals[-1].process.wait(PATIENCE) == 0, terminals[-1].output.read_text()
            terminals[-1].prints(printed)
            if command == "zdev init":
                with_ports_of(page, folder / "zdev.toml")
            if command.startswith("zdev tap"):
                tap = terminals[-1]
    assert [each.process.poll() for each in terminals[2:5]] == [None, None, None]  # device, worker and watcher run on
