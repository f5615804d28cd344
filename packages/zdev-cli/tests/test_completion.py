"""The shell completes commands, options, files and names of devices, and is never disturbed."""

from __future__ import annotations

import os
import pty
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from commands_of import all_commands
from devices_text import BIND, device
from patience import PATIENCE

from zdev_cli._words import COMPLETION_VARIABLE

if TYPE_CHECKING:
    from conftest import Service

Start = Callable[..., "Service"]
FILE = device("billing", "queue", in_=BIND, out=BIND) + device("orders", "monitored-queue", in_=BIND, out=BIND, mon=BIND)
# Each starts a shell that completes zdev's words; {0}: the command that prints the script.
INTERACTIVE = {
    "bash": ("bash", "--noprofile", "--rcfile", "rc", "-i"),
    "zsh": ("zsh", "-d", "-i"),
}
PREPARE = {
    "bash": "PS1='ready> '\nbind 'set enable-bracketed-paste off'\nsource <(zdev completion bash)\n",
    "zsh": "PS1='ready> '\nunsetopt zle_bracketed_paste 2>/dev/null\nautoload -U compinit && compinit -u -D\n"
    "source <(zdev completion zsh)\n",
}


def environment(zdev_path: str, folder: Path, **more: str) -> dict[str, str]:
    path = f"{Path(zdev_path).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(folder), "ZDOTDIR": str(folder), "TERM": "dumb", **more}


def needs(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")


def complete(zdev_path: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Ask as bash's script does; the last word is incomplete."""
    asked = {COMPLETION_VARIABLE: "bash_complete", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    return subprocess.run(
        [zdev_path], env={**os.environ, **asked, **variables}, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


class Terminal:
    """An interactive shell on a terminal."""

    def __init__(self, command: tuple[str, ...], folder: Path, variables: dict[str, str]) -> None:
        self.seen = ""
        self._ours, theirs = pty.openpty()
        self._shell = subprocess.Popen(
            command, cwd=folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, pattern: str) -> str:
        """Everything shown so far, as soon as the pattern is in it."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.seen):
            assert time.monotonic() < deadline, self.seen
            try:
                self.seen += os.read(self._ours, 65536).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.01)
        return self.seen

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait(PATIENCE)
        os.close(self._ours)


@pytest.fixture
def shell(zdev_path: str, folder: Path) -> Iterator[Callable[..., Terminal]]:
    """Start an interactive shell of this name in which zdev is completed; variables are its environment's."""
    terminals: list[Terminal] = []

    def start(name: str, **variables: str) -> Terminal:
        needs(name)
        for file in ("rc", ".zshrc"):
            (folder / file).write_text(PREPARE[name])
        terminals.append(Terminal(INTERACTIVE[name], folder, environment(zdev_path, folder, **variables)))
        terminals[-1].until("ready> ")
        return terminals[-1]

    yield start
    for each in terminals:
        each.close()


@pytest.mark.parametrize("name", INTERACTIVE)
def test_a_shell_completes_commands_options_and_names_of_devices(
    service: Start, shell: Callable[..., Terminal], name: str
) -> None:
    program = service(FILE)
    program.until_ready()
    terminal = shell(name, ZDEV_CONTROL=str(program.control))
    terminal.type("zdev pau\t")
    terminal.until(r"zdev pause ")
    terminal.type("bi\t")
    terminal.until(r"zdev pause\W+billing ")
    terminal.type("--cont\t")
    shown = terminal.until(r"zdev pause\W+billing\W+--control")
    assert "rror" not in shown


@pytest.mark.parametrize("name", INTERACTIVE)
def test_a_shell_is_not_disturbed_if_no_zdev_runs(shell: Callable[..., Terminal], folder: Path, name: str) -> None:
    terminal = shell(name, ZDEV_CONTROL=str(folder / "nobody.sock"))
    terminal.type("zdev pause bi\t\tx")
    terminal.until(r"zdev pause\W+bi\W*x")
    assert "cannot reach" not in terminal.seen


def test_fish_completes_names_of_devices(service: Start, zdev_path: str, folder: Path) -> None:
    needs("fish")
    program = service(FILE)
    program.until_ready()
    command = [
        "fish",
        "--no-config",
        "-c",
        "zdev completion fish | source; complete -C 'zdev tap or'; complete -C 'zdev completion f'",
    ]
    variables = environment(zdev_path, folder, ZDEV_CONTROL=str(program.control))
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert (done.stdout.split(), done.stderr) == (["orders", "fish"], "")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_script_is_valid_and_does_not_depend_on_that_shell_being_installed(zdev_path: str, name: str) -> None:
    done = subprocess.run(
        [zdev_path, "completion", name], env={"PATH": ""}, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stderr == ""
    assert f"{COMPLETION_VARIABLE}={name}_complete" in done.stdout
    if shutil.which(name):
        subprocess.run([name, "-n"], input=done.stdout, text=True, timeout=PATIENCE, check=True)


@pytest.mark.parametrize("words", [("peers", ""), ("tap", ""), ("record", ""), ("kick", ""), ("drain", "--control={}", "")])
def test_names_of_devices_are_completed(service: Start, zdev_path: str, words: tuple[str, ...]) -> None:
    program = service(FILE)
    program.until_ready()
    done = complete(zdev_path, "zdev", *(each.format(program.control) for each in words), ZDEV_CONTROL=str(program.control))
    assert (done.stdout, done.stderr) == ("plain,billing\nplain,orders\n", "")


@pytest.mark.parametrize(
    ("path", "parameter"),
    [(path, parameter) for path, command in all_commands().items() for parameter in command.params],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_parameter_of_any_command_completes_what_it_takes(path: str, parameter: click.Parameter, service_names: str) -> None:
    """One that names a file completes files, one that names a device completes devices, and a choice its values."""
    context = click.Context(all_commands()[path], resilient_parsing=True)
    context.params["control"] = service_names
    found = parameter.shell_complete(context, "")
    named = (parameter.metavar or parameter.name or "").upper()
    if re.search(r"\b(FILE|PATH|DIRECTORY)\b(?!=)", named):
        assert [each.type for each in found] in (["file"], ["dir"])
    if re.search(r"\b(DEVICES?|TARGET)\b", named):
        assert [each.value for each in found] == ["billing", "orders"]
    if isinstance(parameter.type, click.Choice):
        assert [each.value.casefold() for each in found] == [str(each).casefold() for each in parameter.type.choices]


@pytest.fixture(scope="module")
def service_names(tmp_path_factory: pytest.TempPathFactory, zdev_path: str) -> Iterator[str]:
    """The control socket of a zdev that runs for all tests here."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "zdev.toml").write_text(FILE)
    control = str(folder / "c.sock")
    command = [zdev_path, "run", "-c", str(folder / "zdev.toml"), "--control", control]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        assert any(line.startswith("started:") for line in program.stdout)
        yield control
        program.terminate()


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense", ""),
        ("pause", "--nonsense", ""),
        ("tap", "--secret-key", "nowhere", "--server-key", "x", ""),
        ("pause", "'"),
        (),
    ],
)
def test_a_line_that_cannot_be_completed_gets_nothing_and_no_error(
    zdev_path: str, folder: Path, words: tuple[str, ...]
) -> None:
    done = complete(zdev_path, "zdev", *words, ZDEV_CONTROL=str(folder / "nobody.sock"))
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("", "", 0)


def test_a_zdev_that_does_not_answer_ends_the_wait(zdev_path: str, folder: Path) -> None:
    path = str(folder / "silent.sock")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen(1)
        done = complete(zdev_path, "zdev", "pause", "", ZDEV_CONTROL=path)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("", "", 0)
