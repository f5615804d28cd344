"""The systems of docs/gallery: each page, run word by word, on other ports."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[3] / "docs" / "gallery"
PORT = re.compile(r"\b57(\d\d)\b")
SYSTEMS = sorted(page.parent.name for page in GALLERY.glob("*/README.md"))
CASES = [name if name == "logs" else pytest.param(name, marks=pytest.mark.slow) for name in SYSTEMS]


def steps(page: str) -> list[tuple[str, str]]:
    """Each command of the console blocks, and the output that the page shows below it."""
    lines = [
        line for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL) for line in block.splitlines()
    ]
    found: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def free_prefix() -> str:
    """Digits to use instead of 57 in the ports of a page, below those that systems give to clients."""
    for prefix in random.sample(range(110, 320), 100):
        with suppress(OSError):
            for port in range(prefix * 100, prefix * 100 + 60):
                with socket.socket() as each:
                    each.bind(("127.0.0.1", port))
            return str(prefix)
    raise AssertionError("all ports are in use")


@pytest.fixture
def copied(folder: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the system's folder with other ports."""
    prefix = free_prefix()
    copy = folder / "g"
    shutil.copytree(GALLERY / request.node.callspec.params["system"], copy)
    for file in (each for each in copy.rglob("*") if each.is_file()):
        file.write_text(PORT.sub(rf"{prefix}\1", file.read_text()))
    return copy


def output_of(script: str, folder: Path) -> str:
    """Run a bash script, and end all that it has started."""
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(paths), "XDG_RUNTIME_DIR": str(folder), "IPYTHONDIR": str(folder)}
    environment.pop("ZDEV_CONTROL", None)
    with subprocess.Popen(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            output, _ = shell.communicate(timeout=100)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    logs = "".join(f"--- {log.name}\n{log.read_text()}" for log in folder.glob("*.log"))
    assert shell.returncode == 0, f"{output}\n{logs}"
    return output


def shape(text: str) -> list[str]:
    """The lines of a text without numbers and without the widths of columns."""
    return [" ".join(re.sub(r"\d[\d.,]*([µm]?s)?", "N", line).split()) for line in text.splitlines()]


def marked(number: int) -> str:
    return f"--step {number}--"


@pytest.mark.timeout(150)
@pytest.mark.engine("auto")
@pytest.mark.parametrize("system", CASES)
def test_a_system_does_what_its_page_shows(system: str, copied: Path) -> None:
    if system == "ipyparallel":
        pytest.importorskip("ipyparallel", reason="ipyparallel is not installed (nox -s slow installs it)")
    shown = steps((copied / "README.md").read_text())
    script = "".join(f"echo '{marked(number)}'\n{command}\n" for number, (command, _) in enumerate(shown))
    output = output_of(script, copied)
    for number, (command, expected) in enumerate(shown):
        got = output.partition(f"{marked(number)}\n")[2].partition(marked(number + 1))[0]
        assert shape(got) == shape(expected), command


def test_every_system_has_its_files_and_its_picture() -> None:
    assert len(SYSTEMS) == 5
    index = (GALLERY / "README.md").read_text()
    for system in SYSTEMS:
        page = (GALLERY / system / "README.md").read_text()
        assert f"({system}/README.md)" in index
        assert f"(../../diagrams/gallery-{system}.svg)" in page
        files = [path for path in (GALLERY / system).rglob("*") if path.suffix in (".py", ".toml")]
        assert [
            str(path.relative_to(GALLERY / system)) for path in files if f"]({path.relative_to(GALLERY / system)})" not in page
        ] == []
