"""The page about configuration files: its example is valid, and its errors are those of the program."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from zdev_cli._words import DEVICE_TYPES, SOCKET_TYPES, default_type
from zdev_cli.config import read

PAGE = (Path(__file__).parents[3] / "docs" / "cli" / "configuration.md").read_text()
EXAMPLE, FAULTY = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_is_right() -> None:
    assert list(read(EXAMPLE.encode(), "page").devices()) == ["orders", "prices"]


def test_the_errors_are_those_of_validate(zdev_path: str, tmp_path: Path) -> None:
    Path(tmp_path, "zdev.toml").write_text(FAULTY)
    command = [zdev_path, "validate", "zdev.toml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=tmp_path)
    assert done.returncode == 78
    assert f"it says\n\n```\n{done.stderr}```\n" in PAGE


@pytest.mark.parametrize("device_type", DEVICE_TYPES)
def test_the_types_of_sockets_are_those_of_the_device_types(device_type: str) -> None:
    [row] = [line for line in PAGE.splitlines() if re.match(rf"\| [a-z, -]*\b{device_type}\b", line)]
    types = [default_type(device_type, role) for role in SOCKET_TYPES]
    assert row.split("|")[2:-1] == [f" {each} " for each in types]


@pytest.mark.parametrize("role", SOCKET_TYPES)
def test_every_type_that_a_role_may_have_is_listed(role: str) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith("| `type` | For `in`")]
    listed = row.split(f"`{role}`")[1].partition(": ")[2].partition(";")[0].partition(" |")[0]
    assert re.split(r", | or ", listed) == list(SOCKET_TYPES[role])  # type: ignore[index]
