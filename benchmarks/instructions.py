"""Count the instructions that a relay needs per message, and fail if there are too many.

``python benchmarks/instructions.py [--update | --profile]``

relay.cpp sends bursts over inproc, and wire_relay.cpp over ipc; callgrind counts in the relaying thread. The count repeats
within 1 % for zdev's queue, and varies by about 10 % for libzmq's zmq_proxy. The check fails if zdev's queue needs more than
zmq_proxy, or if the queue or the wire engine (also with known workers, and with CURVE) needs 3 % more in large bursts than
instructions.json records for the same libzmq and compiler. System calls (counted by strace) and sleeps (counted by the kernel)
of the whole process are shown for information. --profile splits the instructions by function instead (see hotspots.py).
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

from counting import BURSTS, DEVICES, PATTERNS, Workload, devices_of, relaying_thread, slope, system_calls, wakeups
from hotspots import show
from programs import HERE, build, give_up

RECORD = HERE / "instructions.json"
TOLERANCE = 1.03  # times the recorded figure
GUARDED = ("queue", "wire", "workers", "curve")
RUNS = 3
LARGEST = "bursts of 900"  # as many messages as a device under load finds waiting
# These may need more than zmq_proxy: nearly all the work is to move messages of several frames through libzmq's public
# functions, which zmq_proxy, being part of libzmq, bypasses.
MAY_EXCEED_PROXY = ("round-trips, bursts of 900",)


def instructions(relay: Path, workload: Workload) -> float:
    """Count the instructions per message, as the minimum of several runs: a delayed thread only adds instructions."""
    few, many = (
        min(relaying_thread(relay, workload, times * BURSTS[workload.burst])[0] for _ in range(RUNS)) for times in (1, 3)
    )
    return slope(few, many, workload)


def toolchain(relay: Path) -> str:
    """Name what the figures depend on besides zdev: processor, compiler and libzmq."""
    compiler = subprocess.run(["c++", "-dumpfullversion"], check=False, capture_output=True, text=True).stdout.strip()
    linked = subprocess.run(["ldd", str(relay)], check=False, capture_output=True, text=True).stdout
    libzmq = re.search(r"libzmq\S* => (\S+)", linked)
    name = Path(libzmq[1]).resolve().name if libzmq else "libzmq"
    return f"{platform.machine()}, c++ {compiler}, {name}"


def failures(found: dict[str, dict[str, float]], chain: str) -> list[str]:
    """Return why the check fails; empty if it passes."""
    recorded: dict[str, Any] = {"toolchain": "", "instructions": {}}
    if RECORD.exists():
        recorded = json.loads(RECORD.read_text())
    if recorded["toolchain"] != chain:
        print(f"no figures recorded for {chain} (only for {recorded['toolchain'] or 'nothing'}): comparing with zmq_proxy only")
        recorded["instructions"] = {}
    problems = []
    for name, figures in found.items():
        ours, theirs = figures["queue"], figures["zmq-proxy"]
        if name not in MAY_EXCEED_PROXY and ours > (TOLERANCE if name.endswith(LARGEST) else 1) * theirs:
            problems.append(f"{name}: {ours:.0f} instructions per message, zmq_proxy needs {theirs:.0f}")
        for device in GUARDED:
            ours, before = figures.get(device, 0), recorded["instructions"].get(name, {}).get(device)
            if before and name.endswith(LARGEST) and ours > TOLERANCE * before:
                problems.append(f"{name}: {device}: {ours:.0f} instructions per message, {ours / before:.3f} times the record")
    return problems


def count(relay: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Count everything, and print one line per pattern and burst.

    Returns:
        The counts by what was counted, by pattern and burst, and by device.
    """
    found: dict[str, dict[str, dict[str, float]]] = {"instructions": {}, "system calls": {}, "wake-ups": {}}
    head = "".join(f"{device:>17}" for device in DEVICES) + f"{'queue/zmq-proxy':>17}"
    print(f"{'instructions per message':<28}{head}  system calls, wake-ups of each")
    for pattern in PATTERNS:
        for burst in BURSTS:
            name = f"{pattern}, bursts of {burst}"
            workloads = {device: Workload(pattern, burst, device) for device in devices_of(pattern)}
            figures = {device: round(instructions(relay, workload), 1) for device, workload in workloads.items()}
            calls = {
                device: round(n, 4) for device, k in workloads.items() if (n := system_calls(relay, k).get("total")) is not None
            }
            woken = {device: round(wakeups(relay, workload), 4) for device, workload in workloads.items()}
            for what, counted in zip(found.values(), (figures, calls, woken), strict=True):
                what[name] = counted
            line = f"{name:<28}" + "".join(f"{figures[each]:>17.0f}" if each in figures else " " * 17 for each in DEVICES)
            rest = ", ".join("  ".join(f"{n:.3f}" for n in counted.values()) for counted in (calls, woken))
            print(f"{line}{figures['queue'] / figures['zmq-proxy']:>17.3f}  {rest}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the instructions that a relay needs per message.")
    parser.add_argument("--update", action="store_true", help="record the figures in instructions.json")
    parser.add_argument("--profile", action="store_true", help="show the functions and system calls instead of checking")
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="where the programs are built")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        give_up("valgrind is missing: install it with the system's package manager")
    relay = build(arguments.build_dir).load.with_name("relay")
    if arguments.profile:
        show(relay)
        return
    found, chain = count(relay), toolchain(relay)
    problems = failures(found["instructions"], chain)
    if arguments.update:
        RECORD.write_text(json.dumps({"toolchain": chain} | found, indent=1) + "\n")
        print(f"recorded in {RECORD.name}")
    for text in problems:
        print(f"FAILED: {text}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
