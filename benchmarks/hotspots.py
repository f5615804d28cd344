"""Attribute the instructions of a relayed message to libraries and functions, and list its system calls: ``instructions.py --profile``."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from counting import BURSTS, DEVICES, PATTERNS, Kind, relaying_thread, slope, system_calls

BURST = max(BURSTS)  # the number of messages that wait in a device under load
SHOWN = 8  # number of functions and system calls to print
OWNERS = {"relay": "zdev", "libzmq": "libzmq", "libc": "libc"}  # by the start of the object's name


def _owner(path: str) -> str:
    return next((owner for start, owner in OWNERS.items() if Path(path).name.startswith(start)), Path(path).name)


def by_function(callgrind: str) -> Counter[tuple[str, str]]:
    """Return the instructions of each (owner, function), without its callees; the Callgrind manual, 5.1, describes the format."""
    names: dict[str, str] = {}
    found: Counter[tuple[str, str]] = Counter()
    where = {"ob": "", "fn": ""}
    called = False
    for line in callgrind.splitlines():
        if match := re.match(r"(ob|fn)=(\(\d+\))(?: (.*))?$", line):
            kind, number, name = match.groups()
            where[kind] = names.setdefault(kind + number, name or "")
        elif match := re.match(r"c(ob|fn)=(\(\d+\)) (.+)$", line):
            names.setdefault(match[1] + match[2], match[3])
        elif line.startswith("calls="):
            called = True
        elif match := re.match(r"[+*-]?\d* (\d+)$", line):
            if not called:  # the line after a call has the cost of the callee
                found[_owner(where["ob"]), where["fn"]] += int(match[1])
            called = False
    return found


def _a_message(relay: Path, kind: Kind) -> Counter[tuple[str, str]]:
    few, many = (by_function(relaying_thread(relay, kind, times * BURSTS[kind.burst])[1]) for times in (1, 3))
    return Counter({name: round(slope(few[name], count, kind)) for name, count in many.items()})


def show(relay: Path) -> None:
    for pattern in PATTERNS:
        for device in DEVICES:
            kind = Kind(pattern, BURST, device)
            found = _a_message(relay, kind)
            owners: Counter[str] = Counter()
            for (owner, _), count in found.items():
                owners[owner] += count
            shares = ", ".join(f"{owner} {count}" for owner, count in owners.most_common() if count)
            print(f"\n{pattern}, bursts of {BURST}, {device}: {sum(found.values())} instructions per message: {shares}")
            for (owner, function), count in found.most_common(SHOWN):
                print(f"  {count:>6}  {owner:<8} {function[:100]}")
            calls = Counter(system_calls(relay, kind))
            calls.pop("total", None)
            print("  system calls: " + ", ".join(f"{name} {n:.3f}" for name, n in calls.most_common(SHOWN)), flush=True)
