"""Make a release: `nox -s release -- 0.2.0`. With `--dry-run`, show what that would do and change nothing.

Everything happens in a second work tree of the last commit, so a failed release leaves no trace. The version, the pins and the
changelog are set, then sdists and wheels are built and checked. Only then are the commit and its tag added to the branch. Nothing
is pushed: the last lines show the command, and the pushed tag makes .github/workflows/release.yml publish.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = ("zdev-core", "zdev-background", "zdev-cli")
VERSION = r"[0-9]+\.[0-9]+\.[0-9]+"
LIBRARY = Path("cpp/CMakeLists.txt")  # defines the version
CHANGELOG = Path("CHANGELOG.md")
MINOR = {  # files with the version without its last number, and a pattern of the text before it
    "cpp/examples/CMakeLists.txt": r"find_package\(zdev ",
    "docs/cpp.md": r"find_package\(zdev ",
    "docs/packages.md": r"find_package\(zdev |`libzdev|`libzdev\.so\.",
}
IMAGE = Path("docs/deploy/kubernetes/kustomization.yaml")
CHART = Path("docs/deploy/helm/zdev/Chart.yaml")
UNRELEASED = re.compile(r"^## \[[^]]+\] - unreleased\n(?P<changes>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class ReleaseError(Exception):
    """The release is not possible, for the reason in the text; nothing has been changed."""


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return its output.

    Raises:
        ReleaseError: It failed; the text has the command and its output.
    """
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
        stderr=subprocess.STDOUT if command[0] != "git" else None,
    )  # fmt: skip
    if done.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))} failed with status {done.returncode}\n{done.stdout}")
    return done.stdout


def substitute(file: Path, pattern: str, replacement: str) -> None:
    """Replace all matches of the pattern in a file.

    Raises:
        ReleaseError: There is no match.
    """
    text, count = re.subn(pattern, replacement, file.read_text(), flags=re.MULTILINE)
    if not count:
        raise ReleaseError(f"{file.name}: no match for {pattern} (update packages/release.py)")
    file.write_text(text)


def check_ready(root: Path, version: str) -> None:
    """Raise ReleaseError unless the version is new and valid, and there are changes, all committed, to release."""
    if not re.fullmatch(VERSION, version):
        raise ReleaseError(f"invalid version {version}: must be three numbers, like 0.2.0")
    if dirty := run("git", "status", "--porcelain", cwd=root):
        raise ReleaseError(f"the work tree has uncommitted changes (commit or stash them):\n{dirty}")
    if run("git", "tag", "--list", f"v{version}", cwd=root):
        raise ReleaseError(f"{version} is already released: tag v{version} exists")
    found = re.search(rf"project\(zdev VERSION ({VERSION})", (root / LIBRARY).read_text())
    if not found:
        raise ReleaseError(f"{LIBRARY} has no project(zdev VERSION ...)")
    if [int(n) for n in version.split(".")] < [int(n) for n in found[1].split(".")]:
        raise ReleaseError(f"{version} is older than {found[1]}, the version in {LIBRARY}")
    changes = UNRELEASED.search((root / CHANGELOG).read_text())
    if not changes or "\n- " not in changes["changes"]:
        raise ReleaseError(f"nothing to release: {CHANGELOG} has no section `## [...] - unreleased` with a change in it")


def set_version(root: Path, version: str, today: datetime.date) -> None:
    """Set the version in every file that has it, and the date in the changelog."""
    minor = version.rpartition(".")[0]
    substitute(root / LIBRARY, rf"project\(zdev VERSION {VERSION}", f"project(zdev VERSION {version}")
    substitute(root / IMAGE, rf"newTag: {VERSION}", f"newTag: {version}")
    substitute(root / CHART, rf"^(version|appVersion): {VERSION}", rf"\g<1>: {version}")
    for file, before in MINOR.items():
        substitute(root / file, rf"({before})[0-9]+\.[0-9]+", rf"\g<1>{minor}")
    substitute(
        root / CHANGELOG, r"\A(.*?)^## \[[^]]+\] - unreleased$".replace(".*?", r"[\s\S]*?"), rf"\1## [{version}] - {today}"
    )
    for package in PACKAGES[1:]:
        substitute(root / "packages" / package / "pyproject.toml", rf'"(zdev-[a-z]+)=={VERSION}"', rf'"\1=={version}"')


def build(root: Path, *, wheels: bool) -> Path:
    """Build sdists, and wheels from them, and check them as PyPI and the packaging tests do."""
    folder = root / "dist"
    for package in PACKAGES:
        print(f"building {package}", flush=True)
        kinds = [] if wheels else ["--sdist"]
        paths = ("--outdir", folder, root / "packages" / package)
        run(sys.executable, "-m", "build", "--no-isolation", *kinds, *paths, cwd=root)
    print(f"checking {', '.join(sorted(each.name for each in folder.iterdir()))}", flush=True)
    run(sys.executable, "-m", "twine", "check", "--strict", *folder.iterdir(), cwd=root)
    content = "contain" if wheels else "contain and tar"
    tests = ("-m", "pytest", "-p", "no:cacheprovider", "packages/test_packaging.py", "-k", content)
    run(sys.executable, *tests, cwd=root, env={"ZDEV_DIST": str(folder)})
    return folder


@contextmanager
def second_work_tree(root: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder).resolve() / "zdev"
        run("git", "worktree", "add", "--quiet", "--detach", tree, cwd=root)
        try:
            yield tree
        finally:
            run("git", "worktree", "remove", "--force", tree, cwd=root)


def release(root: Path, version: str, *, dry_run: bool, wheels: bool) -> None:
    check_ready(root, version)
    with second_work_tree(root) as tree:
        set_version(tree, version, datetime.datetime.now(datetime.UTC).date())
        print(run("git", "diff", cwd=tree))
        folder = build(tree, wheels=wheels)
        if dry_run:
            print(f"dry run: {version} can be released (nothing was changed)")
            return
        run("git", "commit", "--quiet", "--all", "--message", f"Release {version}", cwd=tree)
        run("git", "merge", "--quiet", "--ff-only", run("git", "rev-parse", "HEAD", cwd=tree).strip(), cwd=root)
        run("git", "tag", "--annotate", "--message", f"zdev {version}", f"v{version}", cwd=root)
        shutil.copytree(folder, root / "dist", dirs_exist_ok=True)
    branch = run("git", "branch", "--show-current", cwd=root).strip()
    print(f"{version} is committed, tagged and built in dist/. To publish it, push the branch and the tag together:")
    print(f"    git push --atomic origin {branch} v{version}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="nox -s release --", description="Make a release of the library and the packages.")
    parser.add_argument("version", help="like 0.2.0")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, build and check; change nothing")
    parser.add_argument("--no-wheels", action="store_true", help="build and check sdists only")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        release(arguments.root.resolve(), arguments.version, dry_run=arguments.dry_run, wheels=not arguments.no_wheels)
    except ReleaseError as error:
        sys.exit(f"cannot release: {error}")


if __name__ == "__main__":
    main()
