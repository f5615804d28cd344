"""Count the instructions (callgrind), system calls (strace) and sleeps (kernel) of one relay's run."""

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
DEVICES = ("queue", "monitored-queue", "zmq-proxy")
PATTERNS = ("stream", "round-trips")


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
    """Return the instructions of the relaying thread, which is the busiest except for the first and libzmq's, and callgrind's file."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"--callgrind-out-file={folder}/out"
        _run(["valgrind", "--tool=callgrind", "--separate-threads=yes", out, *kind.command(relay, bursts)])
        texts = [file.read_text() for file in Path(folder).glob("out-*") if not file.name.endswith("-01")]
    totals = [(int(match[1]), text) for text in texts if (match := re.search(r"^totals: (\d+)", text, re.MULTILINE))]
    return max(totals) if totals else give_up("callgrind wrote no totals by thread")


def slope(few: float, many: float, kind: Kind) -> float:
    """Return the cost of one message; the costs of start and end do not depend on the messages."""
    return (many - few) / (2 * BURSTS[kind.burst] * kind.burst)


def system_calls(relay: Path, kind: Kind) -> dict[str, float]:
    """Return the system calls per message of the whole process with its two ends, by name and as `total`; empty without strace."""
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
    """Return how often per message a thread of the whole process slept and had to be woken."""
    counts = []
    for times in (1, 3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw
        _run(kind.command(relay, times * BURSTS[kind.burst]))
        counts.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw - before)
    return slope(counts[0], counts[1], kind)
