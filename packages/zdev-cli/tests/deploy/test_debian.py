"""The units and the configuration of the Debian package; `nox -s debian` builds and installs the package."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

DEBIAN = Path(__file__).parents[4] / "docs" / "deploy" / "debian"
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing (Debian: systemd)")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files that the package installs beside the program."""
    spec = importlib.util.spec_from_file_location("build_debian", DEBIAN / "build.py")
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.install_service(tmp_path)
    return tmp_path


def test_the_socket_unit_listens_where_the_packaged_configuration_binds(tree: Path) -> None:
    listens = re.findall(r"^ListenStream=(.*)$", (tree / "usr/lib/systemd/system/zdev.socket").read_text(), re.MULTILINE)
    binds = re.findall(r'^(?:\w+\.bind = "tcp://|listen = ")(.*?)"', (tree / "etc/zdev/zdev.toml").read_text(), re.MULTILINE)
    assert sorted(listens) == sorted(binds) != []


def test_only_this_host_reaches_the_packaged_configuration(tree: Path) -> None:
    listens = re.findall(r"^ListenStream=(.*)$", (tree / "usr/lib/systemd/system/zdev.socket").read_text(), re.MULTILINE)
    assert {each.rpartition(":")[0] for each in listens} == {"127.0.0.1"}


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_packaged_units(tree: Path, zdev_path: str) -> None:
    units = tree / "usr/lib/systemd/system"
    for file in (units / "zdev.service", units / "zdev.service.d/package.conf"):
        file.write_text(file.read_text().replace("/usr/bin/zdev", zdev_path))
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", units / "zdev.service", units / "zdev.socket"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    # before 253, systemd does not know the type that package.conf replaces
    said = [line for line in done.stderr.splitlines() if "zdev" in line and "notify-reload" not in line]
    assert said == []


def test_the_package_explains_its_folders_and_its_user(tree: Path) -> None:
    readme = (tree / "usr/share/doc/zdev/README").read_text()
    for path in ("/etc/zdev/keys", "/etc/zdev/clients", "/etc/zdev/zdev.toml"):
        assert path in readme
        assert (tree / path[1:]).exists()


@pytest.mark.parametrize("words", ["postinst configure 0.1.0", "prerm remove", "postrm remove"])
def test_a_service_that_cannot_be_steered_does_not_leave_the_package_half_installed(tmp_path: Path, words: str) -> None:
    name, *arguments = words.split()
    for program, status in (("systemctl", 1), ("adduser", 0)):
        (tmp_path / program).write_text(f"#!/bin/sh\necho {program} $* >> {tmp_path}/called\nexit {status}\n")
        (tmp_path / program).chmod(0o755)
    script = (DEBIAN / name).read_text().replace("/run/systemd/system", str(tmp_path))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", script, name, *arguments], env=environment, timeout=60, check=False)
    assert done.returncode == 0
    assert "systemctl" in (tmp_path / "called").read_text()
