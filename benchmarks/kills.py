"""kill -9 at random moments of a drill's life, and whether the target is put back. Flows in: the cluster.
Flows out: a row.

Faults, in an order drawn from a seed that the row names, and victims (the run, the experiment's process,
both) take turns; the moment is drawn as well. Put back means what tests/cluster asserts: no fault open,
nothing different from the known state, the target well, after `put_back` as any run begins with.
"""

from __future__ import annotations

import random
import subprocess
from collections import Counter

from benchmarks.row import ROOT, MeasureError, Options, Row, evidence, reached
from drill import settings as drill_settings
from drill import wait
from drill.cluster.access import Cluster, connect
from drill.errors import DrillError
from drill.putback import put_back
from drill.settings import Settings
from tests.cluster.random_kills import BREAKING, LIFE_SECONDS, VICTIMS, kill, kinds, start
from tests.cluster.target_state import assert_as_known, remember

SEED = "random kills"
EARLIEST_SECONDS = 0.3


def kills(options: Options) -> list[Row]:
    """See the module's text."""
    if not options.kills:
        raise MeasureError("--kills is 0")
    settings = drill_settings.load(ROOT / "drill.toml")
    cluster = connect(settings)
    put_back(settings, cluster)
    remember(cluster)
    chance = random.Random(SEED)
    faults = chance.sample(BREAKING, len(BREAKING))
    stages: Counter[str] = Counter()
    failures = []
    for number in range(options.kills):
        fault, victim = faults[number % len(faults)], VICTIMS[number % len(VICTIMS)]
        after = chance.uniform(EARLIEST_SECONDS, LIFE_SECONDS)
        try:
            stages[kill_once(settings, cluster, fault, victim, after)] += 1
        except (DrillError, AssertionError, subprocess.TimeoutExpired) as error:
            failures.append(f"not put back: {fault}, {victim} killed after {after:.2f} s: {error}")
            put_back(settings, cluster)
    as_before = options.kills - len(failures)
    notes = (
        f"killed {', '.join(f'{count} {stage}' for stage, count in stages.items())}; seed {SEED!r}",
        *failures,
    )
    return [
        Row(
            "put back after kill -9 at random moments",
            "all",
            f"{as_before} of {options.kills}",
            reached(not failures),
            notes,
        )
    ]


def kill_once(settings: Settings, cluster: Cluster, fault: str, victim: str, after_seconds: float) -> str:
    """Kill, put back, check. Returns how far the drill had come. Raises AssertionError or DrillError where
    the target is not as it was.
    """
    with evidence() as folder:
        run = start(fault, folder)
        wait.pause(after_seconds)
        so_far = kinds(folder)
        kill(victim, run, folder)
        put_back(settings, cluster)
        assert_as_known(settings, cluster)
        return _stage(so_far)


def _stage(so_far: list[str]) -> str:
    if "drill.finished" in so_far:
        return "after its end"
    if "fault.undone" in so_far:
        return "after the undo"
    if "fault.injected" in so_far:
        return "with the fault in"
    return "between ledger and injection" if "fault.announced" in so_far else "before anything was broken"
