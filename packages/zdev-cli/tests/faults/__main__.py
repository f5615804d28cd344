"""Runs scenarios, and prints a table of what came of them.

python -m faults [--engine libzmq] [--scale 0.1] [--only NAME ...] [--list]      all but the soak
python -m faults [--engine libzmq] --only soak [--minutes 10]
"""

from __future__ import annotations

import argparse
import sys
import time

from zdev_background._engine import ENGINES

from .device import ZdevRun
from .run import Result, run, scenarios

MINUTES = 10  # of the soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description="Put faults in, and account for every message.")
    parser.add_argument("--scale", type=float, default=1.0, help="of times and numbers of faults; 1: in full")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these scenarios")
    parser.add_argument("--minutes", type=float, help="how long the soak lasts")
    parser.add_argument("--list", action="store_true", help="tell the scenarios, and run none")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="the engine of devices that do not set one")
    arguments = parser.parse_args()
    ZdevRun.engine = arguments.engine
    known = scenarios()
    if unknown := set(arguments.only or ()) - set(known):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = arguments.only or [name for name, scenario in known.items() if not scenario.is_long]
    results = []
    for name in chosen:
        if arguments.list:
            print(f"{name}: {known[name].fault}. {known[name].promise}")
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        begin = time.monotonic()
        scale = arguments.minutes / MINUTES if arguments.minutes and known[name].is_long else arguments.scale
        results.append(run(name, known[name], scale))
        print_one(results[-1], time.monotonic() - begin)
    if results:
        print_table(results)
    return any(each.broken for each in results)


def print_one(result: Result, took: float) -> None:
    print(f"\n{result.name}  {result.outcome}  {took:.0f} s")
    for name, figure in result.figures.items():
        print(f"  {name:<24} {figure}")
    for each in result.broken:
        print(f"  BROKEN: {each}")
    sys.stdout.flush()


def print_table(results: list[Result]) -> None:
    print("\n| fault | promise | result | figures |\n|---|---|---|---|")
    for each in results:
        figures = "; ".join(f"{name}: {figure}" for name, figure in each.figures.items())
        print(f"| {each.scenario.fault} | {each.scenario.promise} | {each.outcome} | {figures} |")


if __name__ == "__main__":
    sys.exit(main())
