"""Counts the instructions that a relay takes for a message, and fails when they are too many.

``python benchmarks/instructions.py [--update | --profile]``

Counted by valgrind's callgrind, in the thread that relays, over inproc: relay.cpp sends bursts through zdev's queue, where the
count repeats within 1 %, and through libzmq's zmq_proxy, where it varies by some 10 %. The check fails when zdev needs more than
zmq_proxy, or in large bursts 3 % more than instructions.json says, which holds for one libzmq and compiler only.
Beside it, as information, of the whole process: system calls a message, counted by strace, and how often a thread slept and was
woken, counted by the kernel. --profile tells instead whose instructions and which system calls they are (see hotspots.py).
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from run import HERE, build, give_up

RECORD = HERE / "instructions.json"
ALLOWED = 1.03  # times the recorded figure
RUNS = 3
BURSTS = {1: 1000, 10: 500, 900: 30}  # messages a burst: how many bursts
DEVICES = ("queue", "monitored-queue", "zmq-proxy")
PATTERNS = ("stream", "round-trips")
LARGEST = "bursts of 900"  # what a device under load finds waiting
# What need not be below zmq_proxy: where all work is to move messages of several frames through libzmq's public functions,
# which zmq_proxy, a part of libzmq, goes around.
MAY_EXCEED_PROXY = ("round-trips, bursts of 900",)


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


def relaying_thread(relay: Path, kind: Kind, bursts: int) -> tuple[int, str]:
    """Instructions of the one thread that is neither the first nor libzmq's, the one with most of the rest; and callgrind's file."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"--callgrind-out-file={folder}/out"
        _run(["valgrind", "--tool=callgrind", "--separate-threads=yes", out, *kind.command(relay, bursts)])
        texts = [file.read_text() for file in Path(folder).glob("out-*") if not file.name.endswith("-01")]
    totals = [(int(match[1]), text) for text in texts if (match := re.search(r"^totals: (\d+)", text, re.MULTILINE))]
    return max(totals) if totals else give_up("callgrind wrote no totals by thread")


def slope(few: float, many: float, kind: Kind) -> float:
    """What a message adds: start and end cost the same whatever is relayed."""
    return (many - few) / (2 * BURSTS[kind.burst] * kind.burst)


def instructions(relay: Path, kind: Kind) -> float:
    """Of the least of several runs: a thread that was made to wait only ever adds."""
    few, many = (min(relaying_thread(relay, kind, times * BURSTS[kind.burst])[0] for _ in range(RUNS)) for times in (1, 3))
    return slope(few, many, kind)


def system_calls(relay: Path, kind: Kind) -> dict[str, float]:
    """A message's, by name and in `total`, of the whole process with its two ends; empty where there is no strace."""
    if not shutil.which("strace"):
        return {}
    counts: list[dict[str, int]] = []
    for times in (1, 3):
        said = _run(["strace", "--follow-forks", "--summary-only", *kind.command(relay, times * BURSTS[kind.burst])])
        rows = re.findall(r"^ *\d+\.\d+ +\S+ +(?:\S+ +)?(\d+)(?: +\d+)? +(\w+)$", said, re.MULTILINE)
        counts.append({name: int(count) for count, name in rows})
    few, many = counts
    return {name: slope(few.get(name, 0), count, kind) for name, count in many.items()}


def wakeups(relay: Path, kind: Kind) -> float:
    """How often a thread of the whole process slept, for a message, and so had to be woken."""
    counts = []
    for times in (1, 3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw
        _run(kind.command(relay, times * BURSTS[kind.burst]))
        counts.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw - before)
    return slope(counts[0], counts[1], kind)


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
        if name not in MAY_EXCEED_PROXY and ours > (ALLOWED if name.endswith(LARGEST) else 1) * theirs:
            said.append(f"{name}: {ours:.0f} instructions a message, zmq_proxy needs {theirs:.0f}")
        before = recorded["instructions"].get(name)
        if before and name.endswith(LARGEST) and ours > ALLOWED * before["queue"]:
            said.append(f"{name}: {ours:.0f} instructions a message, {ours / before['queue']:.3f} times the recorded")
    return said


def count(relay: Path) -> dict[str, dict[str, dict[str, float]]]:
    """What was counted, by kind, pattern and burst, and device; prints a line for each pattern and burst."""
    found: dict[str, dict[str, dict[str, float]]] = {"instructions": {}, "system calls": {}, "wake-ups": {}}
    head = "".join(f"{device:>17}" for device in DEVICES) + f"{'queue/zmq-proxy':>17}"
    print(f"{'a message':<28}{head}  system calls, wake-ups of the three")
    for pattern in PATTERNS:
        for burst in BURSTS:
            name, kinds = f"{pattern}, bursts of {burst}", {device: Kind(pattern, burst, device) for device in DEVICES}
            figures = {device: round(instructions(relay, kind), 1) for device, kind in kinds.items()}
            calls = {
                device: round(n, 4) for device, k in kinds.items() if (n := system_calls(relay, k).get("total")) is not None
            }
            woken = {device: round(wakeups(relay, kind), 4) for device, kind in kinds.items()}
            for what, counted in zip(found.values(), (figures, calls, woken), strict=True):
                what[name] = counted
            line = f"{name:<28}" + "".join(f"{figure:>17.0f}" for figure in figures.values())
            rest = ", ".join("  ".join(f"{n:.3f}" for n in counted.values()) for counted in (calls, woken))
            print(f"{line}{figures['queue'] / figures['zmq-proxy']:>17.3f}  {rest}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Counts the instructions that a relay takes for a message.")
    parser.add_argument("--update", action="store_true", help="record the figures in instructions.json")
    parser.add_argument("--profile", action="store_true", help="tell whose instructions and which system calls they are")
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="where the programs are built")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        give_up("valgrind is missing: install it with the system's package manager")
    relay = build(arguments.build_dir).load.with_name("relay")
    if arguments.profile:
        import_module("hotspots").show(relay)
        return
    found, chain = count(relay), toolchain(relay)
    said = failures(found["instructions"], chain)
    if arguments.update:
        RECORD.write_text(json.dumps({"toolchain": chain} | found, indent=1) + "\n")
        print(f"recorded in {RECORD.name}")
    for text in said:
        print(f"FAILED: {text}", file=sys.stderr)
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
