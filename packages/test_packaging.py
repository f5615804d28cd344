"""What the distributions promise each other and carry: run by `nox -s packaging`, which built and installed them."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

DIST = Path(os.environ["ZDEV_DIST"])  # holds an sdist and a wheel of each package
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
def test_packages_require_each_other_in_exactly_this_version(package: str) -> None:
    siblings = [r.replace(" ", "") for r in metadata.requires(package) or [] if r.startswith("zdev-")]
    below = PACKAGES[: PACKAGES.index(package)][-1:]
    assert siblings == [f"{name}=={version()}" for name in below], f"mend the pin in packages/{package}/pyproject.toml"


@pytest.mark.parametrize("package", PACKAGES)
def test_on_the_index_every_link_of_a_package_leads_somewhere(package: str) -> None:
    page = metadata.metadata(package)
    links = re.findall(r"\]\(([^)]*)\)", str(page.get_payload()))
    links += [url.partition(", ")[2] for url in page.get_all("Project-URL", [])]
    assert len(links) > 4
    assert [link for link in links if not link.startswith("https://")] == []
    ours = [link.partition("/blob/main/")[2] for link in links]
    assert [path for path in ours if path and not (CMAKE.parents[1] / path).exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("kind", [".tar.gz", "-*.whl"])
def test_sdists_and_wheels_carry_the_licence_and_the_type_marker_but_no_tests(package: str, kind: str) -> None:
    carried = names(package, kind)
    for wanted in ("LICENSE", f"{package.replace('-', '_')}/py.typed"):
        assert any(name.endswith(wanted) for name in carried), wanted
    assert not [name for name in carried if "/tests/" in name or "_test." in name]


def test_the_wheel_of_the_program_carries_its_page() -> None:
    carried = {Path(name).name for name in names("zdev-cli", "-*.whl")}
    assert {"page.html", "page.css", "page.js"} <= carried


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_from_their_installed_wheel(package: str) -> None:
    program = f"import {package.replace('-', '_')} as package; print(package.__file__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60, cwd=DIST)
    assert Path(done.stdout).is_relative_to(sys.prefix)


def test_the_program_zdev_is_installed_and_tells_its_use() -> None:
    done = subprocess.run([Path(sys.prefix, "bin", "zdev"), "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout
