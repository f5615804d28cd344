"""The program as a whole."""

from __future__ import annotations

import importlib.metadata
import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from commands_of import all_commands
from exchange import queue
from patience import PATIENCE

import zdev_cli


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_the_package_exports_exactly_this() -> None:
    assert sorted(zdev_cli.__all__) == ["main", "message_line"]


def test_version_shows_the_version_of_the_package(zdev_path: str) -> None:
    done = run(zdev_path, "--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"zdev {importlib.metadata.version('zdev-cli')}\n", "", 0)


@pytest.mark.parametrize("command", all_commands())
def test_every_command_has_help_that_ends_with_examples(zdev_path: str, command: str) -> None:
    done = run(zdev_path, *command.split(), "--help")
    assert done.stdout.startswith(f"Usage: zdev {command} ")
    paragraphs = done.stdout.split("\n\n")
    first = next(number for number, each in enumerate(paragraphs) if each.startswith("  Example"))
    assert f"    zdev {command.split()[0]} " in f"{paragraphs[first]} ".replace("\n", " \n")
    assert not any(each.startswith("Options:") for each in paragraphs[first:])
    assert done.stdout.replace("\n", "").isprintable()
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_help_of_the_program_names_the_documentation_and_its_manual_pages(zdev_path: str) -> None:
    done = run(zdev_path, "--help")
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
    assert f"\nDocumentation:  {project['urls']['Documentation']}\n" in done.stdout
    assert "man zdev" in done.stdout
    assert (done.stderr, done.returncode) == ("", 0)


def test_python_m_zdev_cli_is_the_same_program(zdev_path: str) -> None:
    assert run(sys.executable, "-m", "zdev_cli", "run", "--help").stdout == run(zdev_path, "run", "--help").stdout


@pytest.mark.parametrize("command", [(), ("key",)])
def test_a_command_that_lacks_its_command_shows_them_all(zdev_path: str, command: tuple[str, ...]) -> None:
    done = run(zdev_path, *command)
    assert done.stderr == run(zdev_path, *command, "--help").stdout
    assert (done.stdout, done.returncode) == ("", 64)


def test_an_unknown_command_is_refused_and_the_nearest_reported(refused: Callable[..., tuple[int, str]]) -> None:
    assert refused("stauts") == (64, "zdev: no such command 'stauts'; did you mean status? (see 'zdev --help')")
    assert refused("xyzzy") == (64, "zdev: no such command 'xyzzy' (see 'zdev --help')")


def test_help_answers_without_loading_zeromq() -> None:
    look = "import sys, zdev_cli; sys.argv = ['zdev', 'run', '--help']\ntry: zdev_cli.main()\nfinally: print(*sys.modules)"
    modules = run(sys.executable, "-c", look).stdout.splitlines()[-1].split()
    assert "click" in modules
    assert not {"zmq", "zdev_core", "zdev_background", "multiprocessing", "asyncio"} & set(modules)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
@pytest.mark.parametrize("command", [("schema",), ("--help",), ("key", "--help")])
def test_output_that_finds_no_room_is_reported_in_a_line(zdev_path: str, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([zdev_path, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    assert (done.stderr, done.returncode) == ("zdev: cannot write the output: No space left on device\n", 69)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such a write may have another error")
def test_output_to_a_terminal_that_is_gone_is_reported_in_a_line(zdev_path: str) -> None:
    controller, terminal = os.openpty()
    os.close(controller)
    done = subprocess.run([zdev_path, "schema"], stdout=terminal, stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    os.close(terminal)
    assert (done.stderr, done.returncode) == ("zdev: cannot write the output: Input/output error\n", 69)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_the_status_shows_what_the_error_output_has_no_room_for(zdev_path: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([zdev_path, "rum"], stdout=subprocess.PIPE, stderr=full, timeout=20, check=False)
    assert (done.stdout, done.returncode) == (b"", 64)


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX shell")
def test_no_socket_takes_the_place_of_a_closed_stream() -> None:
    look = """
import os, sys
from zdev_cli import _main
_main._status = lambda: os.open(os.devnull, os.O_RDONLY)
_main.main()
"""
    done = run("sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', sys.executable, "-c", look)
    assert done.returncode > 2, "what is opened first is a standard stream"


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals")
def test_a_terminal_that_is_closed_during_the_start_ends_it_and_is_called_no_bug(zdev_path: str, folder: Path) -> None:
    file = folder / "zdev.toml"
    file.write_text("".join(queue(f"d{number}", 'isolation = "process"') for number in range(4)))
    terminal, inner = pty.openpty()
    command = [zdev_path, "run", "-c", str(file), "--control", str(folder / "c.sock")]
    take_terminal = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    shell = [sys.executable, "-c", take_terminal, *command]
    pipe = subprocess.PIPE
    with subprocess.Popen(shell, stdin=inner, stdout=inner, stderr=pipe, text=True, start_new_session=True) as program:
        os.close(inner)
        assert b"control" in os.read(terminal, 100)
        os.close(terminal)
        said = program.communicate(timeout=PATIENCE)[1]
    assert said.splitlines()[-1] == "zdev: cannot write the output: Input/output error"
    assert program.returncode == 69


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX shell")
def test_a_command_does_its_work_without_any_stream(zdev_path: str, tmp_path: Path) -> None:
    path = tmp_path / "zdev.toml"
    assert run("sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', zdev_path, "init", str(path)).returncode == 0
    assert path.exists()


@pytest.mark.parametrize("command", ["status", "pause orders", "peers", "workers", "reload", "shutdown", "schema"])
def test_a_command_that_needs_no_socket_starts_without_libzmq(command: str, tmp_path: Path) -> None:
    look = """
import sys
from zdev_cli import main
try:
    main()
except SystemExit:
    print(*sorted({"zmq", "zdev_core", "zdev_background", "rich"} & set(sys.modules)), file=sys.stderr)
"""
    words = [*command.split(), *(["--control", str(tmp_path / "nobody.sock")] if command != "schema" else [])]
    done = run(sys.executable, "-c", look, *words)
    assert done.stderr.splitlines()[-1] == ""
