"""The content and requirements of the distributions; run by `nox -s packaging`, which builds and installs them."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

DIST = Path(os.environ["ZDEV_DIST"])  # has an sdist and a wheel of each package
CMAKE = Path(__file__).parents[1] / "cpp" / "CMakeLists.txt"
PACKAGES = ["zdev-core", "zdev-background", "zdev-cli"]


def version() -> str:
    found = re.search(r"project\(zdev VERSION ([0-9.]+)", CMAKE.read_text())
    assert found
    return found[1]


def names(package: str, kind: str) -> list[str]:
    [file] = DIST.glob(f"{package.replace('-', '_')}-{version()}{kind}")
    if kind == ".tar.gz":
        with tarfile.open(file) as sdist:
            return sdist.getnames()
    return zipfile.ZipFile(file).namelist()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_the_version_of_the_cpp_library(package: str) -> None:
    assert metadata.version(package) == version()


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_require_exactly_this_version_of_each_other(package: str) -> None:
    siblings = [r.replace(" ", "") for r in metadata.requires(package) or [] if r.startswith("zdev-")]
    below = PACKAGES[: PACKAGES.index(package)][-1:]
    assert siblings == [f"{name}=={version()}" for name in below], f"correct the pin in packages/{package}/pyproject.toml"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_link_on_the_index_page_of_a_package_is_valid(package: str) -> None:
    page = metadata.metadata(package)
    links = re.findall(r"\]\(([^)]*)\)", str(page.get_payload()))
    links += [url.partition(", ")[2] for url in page.get_all("Project-URL", [])]
    assert len(links) > 4
    assert [link for link in links if not link.startswith("https://")] == []
    ours = [link.partition("/blob/main/")[2] for link in links]
    assert [path for path in ours if path and not (CMAKE.parents[1] / path).exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("kind", [".tar.gz", "-*.whl"])
def test_sdists_and_wheels_contain_the_licence_and_the_type_marker_but_no_tests(package: str, kind: str) -> None:
    contained = names(package, kind)
    for wanted in ("LICENSE", f"{package.replace('-', '_')}/py.typed"):
        assert any(name.endswith(wanted) for name in contained), wanted
    assert not [name for name in contained if "/tests/" in name or "_test." in name]


def test_the_wheel_of_zdev_cli_contains_the_status_page() -> None:
    contained = {Path(name).name for name in names("zdev-cli", "-*.whl")}
    assert {"page.html", "page.css", "page.js"} <= contained


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_from_their_installed_wheel(package: str) -> None:
    program = f"import {package.replace('-', '_')} as package; print(package.__file__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60, cwd=DIST)
    assert Path(done.stdout).is_relative_to(sys.prefix)


def test_the_program_zdev_is_installed_and_prints_its_help() -> None:
    done = subprocess.run([Path(sys.prefix, "bin", "zdev"), "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout
