"""Share what the programs here have in common: options, the build, the order of measurements, and progress."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from measure import Programs

HERE = Path(__file__).resolve().parent


def give_up(text: str) -> NoReturn:
    """Print an error and exit with status 1."""
    print(f"benchmarks: {text}", file=sys.stderr)
    sys.exit(1)


def names_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a parser of comma-separated names; a name that ends with * stands for every name with that beginning."""

    def names(text: str) -> list[str]:
        found: list[str] = []
        for word in text.split(","):
            matches = [n for n in known if n == word or (word.endswith("*") and n.startswith(word[:-1]))]
            if not matches:
                raise argparse.ArgumentTypeError(f"unknown name '{word}'; available: {', '.join(known)}")
            found += matches
        return found

    return names


def positive(kind: type[int | float]) -> Callable[[str], float]:
    """Return a parser of numbers above 0."""

    def number(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError("must be more than 0")
        return value

    return number


def _libzmq_of_pyzmq() -> Path | None:
    """Return the libzmq that C++ and Python devices share in a comparison; None where LD_PRELOAD has no effect."""
    return Path(import_module("zdev_core").libzmq()) if sys.platform == "linux" else None


def build(directory: Path, libzmq: Path | None = None, drafts: Path | None = None, trial: Path | None = None) -> Programs:
    """Build the C++ programs."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    cmake = shutil.which("cmake", path=path) or give_up("cmake not found: install it, or run `pip install cmake`")
    for command in (["-S", str(HERE), "-B", str(directory)], ["--build", str(directory), "--parallel", "2"]):
        done = subprocess.run([cmake, *command], check=False, capture_output=True, text=True, timeout=600)
        if done.returncode:
            output = done.stdout + done.stderr
            give_up(f"cannot build the programs (a C++17 compiler, libzmq and cppzmq are required):\n{output}")
    return Programs(directory / "load", directory / "native", libzmq or _libzmq_of_pyzmq(), drafts, trial)


def plan_of(cases: list[str], peers: list[str], rounds: int) -> Iterator[tuple[int, str, str]]:
    """Yield round, case and peer of every measurement; each round starts with another peer, so that no peer is always first."""
    for round_ in range(rounds):
        for case in cases:
            shift = round_ % len(peers)
            yield from ((round_, case, peer) for peer in peers[shift:] + peers[:shift])


def progress(text: str) -> None:
    """Show progress: on a terminal in one line, which each call replaces; elsewhere in one line per call."""
    print(*(("\r\033[K", text) if sys.stderr.isatty() else (text, "\n")), sep="", end="", file=sys.stderr, flush=True)
