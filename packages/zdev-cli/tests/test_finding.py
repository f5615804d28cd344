"""A command finds the running zdev by --control, ZDEV_CONTROL, ./zdev.toml or this user's socket, in this order."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from devices_text import BIND, device
from patience import PATIENCE

if TYPE_CHECKING:
    from conftest import Program

Zdev = Callable[..., "Program"]
Ask = Callable[..., subprocess.CompletedProcess[str]]
DEVICE = device("orders", "queue", in_=BIND, out=BIND)


def running(zdev: Zdev, file: Path, endpoint: Path | None, *arguments: str, **environment: str) -> Program:
    """Return a zdev that runs, with the control socket that its file sets."""
    control = f'control.endpoint = "unix://{endpoint}"\n' if endpoint else ""
    file.parent.mkdir(exist_ok=True)
    file.write_text(control + DEVICE)
    program = zdev("run", "-c", str(file), *arguments, **environment)
    program.out.next_with("started: ")
    return program


@pytest.fixture(autouse=True)
def user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default socket of this user."""
    monkeypatch.delenv("ZDEV_CONTROL", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "user"))
    (folder / "user").mkdir()
    return folder / "user" / "zdev" / "control.sock"


@pytest.fixture
def ask(zdev_path: str) -> Ask:
    """Runs a command in a directory."""

    def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **environment}
        command = [zdev_path, *arguments]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)

    return run


def test_a_command_asks_the_zdev_of_the_file_in_its_directory(zdev: Zdev, ask: Ask, folder: Path) -> None:
    running(zdev, folder / "here" / "zdev.toml", folder / "private" / "c.sock")
    for command in (["status"], ["pause", "orders"], ["peers"], ["workers"], ["top", "--once"]):
        done = ask(*command, cwd=folder / "here")
        assert (done.returncode, done.stderr) == (0, "")
    assert "has no mon socket" in ask("tap", "orders", cwd=folder / "here").stderr
    assert ask("status", cwd=folder).returncode == 69


def test_the_endpoint_of_the_file_may_have_variables(zdev: Zdev, ask: Ask, folder: Path) -> None:
    running(zdev, folder / "here" / "zdev.toml", folder / "private" / "${SOCKET:-c}.sock")
    assert ask("status", cwd=folder / "here").returncode == 0
    assert f"{folder}/private/other.sock" in ask("status", cwd=folder / "here", SOCKET="other").stderr
    (folder / "here" / "zdev.toml").write_text('control.endpoint = "unix://${SOCKET}"')
    assert "unusable control.endpoint (variable SOCKET is not set" in ask("status", cwd=folder / "here").stderr


def test_the_option_precedes_the_variable_and_that_the_file(zdev: Zdev, ask: Ask, folder: Path, user: Path) -> None:
    file = folder / "here" / "zdev.toml"
    named = {name: folder / name / "c.sock" for name in ("option", "variable", "file")}
    for path in (*named.values(), user):
        path.parent.mkdir(mode=0o700)
    file.parent.mkdir()
    file.write_text(f'control.endpoint = "unix://{named["file"]}"')
    said = ask("status", "--control", str(named["option"]), cwd=file.parent, ZDEV_CONTROL=str(named["variable"])).stderr
    assert f"cannot reach zdev at {named['option']} (--control): there is no such socket" in said
    said = ask("status", cwd=file.parent, ZDEV_CONTROL=str(named["variable"])).stderr
    assert f"cannot reach zdev at {named['variable']} (ZDEV_CONTROL): " in said
    running(zdev, folder / "other.toml", None)  # at the default socket, which the file keeps from being used
    done = ask("status", cwd=file.parent)
    assert done.returncode == 69
    assert f"cannot reach zdev at {named['file']} (control.endpoint of ./zdev.toml): " in done.stderr
    assert ask("status", cwd=folder).returncode == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "does not exist"),
        ("", "sets no control.endpoint"),
        ("control.endpoint = [", "is invalid (Invalid value"),
        ("control.endpoint = 'tcp://127.0.0.1:1'", "has an invalid control.endpoint (must be unix://PATH)"),
        ("control = 3", "has an invalid control.endpoint"),
    ],
)
def test_a_file_without_a_usable_endpoint_leaves_the_default_and_the_error_says_so(
    ask: Ask, folder: Path, user: Path, text: str | None, why: str
) -> None:
    if text is not None:
        Path(folder, "zdev.toml").write_text(text)
    said = ask("status", cwd=folder).stderr
    where = f"cannot reach zdev at {user} (the default: --control and ZDEV_CONTROL are not set, ./zdev.toml "
    assert said.startswith(f"zdev: {where}{why}")


def test_a_file_that_is_invalid_by_now_does_not_keep_a_command_from_the_default(zdev: Zdev, ask: Ask, folder: Path) -> None:
    running(zdev, folder / "zdev.toml", None)
    Path(folder, "zdev.toml").write_text("[[")
    assert ask("status", cwd=folder).returncode == 0


def test_the_variable_does_not_override_the_endpoint_of_a_file_that_is_run(zdev: Zdev, folder: Path, user: Path) -> None:
    ours, other = folder / "ours" / "c.sock", folder / "other" / "c.sock"
    program = running(zdev, folder / "zdev.toml", ours, ZDEV_CONTROL=str(other))
    warning = f"ZDEV_CONTROL={other} is ignored: {folder}/zdev.toml sets control.endpoint (pass --control to override that)"
    assert program.err.next().endswith(warning)
    assert ours.exists()
    assert not other.exists()
    chosen = running(zdev, folder / "zdev.toml", ours, "--control", str(other), ZDEV_CONTROL=str(user))
    assert other.exists()
    assert "is ignored" not in chosen.err.next()


def test_the_variable_serves_a_file_without_an_endpoint(zdev: Zdev, ask: Ask, folder: Path, user: Path) -> None:
    control = folder / "control" / "c.sock"
    running(zdev, folder / "zdev.toml", None, ZDEV_CONTROL=str(control))
    assert control.exists()
    assert not user.exists()
    Path(folder, "zdev.toml").write_text(f'control.endpoint = "unix://{control}"\n{DEVICE}')
    assert ask("reload", cwd=folder).returncode == 0  # it listens there already
