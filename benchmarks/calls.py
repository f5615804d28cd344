"""Count the system calls of devices under load with strace: ``python benchmarks/calls.py --help``.

strace slows every device down and so changes how many messages a thread finds waiting: only compare peers of the same run.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from cases import CASES
from devices import PEERS
from measure import MeasurementError, Programs, device, endpoint_options, load
from programs import HERE, build, give_up, names_of

SHOWN = 6


def count(programs: Programs, peer: str, case: str, seconds: float) -> Counter[str]:
    """Return the system calls of the device's process per message or round trip, by name."""
    with device(programs, peer, CASES[case]) as (process, ready), tempfile.NamedTemporaryFile("r") as summary:
        command = ["strace", "-f", "-c", "-o", summary.name, "-p", str(process.pid)]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            assert tracer.stderr is not None
            if "attached" not in tracer.stderr.readline():
                raise MeasurementError(
                    "strace could not attach: it needs permission to trace (see ptrace_scope, or run as root)"
                )
            messages = load(programs, CASES[case], seconds, endpoint_options(CASES[case], ready))["messages"]
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate()
        rows = re.findall(r"^ *\d+\.\d+ +\S+ +(?:\S+ +)?(\d+)(?: +\d+)? +(\w+)$", summary.read(), re.MULTILINE)
    return Counter({name: int(n) / messages for n, name in rows if name != "total"})


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the system calls of devices under load with strace.")
    parser.add_argument(
        "--cases", type=names_of(CASES), default=["stream-64", "round-trips", "latency", "clients-100-window-1"]
    )
    parser.add_argument("--peers", type=names_of(PEERS), default=["zdev-monitored-queue", "zmq-proxy", "pyzmq-monitored-queue"])
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="where the programs are built")
    arguments = parser.parse_args()
    if not shutil.which("strace"):
        give_up("strace is missing: install it with the system's package manager (Linux only)")
    programs = build(arguments.build_dir)
    for case in arguments.cases:
        for peer in arguments.peers:
            try:
                calls = count(programs, peer, case, arguments.seconds)
            except MeasurementError as failure:
                give_up(f"{case}, {peer}: {failure}")
            shown = ", ".join(f"{name} {n:.3g}" for name, n in calls.most_common(SHOWN))
            print(f"{case:<24}{PEERS[peer].label:<12}{sum(calls.values()):8.3f} calls: {shown}", flush=True)


if __name__ == "__main__":
    main()
