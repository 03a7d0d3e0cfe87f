"""Who repaired the service: the runbook, the platform, or nobody? Flows in: a drill's verdict and its
control's. Flows out: the credit.

A control is the same fault with nobody acting. One drill and one control are one sample each, so a difference
counts only when it is larger than MARGIN_SECONDS and than MARGIN_SHARE of the longer reading.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from drill.judge.verdict import Credit, DrillVerdict

MARGIN_SECONDS = 5.0
MARGIN_SHARE = 0.25


def judge_credit(drill: DrillVerdict, control: DrillVerdict | None) -> Credit:
    """What a recording proves by itself needs no control: restored before anyone acted, or restored never."""
    if drill.verdict in ("setup", "not applicable"):
        return "not measured"
    took = drill.restored_seconds
    if took is None:
        return "nobody" if _restoration(drill) == "fail" else "not measured"
    if drill.procedure_started_seconds is None or took < drill.procedure_started_seconds:
        return "platform"
    if control is None or control.verdict in ("setup", "not applicable"):
        return "not measured"
    return _against_control(took, control)


def with_credit(drill: DrillVerdict, control: DrillVerdict | None) -> DrillVerdict:
    """The same verdict, with the credit that its control allows."""
    return msgspec.structs.replace(drill, credit=judge_credit(drill, control))


def with_credits(verdicts: Sequence[DrillVerdict]) -> list[DrillVerdict]:
    """The verdicts of one run, in their order, each drill with the credit that the run's control of the same
    fault allows.
    """
    controls = {each.fault: each for each in verdicts if each.control}
    return [each if each.control else with_credit(each, controls.get(each.fault)) for each in verdicts]


def _against_control(took: float, control: DrillVerdict) -> Credit:
    alone = control.restored_seconds
    if alone is None:
        if _restoration(control) not in ("fail", "inconclusive") or not _noticed(control):
            return "not measured"
        enough = took + max(MARGIN_SECONDS, MARGIN_SHARE * took)
        return "runbook" if control.watched_seconds >= enough else "too close to tell"
    gained, margin = alone - took, max(MARGIN_SECONDS, MARGIN_SHARE * alone)
    if gained > margin:
        return "runbook"
    return "too close to tell" if gained > margin / 2 else "platform"


def _restoration(verdict: DrillVerdict) -> str | None:
    return next((criterion.verdict for criterion in verdict.criteria if criterion.name == "restored"), None)


def _noticed(verdict: DrillVerdict) -> bool:
    return any(phase.name == "first failed request" for phase in verdict.phases)
