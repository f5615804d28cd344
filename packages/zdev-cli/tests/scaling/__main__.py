"""Runs the scenarios in full, and prints what came of them. Root only: it makes network namespaces.

python -m scaling [--engine libzmq] [NAME ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from zdev_background._engine import ENGINES

from .chain import GIVE_UP, HEARTBEATS, KEEPALIVE, both_ways, one_way
from .network import Network, missing
from .programs import Zdev
from .replace import replace
from .throughput import throughput

SCENARIOS: dict[str, Callable[[Network, Path], dict[str, Any]]] = {
    "replace": partial(replace, answers=2000),
    "throughput": partial(throughput, seconds=10),
    "throughput-unlimited": partial(throughput, seconds=10, megabits=0),
    "chain": partial(one_way, outage=10.0),
    "chain-give-up": partial(one_way, outage=10.0, options=GIVE_UP),
    "chain-keepalive": partial(one_way, outage=10.0, options=KEEPALIVE),
    "chain-heartbeats": partial(one_way, outage=10.0, options=HEARTBEATS),
    "chain-requests": partial(both_ways, outage=10.0),
}
NONE = {  # figures that must be 0
    "replace": ("unanswered", "not drained"),
    "throughput": ("unanswered",),
    "chain": ("lost", "twice", "out of order"),
    "chain-requests": ("unanswered",),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scaling", description="Run several hosts, and account for every message.")
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"these scenarios: {', '.join(SCENARIOS)}")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="the engine of devices that do not set one")
    arguments = parser.parse_args()
    Zdev.engine = arguments.engine
    if unknown := set(arguments.names) - set(SCENARIOS):
        parser.error(f"unknown scenario: {', '.join(sorted(unknown))}")
    if why_not := missing():
        print(f"skipped: {why_not}")
        return 0
    broken = []
    for name in arguments.names or SCENARIOS:
        begin = time.monotonic()
        figures = run(SCENARIOS[name])
        print(f"\n{name}  ({time.monotonic() - begin:.0f} s)")
        for figure, value in figures.items():
            print(f"  {figure:<26} {value:,}" if isinstance(value, int) else f"  {figure:<26} {value}", flush=True)
        broken += [f"{name}: {figures[figure]} {figure}" for figure in NONE.get(name, ()) if figures[figure]]
    for each in broken:
        print(f"BROKEN: {each}")
    return bool(broken)


def run(scenario: Callable[[Network, Path], dict[str, Any]]) -> dict[str, Any]:
    """In a separate network, which is removed afterwards."""
    network = Network()
    try:
        with tempfile.TemporaryDirectory(prefix="zdev-scaling-") as folder:
            return scenario(network, Path(folder))
    finally:
        network.close()


if __name__ == "__main__":
    sys.exit(main())
