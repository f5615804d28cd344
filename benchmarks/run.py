"""Measure devices side by side: ``python benchmarks/run.py --help``. README.md describes the method."""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import charts
import page
import store
from cases import CASES
from devices import DIRECT, PEERS
from goals import GOALS, verdicts
from measure import MeasurementError, Programs, Sample, measure
from programs import HERE, build, give_up, names_of, plan_of, positive, progress
from report import Results, as_json, machine, table
from states import measure_state

CASES_WITH_GOALS = {goal.case for goal in GOALS}  # measured twice as often in a full run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure zdev's devices and their peers in interleaved rounds.")
    parser.add_argument(
        "--full", action="store_true", help="measure every case and peer for 0.4 s, in 5 rounds (cases with goals: 10)"
    )
    parser.add_argument("--resume", action="store_true", help="measure only what is missing in the file given by --json")
    parser.add_argument(
        "--minutes",
        type=positive(float),
        metavar="M",
        default=1e9,
        help="stop after M minutes, even if measurements are missing",
    )
    parser.add_argument("--rounds", type=positive(int), metavar="N", help="number of rounds. Default: 5")
    parser.add_argument("--seconds", type=positive(float), metavar="S", help="length of each measurement. Default: 0.25")
    parser.add_argument("--cases", type=names_of(CASES), help=f"cases to measure (a name may end with *): {', '.join(CASES)}")
    parser.add_argument(
        "--peers",
        type=names_of([*PEERS, DIRECT]),
        help=f"peers to measure (a name may end with *): {', '.join([*PEERS, DIRECT])}",
    )
    parser.add_argument("--libzmq", type=Path, metavar="FILE", help="libzmq for the C++ devices. Default: the one in pyzmq")
    parser.add_argument("--drafts", type=Path, metavar="FILE", help="libzmq built with drafts, adds the peer that needs it")
    parser.add_argument(
        "--trial",
        type=lambda text: Path(text).absolute(),
        metavar="FILE",
        help="a relay on trial, run as `JSON=1 FILE trial PATTERN`: prints its endpoints as native.cpp does, and ends with its input",
    )
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="where the programs are built")
    parser.add_argument("--json", type=Path, help="file for the results. Default: results.json in the build directory")
    parser.add_argument(
        "--docs", type=Path, metavar="FOLDER", help="folder for the page and charts. Default: docs in the build directory"
    )
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or 5
    arguments.seconds = arguments.seconds or (0.4 if arguments.full else 0.25)
    arguments.json = arguments.json or arguments.build_dir / "results.json"
    arguments.docs = arguments.docs or arguments.build_dir / "docs"
    arguments.cases = arguments.cases or [name for name, case in CASES.items() if arguments.full or case.quick]
    return arguments


def _available(arguments: argparse.Namespace) -> list[str]:
    """Return the peers to measure: those requested, or all that are installed (native and tuned ones only in a full run)."""
    requested: list[str] | None = arguments.peers
    missing = {name: absent for name, peer in PEERS.items() if (absent := peer.missing())}
    for name in requested or []:
        if name in missing:
            give_up(f"{name} needs the Python package {missing[name]}, which is not installed for {sys.executable}")
    if not requested:
        for name, distribution in missing.items():
            print(f"skipping {name}: the Python package {distribution} is not installed", file=sys.stderr)

    def wanted(name: str) -> bool:
        if name == DIRECT:
            return True
        peer = PEERS[name]
        if peer.drafts:
            return arguments.drafts is not None
        if peer.kind == "trial":
            return arguments.trial is not None
        return arguments.full or not (peer.tuned or peer.kind == "native")

    return requested or [name for name in [*PEERS, DIRECT] if wanted(name) and name not in missing]


def _applies(round_: int, name: str, peer: str, full: bool, rounds: int) -> bool:
    """Return whether the case is measured with the peer in this round."""
    case = CASES[name]
    wanted = case.peers if full or not case.quick_peers else case.quick_peers
    if round_ >= min(case.rounds, rounds) or (wanted and peer not in wanted):
        return False
    if case.transport == "inproc" and peer != DIRECT and PEERS[peer].kind != "native":
        return False
    if peer == DIRECT:
        return not (case.is_state or case.monitor or case.pattern == "clients" or case.transport == "ipc")
    return ("states" if case.is_state else case.pattern) in PEERS[peer].patterns


@dataclass
class Run:
    """The state of a run.

    Attributes:
        samples: The samples so far.
        failures: The errors by case and peer; these combinations are skipped in later rounds.
        missing: The number of measurements still to take.
    """

    samples: list[Sample]
    failures: dict[tuple[str, str], str]
    missing: int = 0


def _run(arguments: argparse.Namespace, programs: Programs, earlier: list[Sample]) -> Run:
    """Measure what is missing in the earlier samples, until done, interrupted or out of time."""
    full = arguments.full or bool(arguments.peers)
    done = {(sample.round - 1, sample.case, sample.peer) for sample in earlier}
    rounds = {name: arguments.rounds * (2 if arguments.full and name in CASES_WITH_GOALS else 1) for name in arguments.cases}
    plan = [
        step
        for step in plan_of(arguments.cases, arguments.peers, max(rounds.values()))
        if _applies(*step, full, rounds[step[1]]) and step not in done
    ]
    run = Run(list(earlier), {}, len(plan))
    begin = time.monotonic()
    try:
        for number, step in enumerate(plan):
            passed = time.monotonic() - begin
            if passed > arguments.minutes * 60:
                break
            remaining = f", {passed / number * len(plan) - passed:.0f} s left" if number else ""
            _measure(run, programs, step, arguments.seconds, f"[{number + 1}/{len(plan)}] {{}}{remaining}")
            run.missing -= 1
    except KeyboardInterrupt:
        progress("interrupted\n")
    progress(
        f"done in {time.monotonic() - begin:.0f} s"
        + (f"; {run.missing} missing: continue with --resume" if run.missing else "")
    )
    return run


def _measure(run: Run, programs: Programs, step: tuple[int, str, str], seconds: float, template: str) -> None:
    round_, name, peer = step
    if (name, peer) in run.failures:
        return
    progress(template.format(f"round {round_ + 1}, {name}, {peer}"))
    one = measure_state if CASES[name].is_state else measure
    try:
        run.samples.append(one(programs, peer, name, CASES[name], round_ + 1, seconds))
    except MeasurementError as failure:
        run.failures[name, peer] = str(failure)
        progress(f"FAILED: {failure}\n")


def _print(results: Results) -> None:
    for case in results.cases:
        print(f"\n{table(results, case)}")
    print("\nCPU ns, own (without libzmq's threads) and wakes are those of the device, per message or round trip.")
    print(
        "x RELAY: the row's figure divided by the relay's, the median of the rounds' ratios (for latencies, less is better).\n"
    )
    for verdict in verdicts(results):
        print(f"{verdict.verdict:<13} {verdict.goal.text}: {verdict.figures}")


def _write(arguments: argparse.Namespace, results: Results, at_start: dict[str, Any], run: Run) -> None:
    for folder in (arguments.docs, arguments.json.parent):
        folder.mkdir(parents=True, exist_ok=True)
    failures = list(run.failures.values())
    found = as_json(results, at_start, arguments.seconds) | {"failures": failures}
    arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"Samples, machine and versions: {arguments.json}")
    drawn = [] if charts.missing() else charts.draw(results, arguments.docs)
    if charts.missing():
        print("skipping charts: matplotlib is not installed", file=sys.stderr)
    rounds = f"{arguments.rounds}" + (f", {2 * arguments.rounds} for cases with a goal" if arguments.full else "")
    circumstances = page.Run(at_start, rounds, arguments.seconds, failures, drawn, run.missing)
    print(f"Page with charts: {page.write(arguments.docs, results, circumstances)}")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that `finally` ends the processes
    arguments = _arguments()
    arguments.peers = _available(arguments)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each of 1000 clients needs one
    try:
        earlier = store.read(arguments.json, arguments.seconds) if arguments.resume else store.EarlierRuns()
    except ValueError as error:
        give_up(str(error))
    at_start = machine()
    at_start["load_averages"] = [*earlier.load_averages, *at_start["load_averages"]]
    run = _run(arguments, build(arguments.build_dir, arguments.libzmq, arguments.drafts, arguments.trial), earlier.samples)
    measured = {sample.case for sample in run.samples}
    results = Results(run.samples, {name: case for name, case in CASES.items() if name in measured})
    _print(results)
    _write(arguments, results, at_start, run)
    for failure in run.failures.values():
        print(f"FAILED: {failure}", file=sys.stderr)
    sys.exit(
        1 if any(peer.startswith(("zdev", "libzmq", "native", "drafts")) or peer == DIRECT for _, peer in run.failures) else 0
    )


if __name__ == "__main__":
    main()
