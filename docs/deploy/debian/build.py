"""Build the Debian package of the program: `python build.py WHEEL ... --output FOLDER`, with the wheels of zdev's packages.

The package has the program with everything that it imports in a virtual environment, /usr/lib/zdev, on Debian's Python. It fits the
Debian release, and the architecture, on which it is built. Run as root or in fakeroot, so that the files belong to root.
"""

from __future__ import annotations

import argparse
import gzip
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TOP = HERE.parents[2]
PYTHON = "/usr/bin/python3"
HOMEPAGE = "https://github.com/zdev-project/zdev"
MAINTAINER = "zdev developers <zdev-project@users.noreply.github.com>"
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/zdev",
    "zsh": "usr/share/zsh/vendor-completions/_zdev",
    "fish": "usr/share/fish/vendor_completions.d/zdev.fish",
}
CONTROL = """\
Package: zdev
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: {libraries}, python3 (>= {python}~), python3 (<< {next_python}~), adduser
Section: net
Priority: optional
Homepage: {homepage}
Description: run and watch ZeroMQ devices
 A queue, forwarder or streamer relays messages between two ZeroMQ sockets, and
 can copy each of them to a third. This is the program zdev, with a service.
"""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def write(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)


def install_program(root: Path, wheels: list[Path]) -> Path:
    """Make the virtual environment, and return its program zdev, which runs where it is now."""
    environment = root / "usr/lib/zdev"
    run(PYTHON, "-m", "venv", "--without-pip", environment)
    python = environment / "bin/python3"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"]
    run(*pip, "install", "--no-compile", "--only-binary=:all:", *wheels)
    for path in (environment / "bin").iterdir():
        if path.name not in ("python", "python3", "zdev"):
            path.unlink()
    shutil.rmtree(environment / "include", ignore_errors=True)
    (environment / "lib64").unlink(missing_ok=True)
    compile_all = "-m", "compileall", "-q", "-j0", "--invalidation-mode=checked-hash", "-s", str(root), "-p", "/"
    run(python, *compile_all, environment / "lib")
    return environment / "bin/zdev"


def relocate(root: Path) -> None:
    """Replace the folder of the build by that of the installation."""
    for path in (root / "usr/lib/zdev/bin/zdev", root / "usr/lib/zdev/pyvenv.cfg"):
        path.write_text(path.read_text().replace(str(root), ""))
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/zdev").symlink_to("../lib/zdev/bin/zdev")


def generate(root: Path, zdev: Path) -> None:
    """Write the manual pages and the completions with the program itself."""
    pages = root / "usr/share/man/man1"
    pages.mkdir(parents=True)
    run(zdev.with_name("python3"), "-m", "zdev_cli.manual", pages)
    for page in sorted(pages.iterdir()):
        write(page.with_name(f"{page.name}.gz"), gzip.compress(page.read_bytes(), 9, mtime=0))
        page.unlink()
    for shell, path in COMPLETIONS.items():
        write(root / path, run(zdev, "completion", shell) + "\n")


def install_service(root: Path) -> None:
    """Install the units of docs/deploy/systemd with the package's differences, the configuration, and the documentation."""
    units = root / "usr/lib/systemd/system"
    for name in ("zdev.service", "zdev.socket"):
        unit = (HERE.parent / "systemd" / name).read_text().replace("/opt/zdev/bin/zdev", "/usr/bin/zdev")
        write(units / name, re.sub(r"^ListenStream=(\d+)$", r"ListenStream=127.0.0.1:\1", unit, flags=re.MULTILINE))
    write(units / "zdev.service.d/package.conf", (HERE / "package.conf").read_text())
    write(root / "etc/zdev/zdev.toml", (HERE / "zdev.toml").read_text())
    for name in ("keys", "clients", "workers"):
        (root / "etc/zdev" / name).mkdir(mode=0o755)
    write(root / "usr/share/doc/zdev/copyright", (TOP / "LICENSE").read_text())
    write(root / "usr/share/doc/zdev/README", (HERE / "README").read_text())
    write(root / "usr/share/doc/zdev/changelog.gz", gzip.compress((TOP / "CHANGELOG.md").read_bytes(), 9, mtime=0))


def libraries(root: Path) -> str:
    """Return the packages of the libraries that zdev's own extension needs; those of other wheels carry theirs."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "debian/control"), "Source: zdev\n\nPackage: zdev\nArchitecture: any\n")
        objects = sorted((root / "usr/lib/zdev").rglob("zdev_core/*.so"))
        words = run("dpkg-shlibdeps", "--warnings=0", "-O", *(f"-e{path}" for path in objects), cwd=Path(folder))
    return words.removeprefix("shlibs:Depends=")


def pack(root: Path, version: str, output: Path) -> Path:
    """Write DEBIAN/ and pack the package."""
    minor = int(run(PYTHON, "-c", "import sys; print(sys.version_info.minor)"))
    architecture = run("dpkg", "--print-architecture")
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink()) // 1024
    fields = {"version": version, "architecture": architecture, "maintainer": MAINTAINER, "homepage": HOMEPAGE, "size": size}
    fields |= {"libraries": libraries(root), "python": f"3.{minor}", "next_python": f"3.{minor + 1}"}
    write(root / "DEBIAN/control", CONTROL.format(**fields))
    write(root / "DEBIAN/conffiles", "/etc/zdev/zdev.toml\n")
    for script in ("postinst", "prerm", "postrm"):
        write(root / "DEBIAN" / script, (HERE / script).read_text(), 0o755)
    package = output / f"zdev_{version}_{architecture}.deb"
    run("dpkg-deb", "--build", "--root-owner-group", "-Zxz", "-z2", root, package)
    return package


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the Debian package of zdev.")
    parser.add_argument(
        "wheels", metavar="WHEEL", nargs="+", type=Path, help="wheels of zdev-core, zdev-background and zdev-cli"
    )
    parser.add_argument("--output", type=Path, default=Path(), help="folder for the package; default: the current one")
    options = parser.parse_args(words)
    version = next(wheel.name.split("-")[1] for wheel in options.wheels if wheel.name.startswith("zdev_cli-"))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir(mode=0o755)
        zdev = install_program(root, options.wheels)
        generate(root, zdev)
        install_service(root)
        relocate(root)
        print(pack(root, version, options.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
