"""A page that is followed word by word: its commands in terminals, and whether they print what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from patience import PATIENCE

ENDLESS = ("zdev run", "zdev tap", "zdev record", "zdev rep ", "zdev sub", "zdev pull", "zdev top", "python worker.py")
ON_A_TERMINAL = (sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])")
KINDS = (  # what is as it happens: how it looks in a page, and what may be printed in its place
    (r"(?<!\S)\S{40}(?!\S)", r"\S{40}"),
    (r'"[A-Za-z0-9+/]+="', r'"[A-Za-z0-9+/]+="'),
    (r"0x[0-9a-f]+", r"0x[0-9a-f]+"),
    (r"(?:ipc|unix)://\S+", r"(?:ipc|unix)://\S+"),
    (r"[\d.,:]*\d", r"[\d.,:]+"),
    (r"(?<![A-Za-z])[kMG]?B\b", r"[kMG]?B"),
    (r"─+", r"─+"),
    (r" +", r" +"),
)


class Terminal:
    """A command in a folder; what it prints goes to a file."""

    def __init__(self, command: str, folder: Path, number: int) -> None:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        control = str(folder / "run" / "control.sock")
        environment = {**os.environ, "PATH": path, "ZDEV_CONTROL": control, "PYTHONUNBUFFERED": "1"}
        if command.startswith("zdev top"):
            environment |= {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
        self.command = command
        self.output = folder / f"terminal-{number}"
        with self.output.open("wb") as file:
            words = [*(ON_A_TERMINAL if command.startswith("zdev top") else ()), *shlex.split(command)]
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
    """A pattern for a line in which numbers, column widths, routing ids, keys and the control socket are as it happens."""
    pattern = "|".join(f"({found})" for found, _ in KINDS)
    parts = re.split(pattern, line)
    groups = len(KINDS) + 1
    made = [re.escape(part) for part in parts[::groups]]
    for number in range(len(made) - 1):
        matched = parts[number * groups + 1 : (number + 1) * groups]
        made[number] += next(kind for (_, kind), text in zip(KINDS, matched, strict=True) if text)
    return "".join(made)


class Terminals(list[Terminal]):
    """Those opened, the first first; all are closed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self:
            each.process.kill()
            each.process.wait(PATIENCE)

    def run(self, command: str, printed: list[str], status: int = 0) -> Terminal:
        """Open one more for a command that prints this, and ends with this status, unless it is one that goes on."""
        self.append(Terminal(command, self.folder, len(self)))
        if not command.startswith(ENDLESS) and "..." not in printed:
            assert self[-1].process.wait(PATIENCE) == status, self[-1].output.read_text()
        self[-1].prints([line for line in printed if line != "..."])
        return self[-1]


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block with the lines that it prints; lines before the first have the command ""."""
    for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE):
        lines = part.splitlines()
        if lines:
            is_command = lines[0].startswith("$ ")
            yield (lines[0][2:] if is_command else ""), lines[is_command:]
