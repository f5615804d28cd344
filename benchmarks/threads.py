"""Measure devices in threads, next to an idle or busy main thread: ``python benchmarks/threads.py --help``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from measure import Case, MeasurementError, Sample, measure
from programs import HERE, build, give_up, plan_of, positive, progress
from report import Results, machine
from thread_devices import DEVICES, MAINS

NAME = "stream-64"
CASE = Case("stream", 64)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure devices in threads, next to an idle or busy main thread.")
    parser.add_argument("--rounds", type=positive(int), metavar="N", default=7, help="number of rounds. Default: 7")
    parser.add_argument(
        "--seconds", type=positive(float), metavar="S", default=0.5, help="length of each measurement. Default: 0.5"
    )
    parser.add_argument("--build-dir", type=Path, default=HERE / "build", help="where the load generator is built")
    parser.add_argument("--json", type=Path, help="file for the results. Default: threads.json in the build directory")
    arguments = parser.parse_args()
    arguments.json = arguments.json or arguments.build_dir / "threads.json"
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    return arguments


def _run(arguments: argparse.Namespace) -> list[Sample]:
    """Measure each device three times in a row, with an idle main thread, another busy process, and a busy main thread."""
    program = build(arguments.build_dir)
    plan = [
        (round_, f"{device}:{main}") for round_, _, device in plan_of([NAME], list(DEVICES), arguments.rounds) for main in MAINS
    ]
    samples = []
    for number, (round_, peer) in enumerate(plan):
        progress(f"[{number + 1}/{len(plan)}] round {round_ + 1}, {peer}")
        processes = Path(__file__).with_name("thread_devices.py")
        samples.append(measure(program, peer, NAME, CASE, round_ + 1, arguments.seconds, processes))
    progress("done")
    return samples


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form).replace(",", " ")


def table(results: Results) -> str:
    """Format one row per device: median messages per second, and median per-round ratios."""
    lines = [f"{'messages/s':<28}" + "".join(f"{name:>12}" for name in (*MAINS, "busy/idle", "busy/other"))]
    for device in DEVICES:
        rates = [results.median(NAME, f"{device}:{main}", results.value) for main in MAINS]
        ratios = [results.ratio(NAME, f"{device}:busy", f"{device}:{main}") for main in ("idle", "other")]
        cells = [*(_number(rate, ",.0f") for rate in rates), *(_number(ratio, ".2f") for ratio in ratios)]
        lines.append(f"{device:<28}" + "".join(f"{cell:>12}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that `finally` ends the processes
    arguments = _arguments()
    at_start = machine()
    try:
        samples = _run(arguments)
    except MeasurementError as failure:
        give_up(f"FAILED: {failure}")
    except KeyboardInterrupt:
        give_up("interrupted")
    print(table(Results(samples, {NAME: CASE})))
    print("The main thread is idle; idle while another process spins; busy spinning in Python.")
    found = {"machine": at_start, "seconds": arguments.seconds, "samples": [asdict(sample) for sample in samples]}
    arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"Samples, machine and versions: {arguments.json}")


if __name__ == "__main__":
    main()
