"""kill -9 of the run, of the experiment's process, of both, at random moments of a drill's life: the target
is put back each time.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from random_kills import (
    BREAKING,
    LIFE_SECONDS,
    LONG_HOLD_SECONDS,
    VICTIMS,
    kill,
    kinds,
    one_of_each_kind,
    start,
)
from target_state import assert_as_known, ledger_of

from drill import wait
from drill.cluster.access import Cluster
from drill.errors import DeadlineError
from drill.putback import put_back as put_back_what_drills_left
from drill.settings import Settings

pytestmark = pytest.mark.cluster

IN_SECONDS, UNDONE_SECONDS = 300, 240

# fast faults carry the number; every fault is there, the slow ones killed when they are known to be in
AT_RANDOM = [("redis-locked-out", number) for number in range(12)] + [
    ("deployment-scaled-to-zero", number) for number in range(3)
]


WHILE_IN = [
    pytest.param(
        fault, VICTIMS[number % 3], marks=[] if fault in one_of_each_kind() else [pytest.mark.quarterly]
    )
    for number, fault in enumerate(BREAKING)
]


def wait_until_in(fault: str, run: subprocess.Popen[bytes], folder: Path) -> None:
    ended, _ = wait.until(
        f"{fault} to be in",
        lambda: (run.poll(), kinds(folder)),
        lambda seen: seen[0] is not None or "fault.witnessed" in seen[1],
        seconds=IN_SECONDS,
        every_seconds=0.05,
    )
    assert ended is None, (folder / "run.log").read_text()


@pytest.mark.usefixtures("put_back")
@pytest.mark.parametrize(("fault", "number"), AT_RANDOM)
def test_a_kill_at_a_random_moment_leaves_nothing_behind(
    settings: Settings, cluster: Cluster, tmp_path: Path, fault: str, number: int
) -> None:
    chance = random.Random(f"{fault} {number}")
    victim = VICTIMS[number % 3]
    run = start(fault, tmp_path)
    wait.pause(chance.uniform(0.3, LIFE_SECONDS))
    kill(victim, run, tmp_path)
    put_back_what_drills_left(settings, cluster)
    assert_as_known(settings, cluster)


@pytest.mark.usefixtures("put_back")
@pytest.mark.parametrize(("fault", "victim"), WHILE_IN)
def test_a_kill_while_the_fault_is_in_is_put_back(
    settings: Settings, cluster: Cluster, tmp_path: Path, fault: str, victim: str
) -> None:
    run = start(fault, tmp_path, LONG_HOLD_SECONDS)
    wait_until_in(fault, run, tmp_path)
    kill(victim, run, tmp_path)
    assert ledger_of(cluster).files(), "the fault was in and the ledger does not tell"
    done = put_back_what_drills_left(settings, cluster)
    undone = [line.partition(":")[0] for line in done.undone]
    # the experiment whose run was killed undoes it by itself, and may have done so by now
    assert undone == [fault] or (victim == "run" and undone == [])
    assert_as_known(settings, cluster)


@pytest.mark.usefixtures("put_back")
def test_a_killed_run_is_undone_by_its_experiment_alone(
    settings: Settings, cluster: Cluster, tmp_path: Path
) -> None:
    run = start("redis-locked-out", tmp_path, LONG_HOLD_SECONDS)
    wait_until_in("redis-locked-out", run, tmp_path)
    kill("run", run, tmp_path)
    try:
        wait.until(
            "the fault to be undone with nobody putting it back",
            ledger_of(cluster).faults,
            lambda left: not left,
            seconds=UNDONE_SECONDS,
        )
    except DeadlineError:
        print((tmp_path / "experiment-redis-locked-out.log").read_text())
        raise
    # the ledger's entry is closed before it is told
    wait.until(
        "the undo to be told",
        lambda: kinds(tmp_path),
        lambda seen: seen[-1] == "fault.undone",
        seconds=UNDONE_SECONDS,
    )
    # what is left of the run is that it was open: the state that it began with
    assert put_back_what_drills_left(settings, cluster).undone == []
    assert_as_known(settings, cluster)
