"""What can be done with this repository: `nox -l` lists the sessions, `nox -s NAME` runs one, words after `--` go to its program.

Where nox is missing, `python3 noxfile.py -s NAME` does the same: it makes a private environment with nox and goes on there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parent.resolve()
NOX = "2026.2.9"  # the oldest that will do
PRIVATE = ROOT / ".nox" / f"nox-{NOX}"  # the environment made where nox is missing


def say(text: str) -> None:
    print(f"zdev > {text}", flush=True)


def nox_is_here() -> bool:
    """Whether the running Python has a nox that will do."""
    try:
        found = importlib.metadata.version("nox")
    except importlib.metadata.PackageNotFoundError:
        return False
    return [int(n) for n in found.split(".")[:3]] >= [int(n) for n in NOX.split(".")]


def done(*command: str | Path) -> bool:
    """Whether the command runs and succeeds; it prints nothing."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_private_environment(python: Path) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit("zdev > Python's venv module is incomplete; install it (Debian, Ubuntu: apt-get install python3-venv)")
    say(f"nox is missing: making a private environment for it in {PRIVATE.relative_to(ROOT)} (once)")
    subprocess.run([sys.executable, "-m", "venv", "--clear", PRIVATE], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    say("installing nox, and uv to install faster")
    if subprocess.run([*pip, "install", f"nox>={NOX}"], check=False).returncode:
        sys.exit("zdev > nox could not be installed; pip says above why")
    # uv has settings of its own: where only pip is told of an index or a proxy, uv reaches none, and pip goes on alone.
    try_uv = ["-m", "uv", "pip", "install", "--quiet", "--dry-run", "--reinstall-package", "packaging", "packaging", "--python"]
    if not (done(*pip, "install", "uv") and done(python, *try_uv, python)):
        say("uv does not work here; pip will do")
        subprocess.run([*pip, "uninstall", "--yes", "uv"], check=False)


def run_as_script() -> NoReturn:
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where one learns so
        sys.exit(f"zdev > Python 3.11 or newer is needed; this is {sys.version.split()[0]}")
    python, arguments = Path(sys.executable), sys.argv[1:]
    if not nox_is_here():
        python = PRIVATE / "bin" / "python"
        if not done(python, "-c", "import nox"):
            make_private_environment(python)
        if not done(python, "-c", "import uv"):
            arguments = ["--default-venv-backend", "virtualenv", *arguments]
    os.execv(python, [str(python), "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), *arguments])


if __name__ == "__main__":
    run_as_script()

import nox

nox.needs_version = f">={NOX}"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typing"]

PACKAGES = [ROOT / "packages" / name for name in ("zdev-core", "zdev-background", "zdev-cli")]
BUILD = ROOT / ".nox" / "build"  # one folder for each thing built; what did not change is not compiled again
WHEELS = BUILD / "wheels"
CPUS = str(os.cpu_count() or 1)
FAULTS = {"PYTHONPATH": str(ROOT / "packages/zdev-cli/tests")}  # where the packages `faults` and `scaling` are

# What Python's index does not have: a program or header, and its package for apt-get, dnf and brew.
COMPILER = {
    "c++": ("g++", "gcc-c++", "gcc"),
    "Python.h": ("python3-dev", "python3-devel", "python3"),
    "zmq.h": ("libzmq3-dev", "zeromq-devel", "zeromq"),
    "zmq.hpp": ("cppzmq-dev", "cppzmq-devel", "cppzmq"),
}
TESTER = {
    "pkg-config": ("pkg-config", "pkgconf-pkg-config", "pkgconf"),
    "gtest/gtest.h": ("libgtest-dev", "gtest-devel", "googletest"),
}
if shutil.which("dpkg"):  # where Debian packages can be made, they are tested
    TESTER |= {"dpkg-shlibdeps": ("dpkg-dev", "dpkg-dev", "dpkg"), "file": ("file", "file", "file")}
COUNTER = {"valgrind": ("valgrind", "valgrind", "valgrind"), "strace": ("strace", "strace", "strace")}  # strace: Linux only
ROUTES = {"ip": ("iproute2", "iproute", "iproute2mac"), "tc": ("iproute2", "iproute-tc", "iproute2mac")}  # Linux only
BROWSER = {"chromium": ("chromium", "chromium", "chromium")}  # 113 MB, and what it needs: half a minute
FUZZER = {"clang++": ("clang", "clang", "llvm")}
INSTALLERS = ("apt-get", "dnf", "brew")


def present(name: str) -> bool:
    """Whether the program or header is where compilers and CMake look for it."""
    if "." not in name:
        return shutil.which((os.environ.get("CXX") or name).split()[0] if name == "c++" else name) is not None
    prefixes = ["/usr", "/usr/local", "/opt/homebrew", os.environ.get("CONDA_PREFIX", "")]
    prefixes += os.environ.get("CMAKE_PREFIX_PATH", "").split(os.pathsep)
    folders = [sysconfig.get_path("include"), *(f"{prefix}/include" for prefix in prefixes if prefix)]
    return any(Path(folder, name).exists() for folder in folders)


def need(session: nox.Session, packages: dict[str, tuple[str, str, str]], without: str = "") -> None:
    """Install with the system's package manager what is missing, or end the session with a line that tells what to install.

    without: what becomes of the session where that cannot be; it goes on then, but not in CI, where nothing is to be left out.
    """
    missing = [name for name in packages if not present(name)]
    if not missing:
        return
    manager = next((name for name in INSTALLERS if shutil.which(name)), INSTALLERS[0])
    names = [packages[name][INSTALLERS.index(manager)] for name in missing]
    options = {"apt-get": ["-y", "--no-install-recommends"], "dnf": ["-y"], "brew": []}[manager]
    install = [manager, "install", *options, *names]
    sudo = [] if manager == "brew" or os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which(manager) or (sudo and not done(*sudo, "true")):
        text = f"{', '.join(missing)} missing; as root, run: {' '.join(install)}"
        if without and not os.environ.get("CI"):
            session.warn(f"{text} - {without}")
            return
        session.error(text)
    session.log(f"{', '.join(missing)} missing: installing {' '.join(names)}, which may take a minute")
    if manager == "apt-get":
        session.run(*sudo, manager, "update", external=True, silent=True, success_codes=[0, 100])
    session.run(*sudo, *install, external=True, silent=True)


def group(name: str) -> list[str]:
    """The requirements of a dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(nox.project.load_toml(ROOT / "pyproject.toml"), name))


def install(session: nox.Session, *groups: str) -> None:
    """Install dependency groups, and the three packages as the session `wheels` built them."""
    wheels = [str(wheel) for wheel in WHEELS.glob("*.whl")]
    session.install(*(requirement for name in groups for requirement in group(name)), *wheels)
    session.install("--force-reinstall", "--no-deps", *wheels)  # the version may be the same and the content not


def digest(*paths: str) -> str:
    """A hash of the names and contents of files, and of all files in folders but tests."""
    found = sorted(f for path in paths for f in [ROOT / path, *(ROOT / path).rglob("*")] if f.is_file())
    named = [(f.relative_to(ROOT), f) for f in found]
    kept = [str(name).encode() + f.read_bytes() for name, f in named if not {"tests", "__pycache__"} & set(name.parts)]
    return hashlib.sha256(b"".join(kept)).hexdigest()


@nox.session(default=False)
def wheels(session: nox.Session) -> None:
    """Build the wheels of the three packages, compiling only what changed."""
    need(session, COMPILER)
    session.install(*group("build"))
    shutil.rmtree(WHEELS, ignore_errors=True)
    options = ["--no-isolation", "--wheel", "--outdir", str(WHEELS), f"-Cbuild-dir={BUILD / 'core'}"]
    if not (BUILD / "core").exists():
        session.log("compiling for the first time: a minute or two")
    for package in PACKAGES:
        session.run("python", "-m", "build", *options, str(package), silent=True, env={"CMAKE_EXPORT_COMPILE_COMMANDS": "ON"})


@nox.session(default=False, requires=["wheels"])
def demo(session: nox.Session) -> None:
    """Run clients and workers through a monitored queue for about ten seconds, and count what passed."""
    install(session)
    session.run("python", "docs/examples/demo.py", *session.posargs)


@nox.session(default=False)
def cpp(session: nox.Session) -> None:
    """Run the C++ tests, those of the installed library among them."""
    need(session, COMPILER | TESTER)
    session.install(*group("cpp"))
    build = str(BUILD / "cpp")
    with session.chdir("cpp"):
        session.run("cmake", "--preset", "dev", "-B", build, silent=True)
    session.run("cmake", "--build", build)
    ctest = ["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error", "--parallel", CPUS]
    # Peers that leave between two frames: libzmq's own threads race there, and about one attempt in 300 stalls in the test's sockets.
    racing = ["--tests-regex", "AtFrame"]
    session.run(*ctest, "--exclude-regex", "AtFrame")
    session.run(*ctest, *racing, "--repeat", "until-pass:3")


@nox.session(default=False)
def packaging(session: nox.Session) -> None:
    """Build each wheel from its sdist outside of the repository, test both, and that a release works; not if nothing changed."""
    parts = ("CMakeLists.txt", "cmake", "examples", "include", "load", "src")
    stamp, seen = (
        BUILD / "packaging",
        digest("CHANGELOG.md", "LICENSE", *(f"cpp/{name}" for name in parts), "docs/cpp.md", "docs/packages.md", "packages"),
    )
    if stamp.exists() and stamp.read_text() == seen:
        session.skip("unchanged since it last passed")
    need(session, COMPILER)
    session.install(*group("release"))
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            session.run("python", "-m", "build", "--no-isolation", "--outdir", folder, str(package), silent=True)
        built = [str(wheel) for wheel in Path(folder).glob("*.whl")]
        session.install("--force-reinstall", *built)
        session.run("pytest", "packages/test_packaging.py", "packages/test_release.py", env={"ZDEV_DIST": folder})
    BUILD.mkdir(parents=True, exist_ok=True)
    stamp.write_text(seen)


@nox.session(requires=["wheels"])
def tests(session: nox.Session) -> None:
    """Run every test: those of the three packages as they are installed, then the sessions `cpp`, `packaging` and `compat`.

    With words for pytest, `-- packages/zdev-cli -k tap`, run those alone.
    """
    for name in () if session.posargs else ("cpp", "packaging", "compat"):
        session.notify(name)
    if sys.platform == "linux" and not any(map(shutil.which, ("chromium-browser", "google-chrome"))):
        need(session, BROWSER, without="till then, the page is not looked at in a browser")
    if sys.platform == "linux":
        need(session, {"strace": COUNTER["strace"]} | ROUTES, without="till then, the tests that need these are left out")
    install(session, "test")
    if session.posargs:
        session.run("pytest", "--timeout=60", *session.posargs)
    else:
        run_all_tests(session)


def run_all_tests(session: nox.Session) -> None:
    """A file's tests one after the other, several files at once, for most of them wait most of the time.

    What fails beside others runs once more, alone: many tests have deadlines, and libzmq's threads race for the processors too.
    """
    failed = ROOT / ".pytest_cache/v/cache/lastfailed"
    failed.unlink(missing_ok=True)
    pytest = ["pytest", "--timeout=60"]
    try:
        session.run(*pytest, f"--numprocesses={int(CPUS) + 1}", "--dist=loadfile")
    except nox.command.CommandFailed as error:
        some_failed, distribution_failed = 1, 3
        names = json.loads(failed.read_text()) if failed.exists() else {}
        if error.return_code == distribution_failed:
            session.warn("the tests could not be run side by side: one after the other now")
            session.run(*pytest)
        elif error.return_code == some_failed and names:
            session.warn(f"failed beside others, and run alone now: {', '.join(names)}")
            session.run(*pytest, "--last-failed", "--last-failed-no-failures=none")
        else:
            raise


@nox.session(default=False, requires=["wheels"])
def compat(session: nox.Session) -> None:
    """Run PyZMQ's own tests of its devices, from the sdist of the version installed, with zdev's devices in their place."""
    install(session, "build", "test")  # from an sdist, pip makes metadata before it lets one have it: with the build tools
    session.install("pip")
    version = "import importlib.metadata; print(importlib.metadata.version('pyzmq'))"
    pyzmq = f"pyzmq=={str(session.run('python', '-c', version, silent=True)).strip()}"
    with tempfile.TemporaryDirectory() as folder:
        download = ["download", "--quiet", "--no-deps", "--no-binary=pyzmq", "--no-build-isolation", "--dest", folder]
        session.run("python", "-m", "pip", *download, pyzmq)
        with tarfile.open(next(Path(folder).glob("pyzmq-*.tar.gz"))) as sdist:
            for name in ("test_device.py", "test_monqueue.py", "test_proxy_steerable.py", "zmq_test_utils.py"):
                content = sdist.extractfile(f"{sdist.getnames()[0].partition('/')[0]}/tests/{name}")
                Path(folder, name).write_bytes(content.read() if content else b"")
        shutil.copy(ROOT / "packages/zdev-background/tests/instead_of_zmq_devices.py", Path(folder, "conftest.py"))
        with session.chdir(folder):
            session.run("pytest", "--timeout=60", "-p", "no:cacheprovider", "--rootdir", folder, folder)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Make a release: `-- 0.2.0`; with `--dry-run`, show what that would do. First the tests must pass, unless it is a dry run."""
    need(session, COMPILER)
    session.install(*group("release"))
    if "--dry-run" not in session.posargs:
        session.run(sys.executable, str(ROOT / "noxfile.py"), "-s", "tests", "lint", "typing", external=True)
    session.run("python", "packages/release.py", *session.posargs)


@nox.session(requires=["wheels"])
def lint(session: nox.Session) -> None:
    """Check the layout of Python and C++, look for likely bugs, and check the workflows and shell scripts."""
    need(session, COMPILER | TESTER)
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    check_workflows(session)
    folders = ["cpp", "packages/zdev-core/bridge", "benchmarks"]
    sources = [f for name in folders for f in ROOT.glob(f"{name}/**/*.[ch]pp")]
    ours = [str(f) for f in sources if "build" not in f.relative_to(ROOT).parts]  # where CMake's presets build
    session.run("clang-format", "--dry-run", "-Werror", *ours)
    look_for_bugs(session)


def look_for_bugs(session: nox.Session) -> None:
    """Run clang-tidy over the C++ that the wheels are made of, the tests and the benchmarks; the latter are not compiled for it."""
    tidy, warnings = ["run-clang-tidy.py", "-quiet", "-j", CPUS], ["-Wall", "-Wextra", "-Wconversion", "-Wshadow"]
    session.run(*tidy, "-p", str(BUILD / "core"), *(f"-extra-arg={warning}" for warning in warnings), silent=True)
    options = ["-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DZDEV_BUILD_TESTS=ON", f"-DCMAKE_CXX_FLAGS={' '.join(warnings)}"]
    for folder, files in {"cpp": "/cpp/tests/", "benchmarks": "/benchmarks/"}.items():
        configured = str(BUILD / "tidy" / folder)
        session.run("cmake", "-G", "Ninja", *options, "-S", folder, "-B", configured, silent=True)
        session.run(*tidy, "-p", configured, files, silent=True)


def check_workflows(session: nox.Session) -> None:
    scripts = [f for name in (".github", "cpp", "docs") for f in sorted(ROOT.glob(f"{name}/**/*.sh"))]
    session.run("shellcheck", ".ci/run", *map(str, scripts))
    session.run("actionlint")
    session.run("zizmor", "--offline", "--quiet", ".github")
    schemas = {
        "github-workflows": "workflows/*.yml",
        "github-issue-forms": "ISSUE_TEMPLATE/[!c]*.yml",
        "github-issue-config": "ISSUE_TEMPLATE/config.yml",
        "dependabot": "dependabot.yml",
    }
    for schema, pattern in schemas.items():
        files = map(str, (ROOT / ".github").glob(pattern))
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files, silent=True)


@nox.session(requires=["wheels"])
def typing(session: nox.Session) -> None:
    """Check the types of the packages, and the stub of the extension against the extension."""
    install(session, "typing")
    others = ["noxfile.py", "packages/release.py", "docs/examples", "docs/deploy/peers", "benchmarks"]
    session.run("mypy", *(str(package / "src") for package in PACKAGES), *others)
    allowed = "packages/zdev-core/tests/stubtest.txt"
    session.run("python", "-m", "mypy.stubtest", "zdev_core", "--allowlist", allowed)


@nox.session(default=False, requires=["wheels"])
def docs(session: nox.Session) -> None:
    """Build the site of the documentation; `-- linkcheck` asks the network whether its links to elsewhere hold."""
    install(session, "docs")
    session.run("python", "docs/diagrams/draw.py", "--check")
    builder = session.posargs[0] if session.posargs else "html"
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky", "--fresh-env", "--quiet"]
    site = BUILD / "docs" / builder
    session.run("sphinx-build", *strict, "-b", builder, "-d", str(BUILD / "docs" / "doctrees"), "docs", str(site))
    session.log(f"{site / 'index.html'}" if builder == "html" else f"{site / 'output.txt'}")


@nox.session(default=False, requires=["wheels"])
def bench(session: nox.Session) -> None:
    """Measure zdev's devices beside their peers; `-- threads`, `-- watching` and `-- calls` measure something else."""
    install(session, "bench")
    session.install("pyomq", success_codes=[0, 1, 2])  # a peer that not every platform has
    program, *words = (
        session.posargs if session.posargs[:1] in (["threads"], ["watching"], ["calls"]) else ["run", *session.posargs]
    )
    load = ["--build-dir", str(BUILD / "benchmarks")]
    session.run("python", f"benchmarks/{program}.py", *load, *words, env={"CMAKE_GENERATOR": "Ninja"})


@nox.session(default=False, requires=["wheels"])
def instructions(session: nox.Session) -> None:
    """Count the instructions of the relay for a message; fail where they exceed zmq_proxy's, or those recorded by 3 %."""
    need(session, COMPILER | COUNTER)
    install(session, "cpp")
    build = ["--build-dir", str(BUILD / "benchmarks")]
    session.run("python", "benchmarks/instructions.py", *build, *session.posargs, env={"CMAKE_GENERATOR": "Ninja"})


@nox.session(default=False)
@nox.parametrize("sanitizer", ["address", "thread"])
def sanitize(session: nox.Session, sanitizer: str) -> None:
    """Run the C++ tests with AddressSanitizer and UndefinedBehaviorSanitizer, or with ThreadSanitizer."""
    need(session, COMPILER | TESTER)
    session.install(*group("cpp"))
    with session.chdir("cpp"):
        session.run("cmake", "--preset", sanitizer, silent=True)
        session.run("cmake", "--build", "--preset", sanitizer)
        session.run("ctest", "--preset", sanitizer, "--parallel", CPUS)


def need_runtime_of_clang(session: nox.Session) -> None:
    """Its sanitizers and libFuzzer, which Debian has in a package of their own, named after the version."""
    asked = ["-print-runtime-dir"], ["-dumpversion"]
    folder, version = (str(session.run("clang++", *words, external=True, silent=True, log=False)).strip() for words in asked)
    if not list(Path(folder).glob("*fuzzer*")):
        need(session, {"libclang_rt.fuzzer": (f"libclang-rt-{version.partition('.')[0]}-dev", "compiler-rt", "llvm")})


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Fuzz the relay and the control protocol with libFuzzer; `-- --seconds 600` each, by default 60."""
    need(session, COMPILER | TESTER | FUZZER)
    need_runtime_of_clang(session)
    session.install(*group("cpp"))
    seconds = session.posargs[1] if session.posargs[:1] == ["--seconds"] else "60"
    with session.chdir("cpp"):
        session.run("cmake", "--preset", "fuzz", silent=True)
        session.run("cmake", "--build", "--preset", "fuzz", "--target", "zdev_relay_fuzz", "zdev_control_fuzz")
        for target in ("relay", "control"):
            found = BUILD / "fuzz" / target  # inputs of other coverage, kept from run to run; and those that fail
            found.mkdir(parents=True, exist_ok=True)
            options = [f"-max_total_time={seconds}", "-max_len=600", "-print_final_stats=1", f"-artifact_prefix={found}/"]
            program = f"build/fuzz/tests/fuzz/zdev_{target}_fuzz"
            session.run(program, *options, str(found), f"tests/fuzz/corpus/{target}", external=True)


@nox.session(default=False, requires=["wheels"])
def valgrind(session: nox.Session) -> None:
    """Run the tests of zdev-core in valgrind's memcheck; takes minutes."""
    need(session, {"valgrind": COUNTER["valgrind"]})
    install(session, "test")
    leaks = ["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--num-callers=30"]
    suppressions = "--suppressions=packages/zdev-core/tests/valgrind.supp"
    memcheck = ["valgrind", "--quiet", "--error-exitcode=9", *leaks, suppressions]
    # valgrind runs one thread at a time: what test_gil.py asks for can't be.
    folder = "packages/zdev-core/tests"
    tests = ["python", "-m", "pytest", "--timeout=600", folder, f"--ignore={folder}/test_gil.py"]
    # Each of Python's objects is a block of its own, and filled: CPython multiplies digits that it did not set by zero.
    python = {"PYTHONMALLOC": "malloc_debug"}
    session.run(*memcheck, *tests, *session.posargs, external=True, env=python)


@nox.session(default=False, requires=["wheels"])
def faults(session: nox.Session) -> None:
    """Kill, freeze, storm, cut off and overload a device, and account for every message; `-- --scale 0.1 --only NAME`."""
    install(session)
    session.run("python", "-m", "faults", *session.posargs, env=FAULTS)


@nox.session(default=False, requires=["wheels"])
def soak(session: nox.Session) -> None:
    """Ten minutes of load and faults; what grows is told, and must not; `-- --minutes 60`."""
    install(session)
    session.run("python", "-m", "faults", "--only", "soak", *session.posargs, env=FAULTS)


@nox.session(default=False, requires=["wheels"])
def scaling(session: nox.Session) -> None:
    """Replicas and chains of devices on several hosts, which are network namespaces: some come, go, lose their network. Root only."""
    if sys.platform != "linux" or os.geteuid() != 0:
        session.skip("network namespaces are made by root, on Linux")
    need(session, ROUTES)
    install(session)
    session.run("python", "-m", "scaling", *session.posargs, env=FAULTS)
