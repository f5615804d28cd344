"""Runs scenarios, and prints what came of them, or keeps it as a page.

python -m faults [--engine libzmq] [--scale 0.1] [--only NAME ...] [--list]      all but the soak
python -m faults [--engine libzmq] --only soak [--minutes 10]
python -m faults --docs docs/faults      writes the results into the page there, beside those of other engines and scenarios
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from zdev_background._engine import ENGINES

from .device import ZdevRun
from .results import Results
from .run import Result, run, scenarios

MINUTES = 10  # of the soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description="Put faults in, and account for every message.")
    parser.add_argument("--scale", type=float, default=1.0, help="of times and numbers of faults; 1: in full")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these scenarios")
    parser.add_argument("--minutes", type=float, help="how long the soak lasts")
    parser.add_argument("--list", action="store_true", help="tell the scenarios, and run none")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="the engine of devices that do not set one")
    parser.add_argument("--docs", type=Path, metavar="FOLDER", help="folder for the page of the results, and their record")
    arguments = parser.parse_args()
    ZdevRun.engine = arguments.engine
    known = scenarios()
    if unknown := set(arguments.only or ()) - set(known):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = arguments.only or [name for name, scenario in known.items() if not scenario.is_long]
    engine = "libzmq" if arguments.engine == "libzmq" else "wire"
    page = Results(arguments.docs, engine, _command(parser, arguments)) if arguments.docs else None
    is_broken = False
    for name in chosen:
        if arguments.list:
            print(f"{name}: {known[name].fault}. {known[name].promise}")
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        begin = time.monotonic()
        scale = arguments.minutes / MINUTES if arguments.minutes and known[name].is_long else arguments.scale
        result, took = run(name, known[name], scale), time.monotonic() - begin
        is_broken |= bool(result.broken)
        print_one(result, took)
        if page:
            page.add(result, took, known)
    return is_broken


def _command(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str:
    """Return the command that repeats this run, without the page."""
    options = ("engine", "scale", "only", "minutes")
    given = {name: value for name in options if (value := getattr(arguments, name)) != parser.get_default(name)}
    words = [f"--{name} {' '.join(value) if isinstance(value, list) else value}" for name, value in given.items()]
    return " ".join(["nox -s faults", *(["--"] if words else []), *words])


def print_one(result: Result, took: float) -> None:
    print(f"\n{result.name}  {result.outcome}  {took:.0f} s")
    for name, figure in result.figures.items():
        print(f"  {name:<24} {figure}")
    for each in result.broken:
        print(f"  BROKEN: {each}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
