"""Controls and calibrations from one run to the next. A control is a fact about the platform: as long as the
fault, the target, the cluster and the load are the same, it need not be measured again in every run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from drill.conduct.ground import ground_of
from drill.conduct.run import Run
from drill.judge.credit import conclusive_control, watched_long_enough
from drill.judge.judge import judge
from drill.judge.verdict import DrillVerdict
from drill.recording.events import Calibration
from drill.run import facts
from drill.run.facts import KeptFacts
from drill.run.kept import (
    Kept,
    Note,
    bring,
    calibrations_of,
    controls_of,
    find,
    keep,
    store_of,
)
from drill.settings import Settings


def find_controls(
    settings: Settings, cluster: facts.Cluster, faults: Sequence[str], now_wall: float
) -> list[Kept]:
    """The kept controls of these faults, newest first. The stale ones say why; the others may be used."""
    place = controls_of(_store(settings), faults)
    return find(place, ground_of(settings, cluster, faults), now_wall, settings.judge.controls_days)


def that_answer(run: Run, scenario: str, found: Sequence[Kept]) -> list[Kept]:
    """Those of `found` that stand for the control of that title in this run: not stale, and able to tell who
    repaired the service in the run's drills of the same faults. One that was watched too briefly for that is
    of no use here, whatever it was measured for: without another, the control is measured anew."""

    def answers(kept: Kept) -> bool:
        drills = [
            verdict
            for verdict in run.verdicts
            if not verdict.control and tuple(seen.fault for seen in verdict.faults) == kept.note.faults
        ]
        return watched_long_enough(judge(kept.folder), drills)

    usable = [kept for kept in found if not kept.stale and kept.note.scenario == scenario]
    return [kept for kept in usable if answers(kept)]


def keep_control(settings: Settings, run: Run, verdict: DrillVerdict) -> Path | None:
    """Keep a control that this run has measured, for later runs; None where it is not conclusive. Call it
    once the drill is closed, since its recording is copied. Raises SetupError where it cannot be written."""
    if not verdict.control or not conclusive_control(verdict):
        return None
    faults = [fault.fault for fault in verdict.faults]
    note = Note(
        ground_of(settings, run.facts.cluster, faults),
        run.name,
        verdict.began_wall or run.facts.started_wall,
        files={},
        drill=verdict.drill,
        scenario=verdict.scenario,
        faults=tuple(faults),
    )
    return keep(controls_of(_store(settings), faults), run.folder / verdict.evidence, note)


def bring_control(run: Run, kept: Kept) -> DrillVerdict:
    """Copy a kept control into the run, which then stands alone, judge it there, and add it: it gives the
    drills of its faults their credit. Raises SetupError where it cannot be written."""
    name = f"{kept.note.drill}.{kept.folder.name.partition('-')[0].lstrip('0')}"
    folder = run.folder / "controls" / name
    bring(kept, folder)
    verdict = replace(judge(folder), drill=name)
    age = run.facts.started_wall - kept.note.taken_wall
    return run.add(verdict, KeptFacts(kept.note.run, kept.note.taken_wall, age))


def find_calibration(settings: Settings, cluster: facts.Cluster, now_wall: float) -> Kept | None:
    """The newest calibration of this target, stale or not: its `note.calibration` is what drills carry; None
    where none was kept."""
    place = calibrations_of(_store(settings))
    found = find(place, ground_of(settings, cluster, ()), now_wall, settings.judge.calibration_days)
    usable = [kept for kept in found if not kept.stale]
    return next(iter([*usable, *found]), None)


def keep_calibration(
    settings: Settings, cluster: facts.Cluster, calibration: Calibration, evidence: Path, run: str
) -> Path:
    """Keep a calibration with the drill of nothing that measured it (`evidence`). Raises SetupError."""
    note = Note(
        ground_of(settings, cluster, ()), run, calibration.taken_wall, files={}, calibration=calibration
    )
    return keep(calibrations_of(_store(settings)), evidence, note)


def _store(settings: Settings) -> Path:
    return store_of(settings.target.context, settings.target.namespace)
