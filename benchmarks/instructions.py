"""Counts the instructions that a relay takes for a message, and fails when they are too many.

``python benchmarks/instructions.py [--update]``

Counted by valgrind's callgrind, in the thread that relays, over inproc: relay.cpp sends bursts through zdev's queue, where the
count repeats within 1 %, and through libzmq's zmq_proxy, where it varies by some 5 %. The check fails when zdev needs more than
zmq_proxy in small bursts, or in large ones 3 % more than instructions.json says, which holds for one libzmq and compiler only.
Beside it, as information: system calls a message, counted by strace.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from run import HERE, build, give_up

RECORD = HERE / "instructions.json"
ALLOWED = 1.03  # times the recorded figure
RUNS = 3
BURSTS = {1: 1000, 10: 500, 100: 200}  # messages a burst: how many bursts
DEVICES = ("queue", "monitored-queue", "zmq-proxy")
PATTERNS = ("stream", "round-trips")
LARGEST = "bursts of 100"  # what a device under load finds waiting
# What must not need more than zmq_proxy. Not the large bursts, where all work is to move frames through libzmq's public
# functions, which zmq_proxy, a part of libzmq, goes around.
AT_MOST_PROXY = ("stream, bursts of 1", "stream, bursts of 10", "round-trips, bursts of 1")


@dataclass(frozen=True)
class Kind:
    pattern: str
    burst: int
    device: str

    def command(self, relay: Path, bursts: int) -> list[str]:
        return [str(relay), self.device, self.pattern, str(bursts), str(self.burst)]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    if done.returncode:
        give_up(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stderr


def _relaying_thread(relay: Path, kind: Kind, bursts: int) -> int:
    """Instructions of the one thread that is neither the first nor libzmq's: the one with most of the rest."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"--callgrind-out-file={folder}/out"
        _run(["valgrind", "--tool=callgrind", "--separate-threads=yes", out, *kind.command(relay, bursts)])
        found = [re.search(r"^totals: (\d+)", file.read_text(), re.MULTILINE) for file in Path(folder).glob("out-*")]
        first = re.search(r"^totals: (\d+)", Path(folder, "out-01").read_text(), re.MULTILINE)
    totals = sorted(int(match[1]) for match in found if match)
    if first is None or len(totals) < 2:
        give_up("callgrind wrote no totals by thread")
    totals.remove(int(first[1]))
    return totals[-1]


def _slope(few: float, many: float, kind: Kind) -> float:
    """What a message adds: start and end cost the same whatever is relayed."""
    return (many - few) / (2 * BURSTS[kind.burst] * kind.burst)


def instructions(relay: Path, kind: Kind) -> float:
    runs = []
    for _ in range(RUNS):
        few, many = (_relaying_thread(relay, kind, times * BURSTS[kind.burst]) for times in (1, 3))
        runs.append(_slope(few, many, kind))
    return median(runs)


def system_calls(relay: Path, kind: Kind) -> float | None:
    """Of the whole process, its two ends included."""
    if not shutil.which("strace"):
        return None
    counts = []
    for times in (1, 3):
        said = _run(["strace", "--follow-forks", "--summary-only", *kind.command(relay, times * BURSTS[kind.burst])])
        total = re.search(r"^100\.00 +\S+ +(?:\S+ +)?(\d+).* total$", said, re.MULTILINE)
        if total is None:
            return None
        counts.append(int(total[1]))
    return _slope(counts[0], counts[1], kind)


def toolchain(relay: Path) -> str:
    """What the figures depend on besides zdev."""
    compiler = subprocess.run(["c++", "-dumpfullversion"], check=False, capture_output=True, text=True).stdout.strip()
    linked = subprocess.run(["ldd", str(relay)], check=False, capture_output=True, text=True).stdout
    libzmq = re.search(r"libzmq\S* => (\S+)", linked)
    name = Path(libzmq[1]).resolve().name if libzmq else "libzmq"
    return f"{platform.machine()}, c++ {compiler}, {name}"


def failures(found: dict[str, dict[str, float]], chain: str) -> list[str]:
    """Why the check fails; empty: it passes."""
    recorded: dict[str, Any] = {"toolchain": "", "instructions": {}}
    if RECORD.exists():
        recorded = json.loads(RECORD.read_text())
    if recorded["toolchain"] != chain:
        print(f"recorded for {recorded['toolchain'] or 'nothing'}, not for {chain}: only compared with zmq_proxy")
        recorded["instructions"] = {}
    said = []
    for name, figures in found.items():
        ours, theirs = figures["queue"], figures["zmq-proxy"]
        if name in AT_MOST_PROXY and ours > theirs:
            said.append(f"{name}: {ours:.0f} instructions a message, zmq_proxy needs {theirs:.0f}")
        before = recorded["instructions"].get(name)
        if before and name.endswith(LARGEST) and ours > ALLOWED * before["queue"]:
            said.append(f"{name}: {ours:.0f} instructions a message, {ours / before['queue']:.3f} times the recorded")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description="Counts the instructions that a relay takes for a message.")
    parser.add_argument("--update", action="store_true", help="record the figures in instructions.json")
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="where the programs are built")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        give_up("valgrind is missing: install it with the system's package manager")
    relay = build(arguments.build_dir).load.with_name("relay")
    found: dict[str, dict[str, float]] = {}
    calls: dict[str, dict[str, float | None]] = {}
    print(f"{'a message':<28}" + "".join(f"{device:>17}" for device in DEVICES) + f"{'queue/zmq-proxy':>17}  system calls")
    for pattern in PATTERNS:
        for burst in BURSTS:
            name = f"{pattern}, bursts of {burst}"
            kinds = {device: Kind(pattern, burst, device) for device in DEVICES}
            found[name] = figures = {device: round(instructions(relay, kind), 1) for device, kind in kinds.items()}
            calls[name] = syscalls = {device: system_calls(relay, kind) for device, kind in kinds.items()}
            line = f"{name:<28}" + "".join(f"{figures[device]:>17.0f}" for device in DEVICES)
            counted = "  ".join("-" if n is None else f"{n:.3f}" for n in syscalls.values())
            print(f"{line}{figures['queue'] / figures['zmq-proxy']:>17.3f}  {counted}", flush=True)
    chain = toolchain(relay)
    said = failures(found, chain)
    if arguments.update:
        RECORD.write_text(json.dumps({"toolchain": chain, "instructions": found, "system calls": calls}, indent=1) + "\n")
        print(f"recorded in {RECORD.name}")
    for text in said:
        print(f"FAILED: {text}", file=sys.stderr)
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
