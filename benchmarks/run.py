"""Compare devices: ``python benchmarks/run.py --help``. README.md describes what is measured and how."""

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
from measure import Failed, Programs, Sample, measure
from programs import HERE, build, give_up, names_of, plan_of, positive, progress
from report import Results, as_json, machine, table
from states import measure_state

JUDGED = {goal.case for goal in GOALS}  # measured twice as often in a full run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures zdev's devices beside their peers, in interleaved rounds.")
    parser.add_argument(
        "--full", action="store_true", help="measure every case and relay, 5 rounds of 0.4 s, 10 for cases with a goal"
    )
    parser.add_argument("--resume", action="store_true", help="measure only the samples missing in the file of --json")
    parser.add_argument(
        "--minutes", type=positive(float), metavar="M", default=1e9, help="end after M minutes, complete or not"
    )
    parser.add_argument("--rounds", type=positive(int), metavar="N", help="number of rounds (default: 5)")
    parser.add_argument("--seconds", type=positive(float), metavar="S", help="seconds per measurement (default: 0.25)")
    parser.add_argument("--cases", type=names_of(CASES), help=f"cases: {', '.join(CASES)}; a trailing * matches any ending")
    parser.add_argument("--peers", type=names_of([*PEERS, DIRECT]), help=f"relays: {', '.join([*PEERS, DIRECT])}")
    parser.add_argument("--libzmq", type=Path, metavar="FILE", help="libzmq of the C++ devices (default: that of pyzmq)")
    parser.add_argument("--drafts", type=Path, metavar="FILE", help="libzmq built with drafts, for an additional C++ device")
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="build folder of the programs")
    parser.add_argument("--json", type=Path, help="file for the results (default: results.json in the build folder)")
    parser.add_argument(
        "--docs", type=Path, metavar="FOLDER", help="folder for the page and charts (default: docs in the build folder)"
    )
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or 5
    arguments.seconds = arguments.seconds or (0.4 if arguments.full else 0.25)
    arguments.json = arguments.json or arguments.build_dir / "results.json"
    arguments.docs = arguments.docs or arguments.build_dir / "docs"
    arguments.cases = arguments.cases or [name for name, case in CASES.items() if arguments.full or case.quick]
    return arguments


def _available(arguments: argparse.Namespace) -> list[str]:
    """Return the relays to measure: the requested ones, which must be installed, or all installed ones; most native ones only in a full run."""
    asked: list[str] | None = arguments.peers
    missing = {name: absent for name, peer in PEERS.items() if (absent := peer.missing())}
    for name in asked or []:
        if name in missing:
            give_up(f"{name} requires the Python package {missing[name]}, which is not installed for {sys.executable}")
    if not asked:
        for name, distribution in missing.items():
            print(f"{name}: skipped, the Python package {distribution} is not installed", file=sys.stderr)

    def wanted(name: str) -> bool:
        if name == DIRECT:
            return True
        peer = PEERS[name]
        if peer.drafts:
            return arguments.drafts is not None
        return arguments.full or not (peer.tuned or peer.kind == "native")

    return asked or [name for name in [*PEERS, DIRECT] if wanted(name) and name not in missing]


def _applies(round_: int, name: str, peer: str, full: bool, rounds: int) -> bool:
    """Return whether the case includes the relay: not all relays support all patterns, and some cases name their relays."""
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
    """The measurements so far. failures: errors by case and relay; the two are then skipped."""

    samples: list[Sample]
    failures: dict[tuple[str, str], str]
    missing: int = 0


def _run(arguments: argparse.Namespace, programs: Programs, former: list[Sample]) -> Run:
    """Measure everything that the earlier samples lack, until done, interrupted, or out of time."""
    full = arguments.full or bool(arguments.peers)
    done = {(sample.round - 1, sample.case, sample.peer) for sample in former}
    rounds = {name: arguments.rounds * (2 if arguments.full and name in JUDGED else 1) for name in arguments.cases}
    plan = [
        step
        for step in plan_of(arguments.cases, arguments.peers, max(rounds.values()))
        if _applies(*step, full, rounds[step[1]]) and step not in done
    ]
    run = Run(list(former), {}, len(plan))
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


def _measure(run: Run, programs: Programs, step: tuple[int, str, str], seconds: float, words: str) -> None:
    round_, name, peer = step
    if (name, peer) in run.failures:
        return
    progress(words.format(f"round {round_ + 1}, {name}, {peer}"))
    one = measure_state if CASES[name].is_state else measure
    try:
        run.samples.append(one(programs, peer, name, CASES[name], round_ + 1, seconds))
    except Failed as failure:
        run.failures[name, peer] = str(failure)
        progress(f"FAILED: {failure}\n")


def _print(results: Results) -> None:
    for case in results.cases:
        print(f"\n{table(results, case)}")
    print("\nCPU ns, own (threads other than libzmq's) and wakes: of the device, per message or round trip.")
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
    print(f"All samples, machine and versions: {arguments.json}")
    drawn = [] if charts.missing() else charts.draw(results, arguments.docs)
    if charts.missing():
        print("no charts: matplotlib is not installed", file=sys.stderr)
    rounds = f"{arguments.rounds}" + (f", {2 * arguments.rounds} for cases with a goal" if arguments.full else "")
    circumstances = page.Run(at_start, rounds, arguments.seconds, failures, drawn, run.missing)
    print(f"A page with charts: {page.write(arguments.docs, results, circumstances)}")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` ends the processes
    arguments = _arguments()
    arguments.peers = _available(arguments)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # 1000 clients take a descriptor each
    try:
        former = store.read(arguments.json, arguments.seconds) if arguments.resume else store.Former()
    except ValueError as error:
        give_up(str(error))
    at_start = machine()
    at_start["load_averages"] = [*former.load_averages, *at_start["load_averages"]]
    run = _run(arguments, build(arguments.build_dir, arguments.libzmq, arguments.drafts), former.samples)
    measured = {sample.case for sample in run.samples}
    results = Results(run.samples, {name: case for name, case in CASES.items() if name in measured})
    _print(results)
    _write(arguments, results, at_start, run)
    for failure in run.failures.values():
        print(f"FAILED: {failure}", file=sys.stderr)
    sys.exit(1 if any(peer.startswith(("zdev", "native", "drafts")) or peer == DIRECT for _, peer in run.failures) else 0)


if __name__ == "__main__":
    main()
