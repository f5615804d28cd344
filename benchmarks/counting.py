"""Count what a run of relay.cpp or wire_relay.cpp takes: instructions with callgrind, system calls with strace, sleeps with getrusage."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from programs import give_up

BURSTS = {1: 1000, 10: 500, 900: 30}  # messages per burst: number of bursts
DEVICES = ("queue", "monitored-queue", "zmq-proxy", "wire", "workers", "curve")
PATTERNS = ("stream", "round-trips")


def devices_of(pattern: str) -> tuple[str, ...]:
    """Return the devices that relay a pattern: only requests have workers, and CURVE is counted for a stream."""
    return tuple(device for device in DEVICES if device != ("workers" if pattern == "stream" else "curve"))


@dataclass(frozen=True)
class Workload:
    """Messages of a pattern, in bursts, through a device of relay.cpp, or one of the devices of wire_relay.cpp."""

    pattern: str
    burst: int
    device: str

    def command(self, relay: Path, bursts: int) -> list[str]:
        program = relay.with_name("wire_relay") if self.device in {"wire", "workers", "curve"} else relay
        return [str(program), self.device, self.pattern, str(bursts), str(self.burst)]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    if done.returncode:
        give_up(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stderr


def relaying_thread(relay: Path, workload: Workload, bursts: int) -> tuple[int, str]:
    """Count the instructions of the relaying thread: of all but the main thread, the one that executes the most.

    Returns:
        The number of instructions, and the text of callgrind's output file.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = f"--callgrind-out-file={folder}/out"
        _run(["valgrind", "--tool=callgrind", "--separate-threads=yes", out, *workload.command(relay, bursts)])
        texts = [file.read_text() for file in Path(folder).glob("out-*") if not file.name.endswith("-01")]
    totals = [(int(match[1]), text) for text in texts if (match := re.search(r"^totals: (\d+)", text, re.MULTILINE))]
    return max(totals) if totals else give_up("callgrind wrote no totals by thread")


def slope(few: float, many: float, workload: Workload) -> float:
    """Return the cost per message from two runs, which cancels the cost of starting and ending."""
    return (many - few) / (2 * BURSTS[workload.burst] * workload.burst)


def system_calls(relay: Path, workload: Workload) -> dict[str, float]:
    """Count the system calls of the whole process, both ends included, per message.

    Returns:
        The counts by name and in `total`; empty if strace is not installed.
    """
    if not shutil.which("strace"):
        return {}
    counts: list[dict[str, int]] = []
    for times in (1, 3):
        summary = _run(["strace", "--follow-forks", "--summary-only", *workload.command(relay, times * BURSTS[workload.burst])])
        rows = re.findall(r"^ *\d+\.\d+ +\S+ +(?:\S+ +)?(\d+)(?: +\d+)? +(\w+)$", summary, re.MULTILINE)
        counts.append({name: int(count) for count, name in rows})
    few, many = counts
    return {name: slope(few.get(name, 0), count, workload) for name, count in many.items()}


def wakeups(relay: Path, workload: Workload) -> float:
    """Count how often any thread of the process slept, and so had to be woken, per message."""
    counts = []
    for times in (1, 3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw
        _run(workload.command(relay, times * BURSTS[workload.burst]))
        counts.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw - before)
    return slope(counts[0], counts[1], workload)
