"""The manual pages say what the help says, and roff has nothing to complain about."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from commands_of import all_commands
from patience import PATIENCE

from zdev_cli._failure import Status

SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO"]


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0", **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, env=environment, check=False)


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the pages."""
    folder = tmp_path_factory.mktemp("manual") / "man1"
    done = run(sys.executable, "-m", "zdev_cli.manual", str(folder))
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    return folder


def test_there_is_a_page_for_the_program_and_for_every_command(manual: Path) -> None:
    groups = {path.rpartition(" ")[0] for path in all_commands()} - {""}
    names = {f"zdev-{path.replace(' ', '-')}.1" for path in [*all_commands(), *groups]}
    assert {page.name for page in manual.iterdir()} == names | {"zdev.1"}


@pytest.mark.parametrize("path", all_commands())
def test_a_page_has_all_sections_options_and_examples(manual: Path, path: str) -> None:
    text = (manual / f"zdev-{path.replace(' ', '-')}.1").read_text()
    found = [each.strip('"') for each in re.findall(r"^\.SH (.*)$", text, re.MULTILINE)]
    assert [each for each in found if each in SECTIONS] == SECTIONS
    assert "EXAMPLES" in found
    plain = re.sub(r"\\f[BR]", "", text).replace("\\-", "-")
    for parameter in all_commands()[path].params:
        for name in parameter.opts if isinstance(parameter, click.Option) else ():
            assert re.search(rf"^(?:.* )?{name}\b", plain, re.MULTILINE), name


def test_the_page_of_the_program_has_its_statuses_variables_and_files(manual: Path) -> None:
    plain = re.sub(r"\\f[BR]", "", (manual / "zdev.1").read_text()).replace("\\-", "-").splitlines()
    assert [str(int(status)) for status in Status] == [line for line in plain if line.isdigit()]
    assert {"ZDEV_CONTROL", "NO_COLOR", "COLUMNS", "zdev.toml", '.SH "FILES"'} <= set(plain)
    variables = {str(each.envvar) for command in all_commands().values() for each in command.params if each.envvar}
    assert variables <= set(plain)


def test_the_pages_of_two_builds_are_equal(manual: Path, tmp_path: Path) -> None:
    assert run(sys.executable, "-m", "zdev_cli.manual", str(tmp_path)).returncode == 0
    assert {page.name: page.read_bytes() for page in tmp_path.iterdir()} == {
        page.name: page.read_bytes() for page in manual.iterdir()
    }


# Each prints nothing unless it warns; {}: a page.
CHECKS = {
    "groff": ("groff", "-man", "-Tutf8", "-ww", "-z", "{}"),
    "mandoc": ("mandoc", "-T", "lint", "-W", "warning", "{}"),
    "man": ("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", "{}"),
}


@pytest.mark.parametrize("program", CHECKS)
def test_no_formatter_warns(manual: Path, program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    if program == "man" and "--warnings" not in run("man", "--help").stdout:
        pytest.skip("this man is not man-db")
    for page in sorted(manual.iterdir()):
        done = run(*(each.format(page) for each in CHECKS[program]), MANWIDTH="80")
        warnings = done.stderr + (done.stdout if program == "mandoc" else "")
        assert (warnings, done.returncode) == ("", 0), page.name


def test_a_directory_that_cannot_be_written_is_reported_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(sys.executable, "-m", "zdev_cli.manual", str(tmp_path / "file" / "man1"))
    assert done.returncode == 69
    assert re.fullmatch(r"zdev_cli.manual: cannot write .*/file.*: Not a directory\n", done.stderr)
