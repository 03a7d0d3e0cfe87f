"""The exit status of a run, from its verdicts and findings: the same whether it has just ended or is judged
again."""

from __future__ import annotations

from collections.abc import Sequence

from drill.judge.verdict import DrillVerdict
from drill.run.facts import Finding

PASS, FAIL, INCONCLUSIVE, SETUP = 0, 1, 2, 3
UNDECIDED = "inconclusive"
WITHOUT = "not on this machine: "


def as_expected(verdict: DrillVerdict) -> bool:
    """True where the procedure did what the scenario states. What is expected may carry its reason after a
    colon. A drill that does not apply to the target was expected to do nothing."""
    return verdict.verdict in ("not applicable", verdict.expected.partition(":")[0].strip())


def without_tools(missing: Sequence[str]) -> str:
    """What is expected of a drill for which this machine lacks programs: `missing`, by name."""
    return f"{UNDECIDED}: {WITHOUT}{', '.join(missing)}"


def lacking_tools(verdict: DrillVerdict) -> list[str]:
    """The programs for want of which nothing could be known, where the scenario states so; else none."""
    names = verdict.expected.partition(WITHOUT)[2]
    return names.split(", ") if names and undecided_as_stated(verdict) else []


def undecided_as_stated(verdict: DrillVerdict) -> bool:
    """True where nothing could be known for want of a program, and the scenario states so."""
    return verdict.verdict == UNDECIDED and as_expected(verdict)


def exit_status(verdicts: Sequence[DrillVerdict], findings: Sequence[Finding]) -> int:
    """0 all as expected, 1 otherwise, 3 setup or usage error, 2 inconclusive where that is not stated; the
    first that applies in the order 1, 3, 2, 0."""
    judged = [each for each in verdicts if each.verdict != "not applicable"]
    kinds = {finding.kind for finding in findings}
    if "failure" in kinds or any(
        not as_expected(each) and each.verdict in ("pass", "fail") for each in judged
    ):
        return FAIL
    if "trouble" in kinds or not verdicts or any(each.verdict == "setup" for each in judged):
        return SETUP
    unstated = {each.verdict for each in judged if not as_expected(each)}
    if "doubt" in kinds or not unstated.isdisjoint(("not noticed", UNDECIDED)):
        return INCONCLUSIVE
    return PASS
