"""`python -m benchmarks`: every measurement in one table. Flows in: options. Flows out: a table, and an exit
status.

Exit status: 0 every aim reached, 1 an aim missed, 3 something could not be measured (its row says why). Most
rows break the cluster that `drill up` makes; each leaves it in its known state.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from benchmarks.alerts_live import alerts_live
from benchmarks.gate import gate
from benchmarks.gate_live import VARIANTS, gate_live, rounds_live
from benchmarks.instruments import instrument, judging
from benchmarks.judge_truth import truth
from benchmarks.kills import kills
from benchmarks.monitoring_live import monitoring_live
from benchmarks.outage import outage
from benchmarks.rounds_power import rounds
from benchmarks.row import ROOT, Benchmark, MeasureError, Options, Row, machine, table, unmeasured
from benchmarks.stored import drill_time, make_drill
from benchmarks.witness import witness, witness_stored
from drill.errors import DrillError

# a measurement that ends so is a row that says so: one of them must not take the others' rows with it
UNMEASURED = (
    MeasureError,
    DrillError,
    AssertionError,
    LookupError,
    OSError,
    SystemExit,
    ValueError,
    subprocess.SubprocessError,
)

# what a busy machine spoils comes first, what the cluster is needed for next, what only costs time last
BENCHMARKS: dict[str, Benchmark] = {
    "drill": make_drill,
    "drill-time": drill_time,
    "witness-stored": witness_stored,
    "load": instrument,
    "judge": judging,
    "outage": outage,
    "witness": witness,
    "kills": kills,
    "gate-live": gate_live,
    "rounds-live": rounds_live,
    "truth": truth,
    "gate": gate,
    "rounds": rounds,
    "alerts-live": alerts_live,
    "monitoring-live": monitoring_live,
}
# these change what runs on the cluster, for many minutes
WHEN_NAMED = frozenset({"gate-live", "rounds-live", "alerts-live", "monitoring-live"})


def parsed(arguments: list[str]) -> tuple[list[str], Options]:
    """Names of the benchmarks to run, and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measurements of drill itself, against their aims."
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=BENCHMARKS,
        help=f"run this one; may be given several times. Without it, all but {', '.join(sorted(WHEN_NAMED))}",
    )
    parser.add_argument(
        "--run",
        type=Path,
        default=ROOT / "reports" / "latest",
        help="the stored run to read (reports/latest)",
    )
    parser.add_argument("--injections", type=int, default=1, metavar="N", help="injections of each fault (1)")
    parser.add_argument("--kills", type=int, default=40, metavar="N", help="kills at random moments (40)")
    parser.add_argument("--with-drill", action="store_true", help="run `make drill` now, and read that run")
    parser.add_argument(
        "--variant",
        action="append",
        choices=VARIANTS,
        help="an image that gate-live and rounds-live hold against the released one; may be given several "
        f"times ({', '.join(Options.variants)})",
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=Options.budget_seconds,
        metavar="SECONDS",
        help=f"of gate-live and rounds-live, for each variant ({Options.budget_seconds:g})",
    )
    given = parser.parse_args(arguments)
    return given.only or [name for name in BENCHMARKS if name not in WHEN_NAMED], Options(
        given.run,
        given.injections,
        given.kills,
        given.with_drill,
        tuple(given.variant or Options.variants),
        given.budget,
    )


def rows_of(name: str, options: Options) -> list[Row]:
    """The rows of one benchmark; one row that says why, where it could not be measured."""
    print(f"measuring: {name}", file=sys.stderr, flush=True)
    try:
        return BENCHMARKS[name](options)
    except UNMEASURED as error:
        return [unmeasured(name, "to be measured", error)]


def main(arguments: list[str]) -> int:
    """Measure, print, and return the exit status."""
    names, options = parsed(arguments)
    began = datetime.now().astimezone()
    rows = [row for name in names for row in rows_of(name, options)]
    print(
        f"{machine()}\n{began.isoformat(timespec='seconds')}   python -m benchmarks {' '.join(arguments)}\n"
    )
    print(table(rows))
    outcomes = {row.outcome for row in rows}
    return 3 if "error" in outcomes else 1 if "missed" in outcomes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
