"""The life of a finding. Flows in: findings, and the verdicts of a run. Flows out: what is opened, what is
closed, and what cannot be true.

A drill that did not end as its scenario states opens one, whether it failed or could not be decided: what
nobody can tell is not passed. A later run closes it when a drill that carried out the same procedures passed;
where nobody acted, when the same scenario did; never while another drill of them fails in that run. A drill
that could not be carried out says nothing of the target, and opens none.

A flaky drill, whose verdict differs among runs of the same digests, opens one with its rate, also where it
passed; as long as it is flaky, its passing closes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from drill.evidence.findings import Finding, FindingRun
from drill.history.flaky import Flaky
from drill.history.store import PastDrill
from drill.judge.verdict import DrillVerdict
from drill.run.facts import Facts, day_of
from drill.run.outcome import as_expected

UNASSIGNED = "unassigned"
MOST_SAID = 400
OPENING = frozenset({"pass", "fail", "inconclusive", "not noticed"})
"""Verdicts that say something of the target, or that nobody can tell."""


@dataclass(frozen=True)
class Changed:
    """What a run does to the findings."""

    opened: tuple[Finding, ...]
    closed: tuple[Finding, ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        yield from (f"opened {each.id}, due {each.due}: {each.what}" for each in self.opened)
        yield from (f"closed {each.id} by {each.scenario}" for each in self.closed)


def changed_by(
    findings: Sequence[Finding],
    facts: Facts,
    verdicts: Sequence[DrillVerdict],
    due_days: int,
    flaky: Sequence[Flaky] = (),
) -> Changed:
    """`verdicts`: of the run, in its order; a control that an earlier run measured counts for none. `flaky`:
    its drills that are."""
    day = day_of(facts)
    kept = {drill.drill for drill in facts.drills if drill.kept is not None}
    own = [each for each in verdicts if each.drill not in kept and not each.control]
    unreliable = {each.scenario: each for each in flaky}
    reliable = [each for each in own if each.scenario not in unreliable]
    closed = tuple(
        finding.model_copy(update={"status": "closed", "retest": FindingRun(run=facts.run, day=day)})
        for finding in findings
        if finding.status != "closed"
        and finding.opened.run != facts.run
        and finding.opened.day <= day
        and any(_retests(each, finding) for each in reliable)
        and not any(_same(each.procedure, each.scenario, finding) for each in own if not as_expected(each))
    )
    gone = {finding.id for finding in closed}
    still = {
        finding.scenario for finding in findings if finding.status != "closed" and finding.id not in gone
    }
    number = max((int(finding.id.partition("-")[2]) for finding in findings), default=0)
    opened = []
    for verdict in own:
        if verdict.scenario in still:
            continue
        if verdict.scenario in unreliable:
            what = unreliable[verdict.scenario].said
        elif as_expected(verdict) or verdict.verdict not in OPENING:
            continue
        else:
            what = _what(verdict)
        number += 1
        opened.append(_opened(f"F-{number:03}", what, verdict, facts, due_days))
    return Changed(tuple(opened), closed)


def unfounded(findings: Sequence[Finding], drills: Sequence[PastDrill]) -> Iterator[str]:
    """Closed findings that no drill of the named run closes, in words: a person wrote that, or the run is not
    remembered."""
    for finding in findings:
        if finding.retest is None:
            continue
        if not any(
            drill.run.run == finding.retest.run
            and drill.as_expected
            and not drill.control
            and (drill.verdict == "pass" or drill.scenario == finding.scenario)
            and _same(drill.procedures, drill.scenario, finding)
            for drill in drills
        ):
            yield (
                f"{finding.id} says that run {finding.retest.run} closed it, and no drill of its procedure "
                "passed there, as far as the history tells"
            )


def overdue(findings: Sequence[Finding], today: date) -> list[str]:
    """In words, one each."""
    return [why for finding in findings if (why := finding.overdue(today))]


def _retests(verdict: DrillVerdict, finding: Finding) -> bool:
    return (
        as_expected(verdict)
        and (verdict.verdict == "pass" or verdict.scenario == finding.scenario)
        and _same(verdict.procedure, verdict.scenario, finding)
    )


def _same(procedure: str, scenario: str, finding: Finding) -> bool:
    carried_out = set(procedure.split("; ")) if procedure else set()
    return set(finding.procedures) <= carried_out if finding.procedures else scenario == finding.scenario


def _what(verdict: DrillVerdict) -> str:
    said = {"inconclusive": "could not be decided", "not noticed": "was not noticed by users"}
    return f"{said.get(verdict.verdict, verdict.verdict)}, expected {verdict.expected}: {verdict.why}"


def _opened(name: str, what: str, verdict: DrillVerdict, facts: Facts, due_days: int) -> Finding:
    day = day_of(facts)
    return Finding(
        id=name,
        what=_printable(what)[:MOST_SAID],
        scenario=verdict.scenario,
        procedures=tuple(verdict.procedures),
        severity=verdict.severity,
        opened=FindingRun(run=facts.run, day=day),
        owner=UNASSIGNED,
        due=day + timedelta(days=due_days),
        status="open",
    )


def _printable(text: str) -> str:
    """On one line; what a terminal would act on is a question mark."""
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
