"""The implementations under test, and how to get each; a test is skipped, with the reason, where one cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
NODE = "zeromq@6.8.0"


class Implementation(NamedTuple):
    """One row of the table.

    Attributes:
        name: For people.
        command: Gets the implementation, into a folder that is kept, and returns how to start a peer.
        zmtp: The version of the protocol.
        keys: Whether its peer has PLAIN and CURVE.
    """

    name: str
    command: Callable[[Path], list[str]]
    zmtp: str = "3.1"
    keys: bool = True


def get(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command that gets something from outside; skip the test if it fails."""
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, timeout=120, text=True)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{command[0]} failed: {error.stderr.strip()[-300:]}")
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(str(error))


def c_libzmq(folder: Path) -> list[str]:
    if not Path("/usr/include/zmq.h").exists():
        pytest.skip("the headers of libzmq are not installed")
    return compiled_c(folder, "-lzmq")


def compiled_c(folder: Path, *libraries: str) -> list[str]:
    program, made = folder / "peer", folder / "peer.new"
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-pthread", HERE / "peer.c", "-o", made, *libraries], check=True)
    made.replace(program)  # another process may run the old one
    return [str(program)]


def c_libzmq_of_wheel(pyzmq: str, python: str) -> Callable[[Path], list[str]]:
    """The older libzmq that a wheel of pyzmq for an older Python contains."""

    def command(folder: Path) -> list[str]:
        wanted = ["--only-binary=:all:", "--python-version", python, "--platform", "manylinux1_x86_64", f"pyzmq=={pyzmq}"]
        if not list(folder.glob("zmq/.libs/libzmq*")):
            get(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *wanted)
        (library,) = folder.glob("zmq/.libs/libzmq*")
        return compiled_c(folder, str(library), f"-Wl,-rpath,{library.parent}", "-Wl,--allow-shlib-undefined")

    return command


def python(module: str) -> Callable[[Path], list[str]]:
    def command(_: Path) -> list[str]:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
        return [sys.executable, str(HERE / "peer.py"), module]

    return command


def node(folder: Path) -> list[str]:
    package = folder / "node_modules/zeromq"
    if not package.exists():
        get("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, NODE)
    return ["env", f"ZEROMQ={package}", "node", str(HERE / "peer.mjs")]


def compiled_java(folder: Path, classes: str) -> list[str]:
    get("javac", "-version")
    subprocess.run(["javac", "-nowarn", "-cp", classes, "-d", folder, HERE / "Peer.java"], check=True)
    return ["java", "-cp", f"{folder}{os.pathsep}{classes}", "Peer"]


def jeromq(folder: Path) -> list[str]:
    classes = os.environ.get("JEROMQ")
    if not classes:
        pytest.skip("JEROMQ is not set: the class path of JeroMQ 0.4 or later")
    return compiled_java(folder, classes)


def jeromq_of_debian(folder: Path) -> list[str]:
    jar = folder / "usr/share/java/jeromq.jar"
    if not jar.exists():
        get("apt-get", "download", "libjeromq-java", cwd=folder)
        get("dpkg", "-x", next(folder.glob("*.deb")), folder)
    return compiled_java(folder, str(jar))


IMPLEMENTATIONS = [
    Implementation("libzmq 4.1 in C", c_libzmq_of_wheel("16.0.4", "3.6"), "3.0"),
    Implementation("libzmq 4.2 in C", c_libzmq_of_wheel("17.1.2", "3.7"), "3.0"),
    Implementation("libzmq in C", c_libzmq),
    Implementation("pyzmq", python("zmq")),
    Implementation("pyomq", python("pyomq")),
    Implementation("zeromq of Node", node),
    Implementation("JeroMQ", jeromq, "3.0", keys=False),
    Implementation("JeroMQ 0.3 of Debian", jeromq_of_debian, "2.0", keys=False),
]
