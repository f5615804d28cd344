"""The configuration files of docs/deploy, and what the container and its HEALTHCHECK have in common with them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from zdev_background import create_key

if TYPE_CHECKING:
    from conftest import Service

DEPLOY = Path(__file__).parents[4] / "docs" / "deploy"
FILES = sorted(DEPLOY.rglob("*.toml"))
CONTAINERFILE = (DEPLOY / "container" / "Containerfile").read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_zdev_finds_nothing_wrong_with_the_configuration(file: Path, folder: Path, zdev_path: str) -> None:
    create_key(folder / "keys", "orders")
    for name in ("clients", "workers"):
        create_key(folder / name, "peer")
    (folder / "orders.key_secret").write_bytes((folder / "keys" / "orders.key_secret").read_bytes())
    (folder / "orders.key_secret").chmod(0o400)
    text = file.read_text().replace("/run/zdev/", f"{folder}/").replace("/etc/zdev/", f"{folder}/")
    (folder / "zdev.toml").write_text(text)
    done = subprocess.run(
        [zdev_path, "validate", str(folder / "zdev.toml")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_there_are_configurations_for_each() -> None:
    assert [file.parent.name for file in FILES] == ["debian", "kubernetes", "systemd"]


def test_the_image_runs_without_root_and_as_the_user_of_the_deployment() -> None:
    users = re.findall(r"^USER (\d+):(\d+)$", CONTAINERFILE, re.MULTILINE)
    deployment = (DEPLOY / "kubernetes" / "deployment.yaml").read_text()
    assert users
    assert set(users[-1]) == set(re.findall(r"(?:runAsUser|runAsGroup|fsGroup): (\d+)", deployment)) != {"0"}


def test_the_image_is_made_of_what_there_is() -> None:
    copied = [word for line in re.findall(r"^COPY (?!--)(.*) \S+$", CONTAINERFILE, re.MULTILINE) for word in line.split()]
    top = DEPLOY.parents[1]
    assert copied
    assert [name for name in copied if not (top / name).exists()] == []


@pytest.mark.parametrize("condition", ["ready", "not ready"])
def test_the_health_check_shows_whether_zdev_is_ready(condition: str, service: Callable[..., Service]) -> None:
    bound = "tcp://127.0.0.1:*" if condition == "ready" else "tcp://203.0.113.1:5559"  # of nobody: RFC 5737
    more = "" if condition == "ready" else "insecure = true\n"
    running = service(
        f'[http]\nlisten = "127.0.0.1:0"\n[[device]]\nname = "a"\ntype = "queue"\n{more}'
        f'in.bind = "{bound}"\nout.bind = "tcp://127.0.0.1:*"\n'
    )
    running.until_ready()
    command = ast.literal_eval(re.findall(r"^    CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)[0])
    code = command[2].replace("http://127.0.0.1:9595", running.http)
    done = subprocess.run([sys.executable, command[1], code], capture_output=True, timeout=60, check=False)
    assert (done.returncode == 0) == (condition == "ready"), done.stderr
