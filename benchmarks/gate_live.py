"""Does the gate block an image that is really worse, and pass the same one? Flows in: the cluster, names of
variants. Flows out: a row for each, by `drill gate alternate` (gate-live) or `drill gate rounds`
(rounds-live).

A variant is the image that the cluster runs, made worse by build arguments (benchmarks/slowed); `same` is
that image itself on both sides. The runs and their history are kept in a folder of their own, reports/
gate-live- or rounds-live- and the time: the project's own history does not hear of them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.row import ROOT, MeasureError, Options, Row, reached
from drill import settings as drill_settings
from drill.cluster.access import connect
from drill.gate.alternate import released_image
from drill.machine.stage import output

SOURCES = ROOT / "benchmarks" / "slowed"
SAME = "same"
VARIANTS: dict[str, dict[str, str]] = {
    SAME: {},
    "neutral": {"LATENCY": "0"},
    "p95+10": {"LATENCY": "0.1"},
    "p95+20": {"LATENCY": "0.2"},
    "p95+50": {"LATENCY": "0.5"},
    "errors+0.2": {"ERRORS": "0.002"},
    "errors+0.5": {"ERRORS": "0.005"},
    "recovery+2": {"START_SECONDS": "2"},
    "recovery+5": {"START_SECONDS": "5"},
    "memory+20": {"MEMORY": "0.2"},
}
"""Name -> build arguments; the images' names end so, without the +."""
NO_WORSE = frozenset({SAME, "neutral"})
BY_DRILLS = frozenset({"recovery+2", "recovery+5"})
"""Plain load does not tell them."""
MOST_SECONDS = 3600.0
LINES = 12


@dataclass(frozen=True)
class Seen:
    """What `drill gate` said. `decision`: its JSON; `said`: its lines."""

    status: int
    decision: Mapping[str, Any]
    said: str
    seconds: float


def gate_live(options: Options) -> list[Row]:
    """See the module's text."""
    return _rows("gate-live", "alternate", options)


def rounds_live(options: Options) -> list[Row]:
    """The same by rounds of plain load. Raises MeasureError for a variant that these do not tell."""
    untold = sorted(BY_DRILLS & set(options.variants))
    if untold:
        raise MeasureError(
            f"{', '.join(untold)}: plain load does not tell it; measure it with --only gate-live"
        )
    return _rows("rounds-live", "rounds", options)


def _rows(name: str, how: str, options: Options) -> list[Row]:
    """`how`: the command of `drill gate`."""
    settings = drill_settings.load(ROOT / "drill.toml")
    released = released_image(settings, connect(settings))
    reports = ROOT / "reports" / f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    return [
        row_of(variant, _compared(how, _built(released, variant), variant, reports, options))
        for variant in options.variants
    ]


def row_of(variant: str, seen: Seen) -> Row:
    """The aim of a variant that is no worse: not blocked, and where it cannot be told, how many seconds would
    tell; of one that is worse: blocked."""
    outcome, more = seen.decision["outcome"], seen.decision["more_seconds"]
    rows = [row for row in seen.decision["decision"]["rows"] if row["blocks"] and not row["waived"]]
    blocking = [row["name"] for row in rows if row["outcome"] == "regression"]
    by = f" by {', '.join(blocking)}" if blocking else ""
    said = f"{outcome}{by}, {seen.seconds:.0f} s"
    if outcome == "inconclusive" and more is not None:
        said += f"; {more:.0f} s more of {seen.decision['decision']['by']} would decide"
    if variant in NO_WORSE:
        held = outcome == "pass" or (outcome == "inconclusive" and more is not None)
        aim = "pass, or seconds that would decide"
    else:
        held, aim = outcome == "regression", "blocked"
    return Row(f"gate, {variant}", aim, said, reached(held), tuple(seen.said.splitlines()[:LINES]))


def _built(released: str, variant: str) -> str:
    """The name of its image."""
    if variant == SAME:
        return released
    image = f"{released.rpartition(':')[0] or released}:slowed-{variant.replace('+', '-')}"
    amounts = [f"{name}={amount}" for name, amount in VARIANTS[variant].items()]
    arguments = [word for each in (f"REFERENCE={released}", *amounts) for word in ("--build-arg", each)]
    place = ["-f", str(SOURCES / "Dockerfile"), "-t", image, str(SOURCES)]
    command = ["env", "DOCKER_BUILDKIT=1", "docker", "build", "--quiet", *arguments, *place]
    output(command, why=f"build the image {image}")
    return image


def _compared(how: str, image: str, variant: str, reports: Path, options: Options) -> Seen:
    name = variant.replace("+", "-")
    decision = reports / f"{name}.decision.json"
    command = [
        *(sys.executable, "-c", "from drill.start import main; main()"),
        *("gate", how, image, "--reports", str(reports)),
        *("--run", name, "--json", str(decision)),
        *("--budget-seconds", f"{options.budget_seconds:g}"),
    ]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=MOST_SECONDS, check=False
    )
    if not decision.is_file():
        raise MeasureError(
            f"{variant}: `drill gate {how} {image}` ended with exit status {done.returncode} and without "
            f"a decision; what it said stands above; its runs: {reports}"
        )
    read: dict[str, Any] = msgspec.json.decode(decision.read_bytes())
    return Seen(done.returncode, read, done.stdout, time.monotonic() - began)
