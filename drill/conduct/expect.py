"""What Then-steps ask of a verdict. Flows in: a DrillVerdict. Flows out: nothing, or an AssertionError that
carries the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from drill.judge.verdict import AlertSeen, Criterion, DrillVerdict
from drill.recording.events import CommandFinished, StatusPageTold
from drill.run.outcome import as_expected, without_tools
from drill.runbook import Defect
from drill.runbook.document import NUMBERING

OK, NOT_FOUND = 200, 127
BASELINES = ("response_time", "error_rate", "cpu", "memory", "database")


class Inconclusive(AssertionError):
    """The recording cannot tell: too few requests, an interval across the limit, a tool that is missing."""


def hold(verdict: DrillVerdict, names: Sequence[str]) -> None:
    """Every criterion of these names passes or, where the target lacks what it measures, is not
    applicable.
    """
    criteria = [_criterion(verdict, name) for name in names]
    _raise("fail", AssertionError, verdict, criteria)
    _raise("inconclusive", Inconclusive, verdict, criteria)


def recovers(verdict: DrillVerdict, severity: str) -> None:
    """Users were served again, for good, within the response time of the scenario's own severity."""
    assert verdict.severity == severity, (
        f"the scenario is tagged {verdict.severity or 'with no severity'}, its step says {severity}"
    )
    hold(verdict, ["recovered"])


def stays_out(verdict: DrillVerdict) -> None:
    """Users were out until the end of watching, and nothing was on its way any more."""
    stated = verdict.stays_out
    if stated is None or stated.verdict in ("inconclusive", "not applicable"):
        why = stated.why if stated else f"the drill's verdict is {verdict.verdict}: {verdict.why}"
        raise Inconclusive(f"{why}; evidence: {verdict.evidence}")
    if stated.verdict == "fail":
        raise AssertionError(
            f"expected the service to stay out, yet {stated.why}; evidence: {verdict.evidence}"
        )


def does_not_stay_up(verdict: DrillVerdict) -> None:
    """Users were served again, and lost again: recovery is kept, not met."""
    breaks(verdict, "recovered")
    if not verdict.flapping:
        raise AssertionError(
            f"expected a relapse, there was none: {verdict.why}; evidence: {verdict.evidence}"
        )


def breaks(verdict: DrillVerdict, name: str) -> None:
    """That criterion fails; doubt is not enough."""
    criterion = _criterion(verdict, name)
    if criterion.verdict == "inconclusive":
        raise Inconclusive(f"{name}: {criterion.why}; evidence: {verdict.evidence}")
    if criterion.verdict != "fail":
        raise AssertionError(
            f"expected {name} to fail, it is {criterion.verdict}: {criterion.why}; evidence: "
            f"{verdict.evidence}"
        )


def tells(verdict: DrillVerdict, place: str, pattern: str, tool: str = "") -> None:
    """The block tells the fault in a line of what it printed, and told nothing like it before; or nothing is
    known, for want of `tool` and of nothing else, on a machine that lacks it."""
    found = [each for each in verdict.told if (each.name, each.title) == (place, pattern)]
    if not found:
        raise Inconclusive(
            f"what it tells was not judged, since the drill's verdict is {verdict.verdict}: {verdict.why}; "
            f"evidence: {verdict.evidence}"
        )
    _raise("fail", AssertionError, verdict, found)
    if tool and verdict.expected == without_tools([tool]):
        _for_want_of(verdict, tool, found)
        return
    _raise("inconclusive", Inconclusive, verdict, found)


def _for_want_of(verdict: DrillVerdict, tool: str, found: Sequence[Criterion]) -> None:
    missing = f"not on this machine: {tool}"
    for each in found:
        if not each.why.endswith(missing):
            raise AssertionError(
                f"expected nothing to be known for want of {tool}, yet {each.why}; evidence: "
                f"{verdict.evidence}"
            )
    counting = [each for each in verdict.criteria if f"{each.name}: {each.why}" in verdict.why]
    others = [each for each in counting if not each.why.endswith(missing)]
    _raise("inconclusive", Inconclusive, verdict, others)


def fires(
    verdict: DrillVerdict, alert: str, within_seconds: float | None = None, after_seconds: float = 0.0
) -> AlertSeen | None:
    """The alert fires after the fault, not before `after_seconds` of it and within `within_seconds`; None
    where the target has no alerts."""
    judged = _criterion(verdict, "detected")
    if judged.verdict == "not applicable":
        return None
    _raise("inconclusive", Inconclusive, verdict, [judged])
    firing = [
        (each.firing_seconds, each)
        for each in verdict.alerts or []
        if each.alert == alert and each.firing_seconds is not None and each.firing_seconds >= 0
    ]
    if not firing:
        raise AssertionError(
            f"{alert} does not fire, so nobody would have been called by it: {judged.why}; evidence: "
            f"{verdict.evidence}"
        )
    seconds, first = min(firing, key=lambda each: each[0])
    if within_seconds is not None and seconds > within_seconds:
        raise AssertionError(
            f"expected {alert} to fire within {within_seconds:.0f} s, it fires {seconds:.0f} s after the "
            f"fault; evidence: {verdict.evidence}"
        )
    if seconds < after_seconds:
        raise AssertionError(
            f"expected {alert} not to fire before {after_seconds:.0f} s, it fires {seconds:.0f} s after the "
            f"fault; evidence: {verdict.evidence}"
        )
    return first


def only_fire(verdict: DrillVerdict, alerts: Sequence[str]) -> None:
    """These alerts fire, all of them, and no other does."""
    for alert in alerts:
        fires(verdict, alert)
    hold(verdict, ["quiet"])


def leads_to(verdict: DrillVerdict, alert: str, section: str) -> None:
    """Whoever is called by the alert is led to that section of the runbook."""
    seen = fires(verdict, alert)
    if seen is not None and NUMBERING.sub("", seen.section) != NUMBERING.sub("", section):
        raise AssertionError(
            f"expected {alert} to lead to {section!r}, it leads to {seen.section or 'no section'!r}; "
            f"evidence: {verdict.evidence}"
        )


def credited(verdict: DrillVerdict | None, scenario: str, credit: str) -> None:
    """The repair in that scenario is owed to `credit`."""
    if verdict is None:
        raise Inconclusive(
            f"{scenario!r} was not drilled in this run, so there is nothing to compare with: run both "
            "together"
        )
    if verdict.credit in ("not measured", "too close to tell"):
        raise Inconclusive(f"the credit in {scenario!r} is {verdict.credit}; evidence: {verdict.evidence}")
    if verdict.credit != credit:
        raise AssertionError(
            f"expected the credit in {scenario!r} to be the {credit}'s, it is: {verdict.credit}; evidence: "
            f"{verdict.evidence}"
        )


def page_went_through(
    verdict: DrillVerdict, told: Sequence[tuple[float | None, StatusPageTold]], statuses: Sequence[str]
) -> None:
    """The page showed these statuses, in this order and no others; it spoke of an incident when users were
    out already, and of its end when they were served again."""
    shown = [(seconds, each.status) for seconds, each in told if each.answered == OK]
    refused = [f"{each.status!r} with {each.answered}" for _, each in told if each.answered != OK]
    what = f"it refused {', '.join(refused)}; " if refused else ""
    went = [status for status, _ in groupby(status for _, status in shown)]
    assert went == list(statuses), (
        f"expected the status page to go through {', '.join(statuses)}; {what}it went through "
        f"{', '.join(went) or 'nothing'}; evidence: {verdict.evidence}"
    )
    if not verdict.outages:
        raise Inconclusive(
            f"users were never out, so no time was right for the page to say so; evidence: {verdict.evidence}"
        )
    for seconds, status in shown:
        over = status in ("monitoring", "resolved")
        since = verdict.recovered_seconds if over else verdict.outages[0].start_seconds
        began = "users were served again" if over else "users were out"
        early = seconds is None or since is None or seconds < since
        assert not early, (
            f"the status page said {status} {seconds} s after the fault; {began} after {since} s; evidence: "
            f"{verdict.evidence}"
        )


def fails_as(
    defect: Defect, commands: Sequence[CommandFinished], missing_tools: Sequence[str], verdict: DrillVerdict
) -> None:
    """The commands that ran, and the criterion that the defect names, show this defect, and not some other
    trouble. Where a command of the evidence called a program that is not on this machine, or the criterion is
    in doubt, nothing is known."""
    if not defect.evidence:
        raise Inconclusive(f"{defect.id} states no evidence, so nothing can show it")
    evidence = verdict.evidence
    judged = [_criterion(verdict, piece.criterion) for piece in defect.evidence if piece.criterion]
    if not defect.proven_by(commands, [each.name for each in judged if each.verdict == "fail"]):
        lines = {piece.line for piece in defect.evidence if not any(map(piece.holds, commands))}
        called = [each.command for each in commands if each.line in lines and each.status == NOT_FOUND]
        lacking = [tool for tool in missing_tools if any(tool in command.split() for command in called)]
        if lacking:
            raise Inconclusive(
                f"{defect.id}: not on this machine: {', '.join(lacking)}; evidence: {evidence}"
            )
        _raise("inconclusive", Inconclusive, verdict, judged)
        seen = [f"line {command.line} ended with {command.status}" for command in commands]
        seen += [f"{each.name} is {each.verdict}: {each.why}" for each in judged]
        wanted = "; ".join(str(piece.model_dump(exclude_none=True)) for piece in defect.evidence)
        raise AssertionError(
            f"{defect.id} did not show itself: expected {wanted}; seen: {'; '.join(seen)}; evidence: "
            f"{evidence}. If the text is repaired, close it"
        )


def hold_to_expectation(verdict: DrillVerdict) -> None:
    """The verdict is what the scenario states."""
    if as_expected(verdict) or verdict.verdict == "not applicable":
        return
    kind = Inconclusive if verdict.verdict in ("inconclusive", "not noticed") else AssertionError
    raise kind(
        f"expected {verdict.expected}, the verdict is {verdict.verdict}: {verdict.why}; evidence: "
        f"{verdict.evidence}"
    )


def _criterion(verdict: DrillVerdict, name: str) -> Criterion:
    for criterion in verdict.criteria:
        if criterion.name == name:
            return criterion
    raise Inconclusive(
        f"{name} was not judged, since the drill's verdict is {verdict.verdict}: {verdict.why}; evidence: "
        f"{verdict.evidence}"
    )


def _raise(
    outcome: str, kind: type[AssertionError], verdict: DrillVerdict, criteria: Sequence[Criterion]
) -> None:
    found = [f"{criterion.name}: {criterion.why}" for criterion in criteria if criterion.verdict == outcome]
    if found:
        raise kind("; ".join(found) + f"; evidence: {verdict.evidence}")
