"""Count the instructions that a relay takes per message, and fail if there are too many.

``python benchmarks/instructions.py [--update | --profile]``

valgrind's callgrind counts them in the relaying thread, over inproc. relay.cpp sends bursts through zdev's queue, where the count
repeats within 1 %, and through libzmq's zmq_proxy, where it varies by about 10 %. The check fails if zdev needs more than zmq_proxy,
or in large bursts 3 % more than instructions.json records, which is valid for one libzmq and compiler only.
For information, it also prints the system calls per message (strace) and how often a thread slept and was woken (kernel), both of the
whole process. --profile prints the instructions by library and function and the system calls by name instead (see hotspots.py).
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from counting import BURSTS, DEVICES, PATTERNS, Kind, relaying_thread, slope, system_calls, wakeups
from hotspots import show
from programs import HERE, build, give_up

RECORD = HERE / "instructions.json"
ALLOWED = 1.03  # times the recorded figure
RUNS = 3
LARGEST = "bursts of 900"  # the number of messages that wait in a device under load
# May exceed zmq_proxy: here nearly all work is moving messages of several frames through libzmq's public functions, which
# zmq_proxy bypasses as a part of libzmq.
MAY_EXCEED_PROXY = ("round-trips, bursts of 900",)


def instructions(relay: Path, kind: Kind) -> float:
    """Return the least of several runs: waiting can only add instructions."""
    few, many = (min(relaying_thread(relay, kind, times * BURSTS[kind.burst])[0] for _ in range(RUNS)) for times in (1, 3))
    return slope(few, many, kind)


def toolchain(relay: Path) -> str:
    """Return what the figures depend on besides zdev."""
    compiler = subprocess.run(["c++", "-dumpfullversion"], check=False, capture_output=True, text=True).stdout.strip()
    linked = subprocess.run(["ldd", str(relay)], check=False, capture_output=True, text=True).stdout
    libzmq = re.search(r"libzmq\S* => (\S+)", linked)
    name = Path(libzmq[1]).resolve().name if libzmq else "libzmq"
    return f"{platform.machine()}, c++ {compiler}, {name}"


def failures(found: dict[str, dict[str, float]], chain: str) -> list[str]:
    """Return the reasons why the check fails; empty if it passes."""
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
            said.append(f"{name}: {ours:.0f} instructions per message, zmq_proxy needs {theirs:.0f}")
        before = recorded["instructions"].get(name)
        if before and name.endswith(LARGEST) and ours > ALLOWED * before["queue"]:
            said.append(f"{name}: {ours:.0f} instructions per message, {ours / before['queue']:.3f} times the recorded figure")
    return said


def count(relay: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Count by kind, pattern, burst and device; print one line per pattern and burst."""
    found: dict[str, dict[str, dict[str, float]]] = {"instructions": {}, "system calls": {}, "wake-ups": {}}
    head = "".join(f"{device:>17}" for device in DEVICES) + f"{'queue/zmq-proxy':>17}"
    print(f"{'per message':<28}{head}  system calls, wake-ups of the three")
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
    parser = argparse.ArgumentParser(description="Count the instructions that a relay takes per message.")
    parser.add_argument("--update", action="store_true", help="record the figures in instructions.json")
    parser.add_argument(
        "--profile", action="store_true", help="print the instructions by library and function, and the system calls"
    )
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="build folder of the programs")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        give_up("valgrind is missing: install it with the system's package manager")
    relay = build(arguments.build_dir).load.with_name("relay")
    if arguments.profile:
        show(relay)
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
