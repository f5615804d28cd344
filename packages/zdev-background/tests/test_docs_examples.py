"""The code in the documentation runs: its examples print what they say, and its blocks of Python run from page to page's end."""

from __future__ import annotations

import ast
import os
import re
import socket as sockets
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from pages import PAGES, ROOT, program

EXAMPLES = sorted((ROOT / "docs/examples").glob("*_device.py"))


def run(*command: str) -> str:
    """Return the output of a program. It gets one empty line to read; a warning, an error or a hang fails the test."""
    strict = [sys.executable, "-X", "dev", "-W", "error", *command]
    with subprocess.Popen(
        strict, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            output, errors = process.communicate("\n", timeout=50)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # with the processes that it has made
            raise
    assert errors == ""
    assert process.returncode == 0
    return output


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_prints_what_it_says(example: Path) -> None:
    said = ast.get_docstring(ast.parse(example.read_text())) or ""
    assert run(str(example)) == said.partition("it prints:\n\n")[2] + "\n"


@pytest.mark.slow
def test_beside_zmq_devices_zdev_does_what_it_should() -> None:
    table = run(str(ROOT / "docs/examples/beside_zmq_devices.py"))  # which tells by its exit status
    page = (ROOT / "docs/moving-from-zmq-devices.md").read_text()
    questions = [line[:40].strip() for line in table.splitlines()[2:]]
    assert [question for question in questions if f"\n{question}  " in page] == questions


@pytest.mark.parametrize("file", ["monitored_queue.cpp", "CMakeLists.txt"])
def test_the_page_of_native_cpp_shows_the_example_as_it_is(file: str) -> None:  # which the C++ tests build and run
    page = (ROOT / "docs/cpp.md").read_text()
    content = (ROOT / "cpp/examples" / file).read_text()
    shown = content.partition("\n\n")[2] if content.startswith("#") else content  # without the comment on the file
    assert f"\n{shown}```\n" in page


def with_free_ports(text: str) -> str:
    with ExitStack() as stack:
        for port in set(re.findall(r"(?<=tcp://127\.0\.0\.1:)\d+", text)):
            server = stack.enter_context(sockets.create_server(("127.0.0.1", 0)))
            text = text.replace(f":{port}", f":{server.getsockname()[1]}")
    return text


def test_a_page_keeps_its_line_numbers() -> None:
    page = "# A\n\n```python\nb = 2\n```\ntext\n```\nshell\n```\n\n```python\nc = 3\n```\n"
    lines = program(page).split("\n")
    assert {number: line for number, line in enumerate(lines, 1) if line} == {4: "b = 2", 12: "c = 3"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_python_of_a_page_runs(page: Path) -> None:
    run("-c", with_free_ports(program(page.read_text())))
