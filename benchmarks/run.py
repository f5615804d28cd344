"""Measures devices side by side: ``python benchmarks/run.py --help``. README.md tells what is measured and how."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from devices import DIRECT, PEERS
from measure import Case, Failed, Sample, measure
from report import Results, as_json, goals, machine, table

HERE = Path(__file__).resolve().parent

CASES = {
    "stream-64": Case("stream", 64),
    "stream-4096": Case("stream", 4096),
    "round-trips": Case("round-trips", 64, window=256, unit="round trips"),
    "latency": Case("request-reply", 64, unit="round trips", latency=True),
}


def _quit(text: str) -> NoReturn:
    print(f"benchmarks: {text}", file=sys.stderr)
    sys.exit(1)


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    """A parser of names with commas between them."""

    def names(text: str) -> list[str]:
        for name in text.split(","):
            if name not in known:
                raise argparse.ArgumentTypeError(f"no '{name}'; there are {', '.join(known)}")
        return text.split(",")

    return names


def _positive(kind: type[int | float]) -> Callable[[str], float]:
    """A parser of numbers above 0."""

    def number(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError("must be more than 0")
        return value

    return number


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures zdev's devices beside their peers, in interleaved rounds.")
    parser.add_argument("--quick", action="store_true", help="5 rounds of 0.3 s: about a minute in all")
    parser.add_argument("--rounds", type=_positive(int), metavar="N", help="rounds (7)")
    parser.add_argument("--seconds", type=_positive(float), metavar="S", help="measured seconds of each (1.0)")
    parser.add_argument("--patterns", type=_names(CASES), default=list(CASES), help=f"of {','.join(CASES)}")
    parser.add_argument("--peers", type=_names([*PEERS, DIRECT]), help=f"of {','.join([*PEERS, DIRECT])}")
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="where the load generator is built")
    parser.add_argument("--json", type=Path, help="where the results go (results.json in the build directory)")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (5 if arguments.quick else 7)
    arguments.seconds = arguments.seconds or (0.3 if arguments.quick else 1.0)
    arguments.json = arguments.json or arguments.build_dir / "results.json"
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    return arguments


def _available(asked: list[str] | None) -> list[str]:
    """The peers to measure: those asked for, which must be there, or all that are."""
    missing = {name: absent for name, peer in PEERS.items() if (absent := peer.missing())}
    for name in asked or []:
        if name in missing:
            _quit(f"{name} needs the Python package {missing[name]}, which is not installed for {sys.executable}")
    if not asked:
        for name, distribution in missing.items():
            print(f"{name}: left out, the Python package {distribution} is not installed", file=sys.stderr)
    return asked or [name for name in [*PEERS, DIRECT] if name not in missing]


def _build(directory: Path) -> Path:
    """Builds the load generator and returns its path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    cmake = shutil.which("cmake", path=path) or _quit("cmake is missing: install it, or run `pip install cmake`")
    for command in (["-S", str(HERE), "-B", str(directory)], ["--build", str(directory), "--parallel", "2"]):
        done = subprocess.run([cmake, *command], check=False, capture_output=True, text=True, timeout=600)
        if done.returncode:
            said = done.stdout + done.stderr
            _quit(f"the load generator was not built (it needs a C++17 compiler, libzmq and cppzmq):\n{said}")
    return directory / "load"


def _plan(cases: list[str], peers: list[str], rounds: int) -> Iterator[tuple[int, str, str]]:
    """Round, case and peer of every measurement. Each round starts with another peer, so that none is always first."""
    for round_ in range(rounds):
        for case in cases:
            shift = round_ % len(peers)
            yield from ((round_, case, peer) for peer in peers[shift:] + peers[:shift])


def _progress(text: str) -> None:
    """One line that is written over on a terminal, a line each elsewhere."""
    print(*(("\r\033[K", text) if sys.stderr.isatty() else (text, "\n")), sep="", end="", file=sys.stderr, flush=True)


def _run(arguments: argparse.Namespace, peers: list[str], program: Path) -> list[Sample]:
    plan = list(_plan(arguments.patterns, peers, arguments.rounds))
    begin = time.monotonic()
    samples: list[Sample] = []
    for number, (round_, case, peer) in enumerate(plan):
        left = (time.monotonic() - begin) / number * (len(plan) - number) if number else 0
        remaining = f", {left:.0f} s left" if number else ""
        _progress(f"[{number + 1}/{len(plan)}] round {round_ + 1}, {case}, {peer}{remaining}")
        samples.append(measure(program, peer, case, CASES[case], round_ + 1, arguments.seconds))
    _progress("done")
    return samples


def _print(results: Results, peers: list[str]) -> None:
    for case in results.cases:
        print(f"\n{table(results, case, peers)}")
    print("\nCPU ns, of which the relaying thread, and sleeps woken: of the device, per message or round trip.")
    print("x PEER: the row's figure over the peer's, as the median of the rounds' ratios (of a latency, less is better).")
    print(goals(results))


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` ends the processes
    arguments = _arguments()
    peers = _available(arguments.peers)
    at_start = machine()
    try:
        samples = _run(arguments, peers, _build(arguments.build_dir))
    except Failed as failure:
        _quit(f"FAILED: {failure}")
    except KeyboardInterrupt:
        _quit("interrupted")
    results = Results(samples, {name: CASES[name] for name in arguments.patterns})
    _print(results, peers)
    arguments.json.write_text(json.dumps(as_json(results, at_start, arguments.seconds), indent=1) + "\n")
    print(f"All samples, machine and versions: {arguments.json}")


if __name__ == "__main__":
    main()
