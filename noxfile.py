"""The tasks of this repository: `nox -l` lists them, `nox -s NAME` runs one, `nox -s NAME -- ...` passes arguments on.

Without nox, `python3 noxfile.py -s NAME` does the same from an environment in .nox that it makes first.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import nox_setup
from nox_setup import BROWSER, COMPILER, DEBIAN, GOOGLETEST, MMDEBSTRAP, NETWORK, NOX, ROOT, STRACE, VALGRIND, require

if __name__ == "__main__":
    nox_setup.run_nox()

import nox

nox.needs_version = f">={NOX}"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typing"]
# The sessions start hundreds of Python processes; without bytecode, each would compile every module that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

CORE, *PURE = [ROOT / "packages" / name for name in ("zdev-core", "zdev-background", "zdev-cli")]
BUILD = ROOT / ".nox" / "build"  # one folder for each build, kept, so that only changes are compiled
WHEELS = BUILD / "wheels"
CPUS = str(os.cpu_count() or 1)
FAULTS = {"PYTHONPATH": str(ROOT / "packages/zdev-cli/tests")}  # holds the packages `faults` and `scaling`


def group(name: str) -> list[str]:
    """The requirements of a dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(nox.project.load_toml(ROOT / "pyproject.toml"), name))


def digest(*paths: str | Path) -> str:
    """A hash of the names and contents of files, and of all files in folders except tests."""
    found = sorted(f for path in paths for f in [ROOT / path, *(ROOT / path).rglob("*")] if f.is_file())
    named = [(f.relative_to(ROOT), f) for f in found]
    kept = [str(name).encode() + f.read_bytes() for name, f in named if not {"tests", "__pycache__"} & set(name.parts)]
    return hashlib.sha256(b"".join(kept)).hexdigest()


@nox.session(default=False)
def core(session: nox.Session) -> None:
    """Compile zdev-core into a wheel that the other sessions install; nothing is done if nothing changed.

    One environment compiles for all: the path of pybind11 is on every command line, so another one compiles everything again.
    """
    state = digest("cpp/CMakeLists.txt", "cpp/cmake", "cpp/include", "cpp/load", "cpp/src", "packages/zdev-core") + sys.version
    stamp = WHEELS / "stamp"
    if stamp.exists() and stamp.read_text() == state:
        return
    require(session, COMPILER)
    session.install(*group("build"))
    if not (BUILD / "core").exists():
        session.log("compiling for the first time: a minute or so")
    shutil.rmtree(WHEELS, ignore_errors=True)
    options = ["--no-isolation", f"-Cbuild-dir={BUILD / 'core'}", "--outdir", str(WHEELS)]
    session.run("python", "-m", "build", "--wheel", *options, str(CORE), silent=True)
    stamp.write_text(state)


def install(session: nox.Session, *groups: str) -> None:
    """Install dependency groups and the three packages: zdev-core's wheel, the others in place, so that edits need no step."""
    requirements = [requirement for name in ("build", *groups) for requirement in group(name)]
    stamp = Path(session.virtualenv.location, "zdev-stamp")
    state = (WHEELS / "stamp").read_text() + digest(*(package / "pyproject.toml" for package in PURE)) + " ".join(requirements)
    if stamp.exists() and stamp.read_text() == state:
        return
    session.install(*requirements)
    session.install("--no-deps", "--force-reinstall", *map(str, WHEELS.glob("*.whl")))
    session.install("--no-build-isolation", *(word for package in PURE for word in ("--editable", str(package))))
    stamp.write_text(state)


@nox.session(requires=["core"])
def tests(session: nox.Session) -> None:
    """Run the tests of the packages and of the C++ library, except the slow ones; with arguments, the same as `dev`."""
    if session.posargs:
        session.notify("dev", session.posargs)
        return
    session.notify("cpp")
    require_test_programs(session)
    install(session, "test")
    run_side_by_side(session, "not slow")


@nox.session(default=False, requires=["core"])
def dev(session: nox.Session) -> None:
    """Compile what changed and run pytest with the arguments given: `-- packages/zdev-cli -k tap`; without any, only compile."""
    install(session, "test")
    if session.posargs:
        session.run("pytest", *session.posargs)


@nox.session(default=False, requires=["core"])
def slow(session: nox.Session) -> None:
    """Run what `tests` leaves out: the slow tests, then the sessions `packaging` and `compat`."""
    session.notify("packaging")
    session.notify("compat")
    require_test_programs(session)
    install(session, "test", "foreign")
    run_side_by_side(session, "slow")


def require_test_programs(session: nox.Session) -> None:
    """Programs that some tests use, on Linux; elsewhere, and where they cannot be installed, these tests are skipped."""
    if sys.platform != "linux":
        return
    if not any(map(shutil.which, ("chromium-browser", "google-chrome"))):
        require(session, BROWSER, otherwise="the tests of the page in a browser are skipped")
    require(session, STRACE | NETWORK, otherwise="the tests that use them are skipped")


def run_side_by_side(session: nox.Session, marked: str) -> None:
    """Run several files of tests at a time, since most tests wait most of the time.

    A test that fails among others runs once more, alone: many tests have deadlines, and all compete for the processors.
    """
    failed = ROOT / ".pytest_cache/v/cache/lastfailed"
    failed.unlink(missing_ok=True)
    pytest = ["pytest", "-m", marked]
    try:
        session.run(*pytest, f"--numprocesses={int(CPUS) + 1}", "--dist=loadfile")
    except nox.command.CommandFailed as error:
        some_failed, distribution_failed = 1, 3
        names = json.loads(failed.read_text()) if failed.exists() else {}
        if error.return_code == distribution_failed:
            session.warn("the tests could not be run side by side: running them one after the other")
            session.run(*pytest)
        elif error.return_code == some_failed and names:
            session.warn(f"failed among others, running again alone: {', '.join(names)}")
            session.run(*pytest, "--last-failed", "--last-failed-no-failures=none")
        else:
            raise


@nox.session(default=False)
def cpp(session: nox.Session) -> None:
    """Run the C++ tests, those of the installed library among them; `-- -R Drain` runs those whose names match."""
    require(session, COMPILER | GOOGLETEST | (DEBIAN if shutil.which("dpkg") else {}))
    session.install(*group("cpp"))
    build = str(BUILD / "cpp")
    with session.chdir("cpp"):
        session.run("cmake", "--preset", "dev", "-B", build, silent=True)
    session.run("cmake", "--build", build)
    ctest = ["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error"]
    side_by_side = [*ctest, "--parallel", CPUS]
    if session.posargs:
        session.run(*side_by_side, *session.posargs)
        return
    # Peers that leave between two frames: libzmq's own threads race there, and about one attempt in 300 stalls in the test's sockets.
    timed = "AtFrame|Milliseconds$"  # a busy machine delays them
    try:
        session.run(*side_by_side, "--exclude-regex", timed)
    except nox.command.CommandFailed:
        session.warn("some failed among others: running them again alone")
        session.run(*ctest, "--rerun-failed")
    session.run(*side_by_side, "--tests-regex", timed, "--repeat", "until-pass:3")


@nox.session(default=False)
def packaging(session: nox.Session) -> None:
    """Build each wheel from its sdist outside the repository, test both, and try a release."""
    require(session, COMPILER)
    session.install(*group("release"))
    with tempfile.TemporaryDirectory() as folder:
        for package in (CORE, *PURE):
            session.run("python", "-m", "build", "--no-isolation", "--outdir", folder, str(package), silent=True)
        session.install("--force-reinstall", *(str(wheel) for wheel in Path(folder).glob("*.whl")))
        session.run("pytest", "packages/test_packaging.py", "packages/test_release.py", env={"ZDEV_DIST": folder})


@nox.session(default=False, requires=["core"])
def debian(session: nox.Session) -> None:
    """Build the Debian package of the program; install, upgrade and purge it in a small Debian. Root on Debian or Ubuntu only."""
    if not Path("/etc/debian_version").exists() or os.geteuid() != 0:
        session.skip("requires root on Debian or Ubuntu, to make a system with mmdebstrap")
    version = "import sys; print(*sys.version_info[:2])"
    here, system = (session.run(each, "-c", version, external=True, silent=True) for each in ("python", "/usr/bin/python3"))
    if here != system:
        session.skip("requires the Python of the system, for which the package is: /usr/bin/python3 noxfile.py -s debian")
    require(session, MMDEBSTRAP | DEBIAN)
    install(session, "test-core")
    session.install("pip")
    with tempfile.TemporaryDirectory() as folder:
        for package in PURE:
            session.run("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, str(package), silent=True)
        wheels = [*map(str, Path(folder).glob("*.whl")), *map(str, WHEELS.glob("*.whl"))]
        session.run("python", "docs/deploy/debian/build.py", *wheels, "--output", folder)
        [package] = Path(folder).glob("*.deb")
        session.run("pytest", "packages/test_debian.py", "--basetemp", f"{folder}/tests", env={"ZDEV_DEB": str(package)})


@nox.session(default=False, requires=["core"])
def compat(session: nox.Session) -> None:
    """Run PyZMQ's own tests of its devices, from the sdist of the installed version, on zdev's devices of each engine."""
    install(session, "test")  # the build requirements too: pip prepares an sdist's metadata before it hands the sdist over
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
            for engine in ("auto", "libzmq"):
                session.run(
                    "pytest", "--timeout=60", "-p", "no:cacheprovider", "--rootdir", folder, folder, f"--engine={engine}"
                )


@nox.session
def lint(session: nox.Session) -> None:
    """Check words, the layout of Python and C++, likely bugs, the Containerfile, and the workflows and shell scripts."""
    require(session, COMPILER | GOOGLETEST)
    session.install(*group("build"), *group("lint"))
    session.run("python", "docs/words.py")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("hadolint", "docs/deploy/container/Containerfile")
    check_workflows(session)
    folders = ["cpp", "packages/zdev-core/bridge", "benchmarks"]
    sources = [f for name in folders for f in ROOT.glob(f"{name}/**/*.[ch]pp")]
    ours = [str(f) for f in sources if "build" not in f.relative_to(ROOT).parts]  # folder of CMake's presets
    session.run("clang-format", "--dry-run", "-Werror", *ours)
    run_clang_tidy(session)


def run_clang_tidy(session: nox.Session) -> None:
    """Over the C++ of the wheels, the tests and the benchmarks, which are only configured.

    The path analyzer would take most of the time, so it follows fewer paths; `-- deep` lets it follow as many as is its default.
    It is off for tests, which are several files to a compilation: it would skip the included ones.
    """
    tidy, warnings = ["run-clang-tidy.py", "-quiet", "-j", CPUS], ["-Wall", "-Wextra", "-Wconversion", "-Wshadow"]
    if session.posargs != ["deep"]:
        tidy += [f"-extra-arg={each}" for each in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=15000")]
    options = ["-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DZDEV_BUILD_TESTS=ON", f"-DCMAKE_CXX_FLAGS={' '.join(warnings)}"]
    pybind11 = str(session.run("python", "-m", "pybind11", "--cmakedir", silent=True)).strip()
    parts = {
        "packages/zdev-core": ("", f"-Dpybind11_DIR={pybind11}", "-DSKBUILD_PROJECT_VERSION=0"),
        "cpp": ("/cpp/tests/",),
        "benchmarks": ("/benchmarks/",),
    }
    for folder, (files, *more) in parts.items():
        configured = BUILD / "tidy" / folder
        session.run("cmake", "-G", "Ninja", *options, *more, "-S", folder, "-B", str(configured), silent=True)
        if folder == "cpp":  # clang-tidy looks beside the file that includes the others
            shutil.copy(ROOT / "cpp/tests/.clang-tidy", configured)
        session.run(*tidy, "-p", str(configured), files, silent=True)


def check_workflows(session: nox.Session) -> None:
    scripts = [f for name in (".github", "cpp", "docs") for f in sorted(ROOT.glob(f"{name}/**/*.sh"))]
    scripts += [ROOT / "docs/deploy/debian" / name for name in ("postinst", "prerm", "postrm")]
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


@nox.session(requires=["core"])
def typing(session: nox.Session) -> None:
    """Check the types of the packages and of the code in the documentation, and the stub of the extension against the extension."""
    install(session, "typing", "test")
    others = [
        "noxfile.py",
        "nox_setup.py",
        "packages/release.py",
        "docs/words.py",
        "docs/examples",
        "docs/deploy/debian/build.py",
        "docs/deploy/peers",
        "packages/zdev-background/tests/test_roles.py",
        "benchmarks",
    ]
    session.run("mypy", *(str(package / "src") for package in (CORE, *PURE)), *others)
    for system in ("requests", "market-data", "logs", "two-sites"):  # ipyparallel has no types
        session.run("mypy", f"docs/gallery/{system}")
    pages = str(session.run("python", "packages/zdev-background/tests/pages.py", str(BUILD / "pages"), silent=True))
    session.run("mypy", *pages.split())
    allowed = "packages/zdev-core/tests/stubtest.txt"
    session.run("python", "-m", "mypy.stubtest", "zdev_core", "--allowlist", allowed)


@nox.session(default=False, requires=["core"])
def docs(session: nox.Session) -> None:
    """Build the site of the documentation; `-- linkcheck` checks its links to other sites."""
    install(session, "docs")
    session.run("python", "docs/diagrams/draw.py", "--check")
    builder = session.posargs[0] if session.posargs else "html"
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky", "--fresh-env", "--quiet"]
    site = BUILD / "docs" / builder
    session.run("sphinx-build", *strict, "-b", builder, "-d", str(BUILD / "docs" / "doctrees"), "docs", str(site))
    session.log(f"{site / 'index.html'}" if builder == "html" else f"{site / 'output.txt'}")


@nox.session(default=False, requires=["core"])
def demo(session: nox.Session) -> None:
    """Run clients and workers through a monitored queue for about ten seconds, and count the messages."""
    install(session)
    session.run("python", "docs/examples/demo.py", *session.posargs)


@nox.session(default=False, requires=["core"])
def bench(session: nox.Session) -> None:
    """Measure zdev's devices beside their peers; `-- threads`, `watching`, `calls`, `reconnects` or `waiting` measure others."""
    install(session, "bench")
    session.install("pyomq", success_codes=[0, 1, 2])  # not available on every platform
    others = (["threads"], ["watching"], ["calls"], ["reconnects"], ["waiting"])
    program, *words = session.posargs if session.posargs[:1] in others else ["run", *session.posargs]
    load = ["--build-dir", str(BUILD / "benchmarks")]
    session.run("python", f"benchmarks/{program}.py", *load, *words, env={"CMAKE_GENERATOR": "Ninja"})


@nox.session(default=False, requires=["core"])
def instructions(session: nox.Session) -> None:
    """Count the relay's instructions per message; fail if they exceed zmq_proxy's, or grew by 3 %."""
    require(session, VALGRIND | STRACE)
    install(session, "cpp")
    build = ["--build-dir", str(BUILD / "benchmarks")]
    session.run("python", "benchmarks/instructions.py", *build, *session.posargs, env={"CMAKE_GENERATOR": "Ninja"})


@nox.session(default=False)
@nox.parametrize("sanitizer", ["address", "thread"])
def sanitize(session: nox.Session, sanitizer: str) -> None:
    """Run the C++ tests with AddressSanitizer and UndefinedBehaviorSanitizer, or with ThreadSanitizer."""
    require(session, COMPILER | GOOGLETEST)
    session.install(*group("cpp"))
    with session.chdir("cpp"):
        session.run("cmake", "--preset", sanitizer, silent=True)
        session.run("cmake", "--build", "--preset", sanitizer)
        session.run("ctest", "--preset", sanitizer, "--parallel", CPUS)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Fuzz the relay, the control protocol, ZMTP, the wire engine and the worker protocols with libFuzzer; `-- --seconds 600` each, 60 by default."""
    nox_setup.require_clang_runtime(session)
    session.install(*group("cpp"))
    seconds = session.posargs[1] if session.posargs[:1] == ["--seconds"] else "60"
    with session.chdir("cpp"):
        session.run("cmake", "--preset", "fuzz", silent=True)
        targets = ["relay", "control", "zmtp", *(["wire", "workers"] if sys.platform == "linux" else [])]
        session.run("cmake", "--build", "--preset", "fuzz", "--target", *(f"zdev_{target}_fuzz" for target in targets))
        for target in targets:
            found = BUILD / "fuzz" / target  # inputs that reached new code, kept from run to run, and those that failed
            found.mkdir(parents=True, exist_ok=True)
            # Entropic scheduling would take half of the time.
            options = ["-entropic=0", f"-max_total_time={seconds}", "-max_len=600", "-print_final_stats=1"]
            options += [f"-artifact_prefix={found}/", *(["-dict=tests/fuzz/zmtp.dict"] if target == "zmtp" else [])]
            program = f"build/fuzz/tests/fuzz/zdev_{target}_fuzz"
            session.run(program, *options, str(found), f"tests/fuzz/corpus/{target}", external=True)


@nox.session(default=False, requires=["core"])
def valgrind(session: nox.Session) -> None:
    """Run the tests of zdev-core in valgrind's memcheck; takes minutes."""
    require(session, VALGRIND)
    install(session, "test")
    leaks = ["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--num-callers=30"]
    suppressions = "--suppressions=packages/zdev-core/tests/valgrind.supp"
    memcheck = ["valgrind", "--quiet", "--error-exitcode=9", *leaks, suppressions]
    # valgrind runs one thread at a time, so test_gil.py cannot pass.
    folder = "packages/zdev-core/tests"
    tests = ["python", "-m", "pytest", "--timeout=600", folder, f"--ignore={folder}/test_gil.py"]
    # One block for each object, filled: CPython multiplies digits that it did not set by zero.
    python = {"PYTHONMALLOC": "malloc_debug"}
    session.run(*memcheck, *tests, *session.posargs, external=True, env=python)


@nox.session(default=False, requires=["core"])
def faults(session: nox.Session) -> None:
    """Kill, freeze, cut off and overload a device, and account for every message; `-- --scale 0.1 --only NAME`."""
    install(session)
    session.run("python", "-m", "faults", *session.posargs, env=FAULTS)


@nox.session(default=False, requires=["core"])
def soak(session: nox.Session) -> None:
    """Run ten minutes of load and faults, and report what grows; `-- --minutes 60`."""
    install(session)
    session.run("python", "-m", "faults", "--only", "soak", *session.posargs, env=FAULTS)


@nox.session(default=False, requires=["core"])
def scaling(session: nox.Session) -> None:
    """Run replicas and chains of devices on several hosts, as network namespaces, and break some. Root on Linux only."""
    if sys.platform != "linux" or os.geteuid() != 0:
        session.skip("requires network namespaces: Linux, as root")
    require(session, NETWORK)
    install(session)
    session.run("python", "-m", "scaling", *session.posargs, env=FAULTS)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Make a release: `-- 0.2.0`, after all tests; with `--dry-run`, only show what it would do."""
    require(session, COMPILER)
    session.install(*group("release"))
    if "--dry-run" not in session.posargs:
        session.run(sys.executable, str(ROOT / "noxfile.py"), "-s", "tests", "slow", "lint", "typing", external=True)
    session.run("python", "packages/release.py", *session.posargs)
