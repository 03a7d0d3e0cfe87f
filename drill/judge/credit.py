"""Who repaired the service: the runbook, the platform, or nobody? Flows in: a drill's verdict and those of
its controls. Flows out: the credit, and why.

A control is the same faults with nobody acting. Credit needs a cause: something that the operator's identity
changed, by the API server's audit log, before users were served again; and a control that says for certain
what the platform does alone. One drill and one control are one sample each, so a difference counts only when
it is larger than MARGIN_SECONDS and than MARGIN_SHARE of the longer reading.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from drill.judge.verdict import Credit, DrillVerdict

MARGIN_SECONDS = 5.0
MARGIN_SHARE = 0.25
ROUNDED_SECONDS = 0.001
NOT_CARRIED_OUT = {
    "setup": "the drill could not be carried out",
    "not applicable": "the target has not what the drill needs",
}


def judge_credit(drill: DrillVerdict, controls: Sequence[DrillVerdict]) -> tuple[Credit, str]:
    """The credit and its reason. What a recording proves by itself needs no control: recovered before anyone
    acted, or out for good."""
    unmeasured = _unmeasurable(drill)
    if unmeasured:
        return "not measured", unmeasured
    took = drill.recovered_seconds
    if took is None:
        return "nobody", drill.stays_out.why if drill.stays_out else ""
    begun = drill.procedure_started_seconds
    if begun is None or took < begun:
        return "platform", f"users were served again after {took:.1f} s, before anyone acted"
    return _with_cause(drill, took, begun, controls)


def _unmeasurable(drill: DrillVerdict) -> str:
    """Why nothing can be said of who repaired it; empty where something can."""
    if drill.verdict in NOT_CARRIED_OUT:
        return NOT_CARRIED_OUT[drill.verdict]
    if drill.unreadable:
        return "some of its records could not be read"
    if not drill.faults or not drill.outages:
        return "users were never out, so nothing was repaired"
    took, begun = drill.recovered_seconds, drill.procedure_started_seconds
    if took is None:
        stays_out = drill.stays_out is not None and drill.stays_out.verdict == "pass"
        return "" if stays_out else "whether users were served again is not known"
    if _criterion(drill, "recovered") == "inconclusive" or _unsure_of_recovery(drill, took):
        return "the time of recovery is inconclusive"
    alone = begun is None or took < begun
    return "the service was going up and down" if alone and drill.flapping else ""


def with_credit(drill: DrillVerdict, controls: Sequence[DrillVerdict]) -> DrillVerdict:
    """The same verdict, with the credit that its controls allow."""
    credit, why = judge_credit(drill, controls)
    return msgspec.structs.replace(drill, credit=credit, credit_why=why)


def with_credits(verdicts: Sequence[DrillVerdict], kept: Sequence[DrillVerdict] = ()) -> list[DrillVerdict]:
    """The verdicts of one run, in their order, each drill with the credit that all controls of the same
    faults allow: those of the run, and those `kept` from before."""
    controls = [each for each in (*verdicts, *kept) if each.control]
    return [
        each if each.control else with_credit(each, [one for one in controls if one.fault == each.fault])
        for each in verdicts
    ]


def _with_cause(
    drill: DrillVerdict, took: float, begun: float, controls: Sequence[DrillVerdict]
) -> tuple[Credit, str]:
    if drill.changes is None:
        return "not measured", "no audit log of the cluster was read, so no cause can be shown"
    causes = [change for change in drill.changes if max(0.0, begun) <= change.seconds <= took]
    if not causes:
        return "not measured", "the procedure changed nothing before users were served again"
    conclusive = [control for control in controls if conclusive_control(control)]
    if not conclusive:
        return "not measured", _no_control(controls)
    answers = {_against(took, control): control for control in reversed(conclusive)}
    alone = ", ".join(_alone(control) for control in conclusive)
    why = f"{took:.1f} s with the procedure; the platform alone: {alone}"
    cause = causes[-1]
    if len(answers) > 1:
        return "too close to tell", f"controls differ: {why}"
    credit = next(iter(answers))
    if credit == "runbook":
        why += f"; the last change before users were served: {cause.verb} {cause.object}"
    return credit, why


def conclusive_control(control: DrillVerdict) -> bool:
    """Does this control say for certain what the platform does alone? Not when users were hardly out, nor
    when the service went up and down, nor when its own verdict is in doubt."""
    if control.verdict in (*NOT_CARRIED_OUT, "not noticed") or not control.outages or control.flapping:
        return False
    if control.unreadable:
        return False
    if control.recovered_seconds is not None:
        sure = not _unsure_of_recovery(control, control.recovered_seconds)
        return sure and _criterion(control, "recovered") in ("pass", "fail")
    return control.stays_out is not None and control.stays_out.verdict == "pass"


def _unsure_of_recovery(verdict: DrillVerdict, took: float) -> bool:
    """Unmeasured right before it or since: it came later than its limit, yet is not known to a moment."""
    return any(each.end_seconds > took - ROUNDED_SECONDS for each in verdict.unmeasured)


def watched_long_enough(control: DrillVerdict, drills: Sequence[DrillVerdict]) -> bool:
    """Can this control tell who repaired the service in each of these drills? Not where users were still out
    when watching ended, sooner than it would have to be to differ from a drill."""
    if control.recovered_seconds is not None:
        return True
    took = [drill.recovered_seconds for drill in drills if drill.recovered_seconds is not None]
    return all(_watched_for(control, each) for each in took)


def _watched_for(control: DrillVerdict, took: float) -> bool:
    return control.watched_seconds >= took + max(MARGIN_SECONDS, MARGIN_SHARE * took)


def _no_control(controls: Sequence[DrillVerdict]) -> str:
    if not controls:
        return "there is no control"
    if any(control.flapping for control in controls):
        return "in the control the service was going up and down, which tells nothing of who repaired it"
    return f"the control is not conclusive: {controls[0].why}"


def _against(took: float, control: DrillVerdict) -> Credit:
    alone = control.recovered_seconds
    if alone is None:
        return "runbook" if _watched_for(control, took) else "too close to tell"
    gained, margin = alone - took, max(MARGIN_SECONDS, MARGIN_SHARE * alone)
    if gained > margin:
        return "runbook"
    return "too close to tell" if gained > margin / 2 else "platform"


def _alone(control: DrillVerdict) -> str:
    if control.recovered_seconds is None:
        return f"still out after {control.watched_seconds:.1f} s"
    return f"{control.recovered_seconds:.1f} s"


def _criterion(verdict: DrillVerdict, name: str) -> str | None:
    return next((criterion.verdict for criterion in verdict.criteria if criterion.name == name), None)
