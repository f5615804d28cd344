"""A release succeeds or leaves no trace; run by `nox -s packaging`, on a repository made from this one's files."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEW = "98.76.5"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Commit this work tree, without tests and benchmarks, to a new repository."""
    root = tmp_path / "zdev"
    ignored = shutil.ignore_patterns("tests", "__pycache__", "build", "node_modules", ".*")
    for name in ("cpp", "docs", "packages"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("CHANGELOG.md", "LICENSE", "pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, root)
    changelog = (root / "CHANGELOG.md").read_text()
    if "- unreleased" not in changelog:
        changelog = re.sub(
            "^## ", "## [0.0.0] - unreleased\n\n### Added\n- A test.\n\n## ", changelog, count=1, flags=re.MULTILINE
        )
        (root / "CHANGELOG.md").write_text(changelog)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "test")
    git(root, "config", "user.email", "test@localhost")
    git(root, "config", "commit.gpgsign", "false")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=All")
    return root


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True, timeout=60).stdout


def release(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, root / "packages/release.py", "--no-wheels", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)


def state_of(root: Path) -> tuple[str, ...]:
    return git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain"), git(root, "tag"), git(root, "worktree", "list")


def test_a_dry_run_shows_the_change_and_changes_nothing(repository: Path) -> None:
    before = state_of(repository)
    done = release(repository, NEW, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"+project(zdev VERSION {NEW} " in done.stdout
    assert "nothing was changed" in done.stdout
    assert state_of(repository) == before
    assert not (repository / "dist").exists()


def test_a_release_sets_version_pins_and_date_and_is_tagged(repository: Path) -> None:
    done = release(repository, NEW)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"git push --atomic origin main v{NEW}" in done.stdout
    assert git(repository, "rev-parse", f"v{NEW}^{{commit}}") == git(repository, "rev-parse", "main")
    assert git(repository, "status", "--porcelain") == ""
    assert f"project(zdev VERSION {NEW} " in (repository / "cpp/CMakeLists.txt").read_text()
    assert "find_package(zdev 98.76 " in (repository / "cpp/examples/CMakeLists.txt").read_text()
    assert re.search(rf"^## \[{NEW}\] - 20\d\d-\d\d-\d\d$", (repository / "CHANGELOG.md").read_text(), re.MULTILINE)
    pins = {
        pin for file in repository.glob("packages/*/pyproject.toml") for pin in re.findall(r'"zdev-.*?==.*?"', file.read_text())
    }
    assert pins == {f'"zdev-core=={NEW}"', f'"zdev-background=={NEW}"'}
    examples = (repository / "cpp/examples/CMakeLists.txt").read_text().partition("\n\n")[2]
    assert examples in (repository / "docs/cpp.md").read_text()
    assert f"newTag: {NEW}\n" in (repository / "docs/deploy/kubernetes/kustomization.yaml").read_text()
    assert f"\nversion: {NEW}\nappVersion: {NEW}\n" in (repository / "docs/deploy/helm/zdev/Chart.yaml").read_text()
    pattern = r"find_package\(zdev [0-9.]+|libzdev(\.so\.)?[0-9.]+[0-9]"
    found = set(git(repository, "grep", "--only-matching", "-hE", pattern, "--", "docs").splitlines())
    assert found == {"find_package(zdev 98.76", "libzdev98.76", "libzdev.so.98.76"}
    built = {each.name for each in (repository / "dist").iterdir()}
    assert built == {f"zdev_{name}-{NEW}.tar.gz" for name in ("core", "background", "cli")}


def refuse(root: Path, version: str, because: str) -> None:
    before = state_of(root)
    done = release(root, version)
    assert done.returncode == 1
    assert because in done.stderr
    assert state_of(root) == before


def test_an_invalid_an_older_and_a_released_version_are_refused(repository: Path) -> None:
    refuse(repository, "1.0", "invalid version")
    refuse(repository, "0.0.1", "is older than")
    git(repository, "tag", f"v{NEW}")
    refuse(repository, NEW, "is already released")


def test_a_work_tree_with_changes_is_refused(repository: Path) -> None:
    (repository / "new.txt").touch()
    refuse(repository, NEW, "?? new.txt")


def test_nothing_to_release_is_refused(repository: Path) -> None:
    changelog = repository / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace(" - unreleased", " - 2026-01-01"))
    git(repository, "commit", "--quiet", "--all", "--message=Released")
    refuse(repository, NEW, "nothing to release")
