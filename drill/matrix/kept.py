"""What happens where nobody acts, from controls that earlier runs measured. Flows in: kept controls of each
fault. Flows out: the state, with those that say the same as a drill of the matrix would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from drill.judge.credit import conclusive_control
from drill.judge.judge import judge
from drill.judge.verdict import DrillVerdict
from drill.matrix.crossing import CrossedFault
from drill.matrix.effect import seen_in
from drill.matrix.state import CrossedDrill, CrossedState
from drill.matrix.work import CrossingPlan
from drill.report.words import days_text
from drill.run.kept import Kept

LATE_SECONDS = 0.5
"""Watching ends so much sooner or later, as the judge places it."""


def reuse_controls(
    plan: CrossingPlan,
    state: CrossedState,
    kept_of: Callable[[CrossedFault], Sequence[Kept]],
    patience_seconds: float,
    say: Callable[[str], None],
) -> None:
    """Take the newest kept control of each fault of which nobody knows yet what happens alone. `kept_of`:
    newest first, the stale included; `patience_seconds`: how long a drill watches users who stay out."""
    for alone in plan.unknown_alone(state):
        for kept in kept_of(alone.fault):
            if kept.stale or not stands_for_nobody(verdict := judge(kept.folder), patience_seconds):
                continue
            taken = datetime.fromtimestamp(kept.note.taken_wall).astimezone().isoformat(timespec="seconds")
            state.add(
                CrossedDrill(
                    alone.title,
                    plan.basis(alone),
                    seen_in(verdict),
                    status=0,
                    seconds=0.0,
                    run=str(kept.folder),
                    began=taken,
                    taken_from=kept.note.run,
                )
            )
            say(f"{alone.title}: known from run {kept.note.run}, {days_text(kept.age_seconds)} ago")
            break


def stands_for_nobody(control: DrillVerdict, patience_seconds: float) -> bool:
    """Does this control say what a drill would in which nobody acts? Users who stay out were then watched for
    as long; a control is often watched for less."""
    if not conclusive_control(control):
        return False
    if control.recovered_seconds is not None:
        return True
    witnessed = max((fault.witness_seconds or 0.0 for fault in control.faults), default=0.0)
    return control.watched_seconds - witnessed + LATE_SECONDS >= patience_seconds
