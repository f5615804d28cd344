"""The preparation that noxfile.py needs: nox itself, and packages of the operating system."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import nox

ROOT = Path(__file__).parent.resolve()
NOX = "2026.2.9"  # the oldest version that works
NOX_ENVIRONMENT = ROOT / ".nox" / f"nox-{NOX}"

Packages = dict[str, tuple[str, str, str]]
"""A program or header, and the package that has it, by package manager in the order of MANAGERS."""

MANAGERS = {"apt-get": ["-y", "--no-install-recommends"], "dnf": ["-y"], "brew": []}

COMPILER: Packages = {
    "c++": ("g++", "gcc-c++", "gcc"),
    "Python.h": ("python3-dev", "python3-devel", "python3"),
    "zmq.h": ("libzmq3-dev", "zeromq-devel", "zeromq"),
    "zmq.hpp": ("cppzmq-dev", "cppzmq-devel", "cppzmq"),
    "sodium.h": ("libsodium-dev", "libsodium-devel", "libsodium"),
}
GOOGLETEST: Packages = {
    "pkg-config": ("pkg-config", "pkgconf-pkg-config", "pkgconf"),
    "gtest/gtest.h": ("libgtest-dev", "gtest-devel", "googletest"),
}
DEBIAN: Packages = {"dpkg-shlibdeps": ("dpkg-dev", "dpkg-dev", "dpkg"), "file": ("file", "file", "file")}
MMDEBSTRAP: Packages = {"mmdebstrap": ("mmdebstrap", "mmdebstrap", "mmdebstrap")}
VALGRIND: Packages = {"valgrind": ("valgrind", "valgrind", "valgrind")}
STRACE: Packages = {"strace": ("strace", "strace", "strace")}  # Linux only
NETWORK: Packages = {
    "ip": ("iproute2", "iproute", "iproute2mac"),
    "tc": ("iproute2", "iproute-tc", "iproute2mac"),
}  # Linux only
BROWSER: Packages = {"chromium": ("chromium", "chromium", "chromium")}  # 113 MB and its dependencies: half a minute
CLANG: Packages = {"clang++": ("clang", "clang", "llvm")}


def run_nox() -> NoReturn:
    """Replace this process by nox, from an environment in .nox where the running Python has none."""
    if sys.version_info < (3, 11):  # noqa: UP036 - older versions still parse this file
        sys.exit(f"zdev: Python 3.11 or newer is required; this is {sys.version.split()[0]}")
    python, arguments = Path(sys.executable), sys.argv[1:]
    if not _has_nox():
        python = NOX_ENVIRONMENT / "bin" / "python"
        if not _succeeds(python, "-c", "import nox"):
            _make_nox_environment(python)
        if not _succeeds(python, "-c", "import uv"):
            arguments = ["--default-venv-backend", "virtualenv", *arguments]
    os.execv(python, [str(python), "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), *arguments])


def require(session: nox.Session, packages: Packages, otherwise: str = "") -> None:
    """Install missing programs and headers, or end the session with the command that root must run.

    Args:
        session: The running session.
        packages: What the session needs.
        otherwise: The consequence of going on without them. If given, a developer's session warns and goes on; CI never does.
    """
    if not all(map(_is_installed, packages)):
        with _one_at_a_time():
            _install(session, packages, otherwise)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Exclude other runs of nox in this folder: a package manager refuses to run twice."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (ROOT / ".nox" / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(session: nox.Session, packages: Packages, otherwise: str) -> None:
    missing = [name for name in packages if not _is_installed(name)]
    if not missing:
        return
    manager = next(filter(shutil.which, MANAGERS), "apt-get")
    names = [packages[name][list(MANAGERS).index(manager)] for name in missing]
    command = [manager, "install", *MANAGERS[manager], *names]
    sudo = [] if manager == "brew" or os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which(manager) or (sudo and not _succeeds(*sudo, "true")):
        text = f"{', '.join(missing)} not found; as root, run: {' '.join(command)}"
        if otherwise and not os.environ.get("CI"):
            session.warn(f"{text} ({otherwise})")
            return
        session.error(text)
    session.log(f"{', '.join(missing)} not found: installing {' '.join(names)}, which may take a minute")
    if manager == "apt-get":
        session.run(*sudo, manager, "update", external=True, silent=True, success_codes=[0, 100])
    session.run(*sudo, *command, external=True, silent=True)


def require_clang_runtime(session: nox.Session) -> None:
    """Install the runtime of clang's sanitizers and libFuzzer, a separate package in Debian, named after clang's version."""
    require(session, COMPILER | GOOGLETEST | CLANG)
    questions = ["-print-runtime-dir"], ["-dumpversion"]
    folder, version = (str(session.run("clang++", *each, external=True, silent=True, log=False)).strip() for each in questions)
    if not list(Path(folder).glob("*fuzzer*")):
        require(session, {"libclang_rt.fuzzer": (f"libclang-rt-{version.partition('.')[0]}-dev", "compiler-rt", "llvm")})


def _is_installed(name: str) -> bool:
    """Whether the program or header is where compilers and CMake look for it."""
    if "." not in name:
        return shutil.which((os.environ.get("CXX") or name).split()[0] if name == "c++" else name) is not None
    prefixes = ["/usr", "/usr/local", "/opt/homebrew", os.environ.get("CONDA_PREFIX", "")]
    prefixes += os.environ.get("CMAKE_PREFIX_PATH", "").split(os.pathsep)
    folders = [sysconfig.get_path("include"), *(f"{prefix}/include" for prefix in prefixes if prefix)]
    return any(Path(folder, name).exists() for folder in folders)


def _has_nox() -> bool:
    try:
        version = importlib.metadata.version("nox")
    except importlib.metadata.PackageNotFoundError:
        return False
    return [int(part) for part in version.split(".")[:3]] >= [int(part) for part in NOX.split(".")]


def _make_nox_environment(python: Path) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            "zdev: Python's venv module is incomplete: install python3-venv (Debian, Ubuntu: apt-get install python3-venv)"
        )
    print(f"zdev: installing nox in {NOX_ENVIRONMENT.relative_to(ROOT)} (once)", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", NOX_ENVIRONMENT], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    if subprocess.run([*pip, "install", f"nox>={NOX}"], check=False).returncode:
        sys.exit("zdev: cannot install nox: see pip's message above")
    # uv does not read pip's settings: with an index or a proxy that only pip knows, it reaches nothing, and pip must do.
    try_uv = ["-m", "uv", "pip", "install", "--quiet", "--dry-run", "--reinstall-package", "packaging", "packaging", "--python"]
    if not (_succeeds(*pip, "install", "uv") and _succeeds(python, *try_uv, python)):
        print("zdev: uv does not work here: using pip", flush=True)
        subprocess.run([*pip, "uninstall", "--yes", "uv"], check=False)


def _succeeds(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
