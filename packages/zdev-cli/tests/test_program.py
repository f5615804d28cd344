"""The program as a whole."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Callable

import pytest

import zdev_cli


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_the_package_exports_exactly_this() -> None:
    assert sorted(zdev_cli.__all__) == ["main", "message_line"]


def test_version_tells_the_version_of_the_package(zdev_path: str) -> None:
    done = run(zdev_path, "--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"zdev {importlib.metadata.version('zdev-cli')}\n", "", 0)


@pytest.mark.parametrize("command", [(), ("run",), ("init",), ("validate",), ("schema",), ("tap",)])
def test_every_command_has_help(zdev_path: str, command: tuple[str, ...]) -> None:
    done = run(zdev_path, *command, "--help")
    assert done.stdout.startswith(f"Usage: {' '.join(('zdev', *command))} ")
    assert ("Example:" in done.stdout) == bool(command)
    assert (done.stderr, done.returncode) == ("", 0)


def test_python_m_zdev_cli_is_the_same_program(zdev_path: str) -> None:
    assert run(sys.executable, "-m", "zdev_cli", "run", "--help").stdout == run(zdev_path, "run", "--help").stdout


@pytest.mark.parametrize("command", [(), ("key",)])
def test_a_command_that_lacks_its_command_tells_them_all(zdev_path: str, command: tuple[str, ...]) -> None:
    done = run(zdev_path, *command)
    assert done.stderr == run(zdev_path, *command, "--help").stdout
    assert (done.stdout, done.returncode) == ("", 64)


def test_an_unknown_command_is_refused(refused: Callable[..., tuple[int, str]]) -> None:
    status, line = refused("rum")
    assert status == 64
    assert "'rum'" in line


def test_help_answers_without_loading_zeromq() -> None:
    look = "import sys, zdev_cli; sys.argv = ['zdev', 'run', '--help']\ntry: zdev_cli.main()\nfinally: print(*sys.modules)"
    modules = run(sys.executable, "-c", look).stdout.splitlines()[-1].split()
    assert "click" in modules
    assert not {"zmq", "zdev_core", "zdev_background", "multiprocessing", "asyncio"} & set(modules)
