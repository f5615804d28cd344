"""Show which libraries and functions execute the instructions of a relayed message: ``instructions.py --profile``."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from counting import BURSTS, PATTERNS, Workload, devices_of, relaying_thread, slope, system_calls

BURST = max(BURSTS)  # as many messages as a device under load finds waiting
SHOWN = 8  # functions, and system calls
OWNERS = {"relay": "zdev", "libzmq": "libzmq", "libc": "libc"}  # by the start of the object file's name


def _owner(path: str) -> str:
    return next((owner for start, owner in OWNERS.items() if Path(path).name.startswith(start)), Path(path).name)


def by_function(callgrind: str) -> Counter[tuple[str, str]]:
    """Return the instructions of each (owner, function), without the functions that it calls.

    The format is described in the Callgrind manual, "Callgrind Format Specification".
    """
    names: dict[str, str] = {}
    found: Counter[tuple[str, str]] = Counter()
    where = {"ob": "", "fn": ""}
    called = False
    for line in callgrind.splitlines():
        if match := re.match(r"(ob|fn)=(\(\d+\))(?: (.*))?$", line):
            tag, number, name = match.groups()
            where[tag] = names.setdefault(tag + number, name or "")
        elif match := re.match(r"c(ob|fn)=(\(\d+\)) (.+)$", line):
            names.setdefault(match[1] + match[2], match[3])
        elif line.startswith("calls="):
            called = True
        elif match := re.match(r"[+*-]?\d* (\d+)$", line):
            if not called:  # the line after a call has the cost of the callee
                found[_owner(where["ob"]), where["fn"]] += int(match[1])
            called = False
    return found


def _per_message(relay: Path, workload: Workload) -> Counter[tuple[str, str]]:
    few, many = (by_function(relaying_thread(relay, workload, times * BURSTS[workload.burst])[1]) for times in (1, 3))
    return Counter({name: round(slope(few[name], count, workload)) for name, count in many.items()})


def show(relay: Path) -> None:
    """Print the profile of every pattern and device."""
    for pattern in PATTERNS:
        for device in devices_of(pattern):
            workload = Workload(pattern, BURST, device)
            found = _per_message(relay, workload)
            owners: Counter[str] = Counter()
            for (owner, _), count in found.items():
                owners[owner] += count
            shares = ", ".join(f"{owner} {count}" for owner, count in owners.most_common() if count)
            print(f"\n{pattern}, bursts of {BURST}, {device}: {sum(found.values())} instructions per message: {shares}")
            for (owner, function), count in found.most_common(SHOWN):
                print(f"  {count:>6}  {owner:<8} {function[:100]}")
            calls = Counter(system_calls(relay, workload))
            calls.pop("total", None)
            print("  system calls: " + ", ".join(f"{name} {n:.3f}" for name, n in calls.most_common(SHOWN)), flush=True)
