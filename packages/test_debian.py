"""The Debian package of the program, in a Debian that mmdebstrap makes; run as root by `nox -s debian`, which builds the package.

The tests use one system, one after the other: the package is installed, used, upgraded, removed and purged.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

PACKAGE = Path(os.environ["ZDEV_DEB"])
MANUAL, COMPLETIONS = "usr/share/man/man1/zdev.1.gz", ("bash-completion/completions/zdev", "zsh/vendor-completions/_zdev")
CONFIGURATION = """\
# edited
[[device]]
name = "thread"
type = "queue"
in.bind = "tcp://127.0.0.1:*"
out.bind = "tcp://127.0.0.1:*"

[[device]]
name = "process"
type = "queue"
isolation = "process"
in.bind = "tcp://127.0.0.1:*"
out.bind = "tcp://127.0.0.1:*"
"""
pytestmark = pytest.mark.timeout(300)


def field(name: str) -> str:
    return subprocess.run(["dpkg-deb", "--field", PACKAGE, name], capture_output=True, text=True, check=True).stdout.strip()


def sources() -> str:
    """The host's own package sources of its distribution."""
    form = "$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", form, "Identifier: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(sorted(set(re.findall(r"^(?:Debian|Ubuntu)\|(.*)$", listed, re.MULTILINE)))) + "\n"


def release() -> str:
    return re.findall(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.MULTILINE)[0]


class System:
    """A Debian in a folder.

    Attributes:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        wanted = ",".join(["adduser", *re.findall(r"(?:^|, )([a-z0-9.+-]+)", field("Depends"))])
        (root.parent / "sources.list").write_text(sources())
        options = ["--quiet", "--mode=root", "--variant=minbase", f"--include={wanted}"]
        subprocess.run(["mmdebstrap", *options, release(), root, root.parent / "sources.list"], check=True)

    def command(self, *words: str, user: str = "root") -> list[str]:
        """A command of the system, with other processes and mounts than the host."""
        separate = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.root}/proc"]
        empty = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"]
        return [*separate, "chroot", f"--userspec={user}:{user}", str(self.root), *empty, *words]

    def run(self, *words: str, user: str = "root") -> str:
        done = subprocess.run(self.command(*words, user=user), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, package: Path) -> None:
        """Install or upgrade a package, as an unattended upgrade does."""
        copy = self.root / "package.deb"
        copy.write_bytes(package.read_bytes())
        self.run("dpkg", "--force-confdef", "--force-confold", "-i", "/package.deb")
        copy.unlink()

    def content(self) -> dict[str, str]:
        """All files and folders, except the records of dpkg, with hashes of those that have content."""
        ignored = ("var/lib/dpkg", "var/log", "var/cache", "proc", "sys", "dev", "run", "tmp")
        found: dict[str, str] = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if not name.startswith(ignored) and not re.fullmatch(r"etc/\w+-", name):  # passwd- is a backup
                regular = path.is_file() and not path.is_symlink()
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if regular else ""
        return found

    @contextmanager
    def zdev(self) -> Iterator[dict[str, str]]:
        """Run the service's command as its user, and yield the endpoint of each socket."""
        self.run("install", "-d", "-o", "zdev", "-m", "0700", "/run/zdev")
        unit = (self.root / "usr/lib/systemd/system/zdev.service.d/package.conf").read_text()
        [control] = re.findall(r"^Environment=(ZDEV_CONTROL=.*)$", unit, re.MULTILINE)
        words = ["env", control, "zdev", "run", "-c", "/etc/zdev/zdev.toml"]
        with subprocess.Popen(self.command(*words, user="zdev"), stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                lines = []
                for line in process.stdout:
                    lines.append(line.split())
                    if line.startswith("started:"):
                        break
                yield {" ".join(words[:2]): words[-1] for words in lines}
            finally:  # a kill of unshare would not reach it: setuid clears the signal that it gets then
                subprocess.run(self.command("env", control, "zdev", "shutdown", "--now"), timeout=60, check=False)
                process.kill()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[System, dict[str, str]]:
    """A system without zdev, and its content."""
    system = System(tmp_path_factory.mktemp("debian") / "root")
    return system, system.content()


@pytest.fixture(scope="module")
def system(before: tuple[System, dict[str, str]]) -> System:
    """The system with zdev."""
    before[0].install(PACKAGE)
    return before[0]


def upgrade(folder: Path) -> Path:
    """The same package with a higher version and another zdev.toml."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", PACKAGE, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 99.0", control.read_text(), flags=re.MULTILINE))
    with (tree / "etc/zdev/zdev.toml").open("a") as file:
        file.write("# new in 99.0\n")
    package = folder / "zdev_99.deb"
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", "-Znone", tree, package], check=True, stdout=subprocess.DEVNULL
    )
    return package


def test_the_program_runs_from_the_shell(system: System) -> None:
    version = field("Version")
    assert version in system.run("zdev", "--version")
    assert system.run("zdev", "validate", "/etc/zdev/zdev.toml", user="zdev")


def test_messages_pass_through_devices_in_a_thread_and_in_a_process(system: System) -> None:
    (system.root / "etc/zdev/zdev.toml").write_text(CONFIGURATION)
    with system.zdev() as at, zmq.Context() as context:
        for name in ("thread", "process"):
            with context.socket(zmq.REQ) as client, context.socket(zmq.REP) as worker:
                for socket, role in ((client, "in"), (worker, "out")):
                    socket.linger, socket.rcvtimeo = 0, 20_000
                    socket.connect(at[f"{name} {role}"])
                client.send(b"hello")
                worker.send(worker.recv().upper())
                assert client.recv() == b"HELLO"
        assert "ready: 2 of 2 devices active" in system.run("zdev", "status")  # root needs no option


def test_the_units_are_installed_and_start_the_program_of_the_package(system: System) -> None:
    units = system.root / "usr/lib/systemd/system"
    assert sorted(path.name for path in units.glob("zdev*")) == ["zdev.service", "zdev.service.d", "zdev.socket"]
    text = (units / "zdev.service").read_text() + (units / "zdev.service.d/package.conf").read_text()
    programs = re.findall(r"^Exec\w+=(/\S*zdev)\b", text, re.MULTILINE)
    assert programs
    assert all((system.root / program[1:]).exists() for program in programs)


def test_shells_complete_and_man_shows_the_manual(system: System) -> None:
    assert (system.root / MANUAL).stat().st_size > 200
    for name in COMPLETIONS:
        assert (system.root / "usr/share" / name).stat().st_size > 200


def test_no_file_is_written_beside_the_program(system: System) -> None:
    listed = set(system.run("dpkg", "--listfiles", "zdev").split())
    present = {f"/{path.relative_to(system.root)}" for path in (system.root / "usr/lib/zdev").rglob("*")}
    assert present - listed == set()


def test_an_upgrade_keeps_an_edited_configuration(system: System, tmp_path: Path) -> None:
    (system.root / "etc/zdev/zdev.toml").write_text(CONFIGURATION)
    system.install(upgrade(tmp_path))
    assert system.run("dpkg-query", "-W", "-f", "${Version}", "zdev") == "99.0"
    assert (system.root / "etc/zdev/zdev.toml").read_text() == CONFIGURATION
    assert system.run("zdev", "--version")


def test_a_removal_keeps_the_configuration_and_a_purge_leaves_no_trace(
    before: tuple[System, dict[str, str]], system: System
) -> None:
    (system.root / "etc/zdev/keys/orders.key").write_text("a key\n")
    system.run("dpkg", "--remove", "zdev")
    assert (system.root / "etc/zdev/zdev.toml").exists()
    assert not (system.root / "usr/lib/zdev").exists()
    system.run("dpkg", "--purge", "zdev")
    assert system.content() == before[1]
