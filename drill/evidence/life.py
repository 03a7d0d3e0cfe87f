"""The life of a finding. Flows in: findings, and the verdicts of a run. Flows out: what is opened, what is
closed, and what cannot be true.

A drill that did not end as its scenario states opens one, whether it failed or could not be decided: what
nobody can tell is not passed. A later run closes it when a drill that carried out the same procedures passed;
where nobody acted, when the same scenario did; never while another drill of them fails in that run. A
scenario that states something else than a pass closes its own when it ended so, if it stated the same then:
who only changes what a scenario states repairs nothing. A drill that could not be carried out says nothing of
the target, and opens none.

A flaky drill, whose verdict differs among runs of the same digests, opens one with its rate, also where it
passed; as long as it is flaky, its passing closes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

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


class _Ended(NamedTuple):
    """A drill as it ended, from its verdict or from the history. `expected`: what its scenario states."""

    scenario: str
    procedure: str
    verdict: str
    expected: str
    as_expected: bool


def changed_by(
    findings: Sequence[Finding],
    facts: Facts,
    verdicts: Sequence[DrillVerdict],
    due_days: int,
    flaky: Sequence[Flaky] = (),
    *,
    drills: Sequence[PastDrill] = (),
) -> Changed:
    """`verdicts`: of the run, in its order; a control that an earlier run measured counts for none. `flaky`:
    its drills that are. `drills`: all, by which runs of one day are told apart."""
    day = day_of(facts)
    kept = {drill.drill for drill in facts.drills if drill.kept is not None}
    own = [each for each in verdicts if each.drill not in kept and not each.control]
    unreliable = {each.scenario: each for each in flaky}
    ended = [
        _Ended(each.scenario, each.procedure, each.verdict, each.expected, as_expected(each)) for each in own
    ]
    reliable = [each for each in ended if each.scenario not in unreliable]
    closed = tuple(
        finding.model_copy(update={"status": "closed", "retest": FindingRun(run=facts.run, day=day)})
        for finding in findings
        if finding.status != "closed"
        and _is_later(facts.started_wall, finding, drills)
        and any(_retests(each, finding) for each in reliable)
        and not _fails(ended, finding)
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
        ended = [
            _Ended(each.scenario, each.procedures, each.verdict, each.expected, each.as_expected)
            for each in drills
            if each.run.run == finding.retest.run
            and each.run.ended
            and not (each.control or each.kept_run)
            and _is_later(each.run.started_wall, finding, drills)
        ]
        if not any(_retests(each, finding) for each in ended) or _fails(ended, finding):
            yield (
                f"{finding.id} says that run {finding.retest.run} closed it, and no drill of its procedure "
                "passed there later, as far as the history tells"
            )


def overdue(findings: Sequence[Finding], today: date) -> list[str]:
    """In words, one each."""
    return [why for finding in findings if (why := finding.overdue(today))]


def _is_later(started_wall: float, finding: Finding, drills: Sequence[PastDrill]) -> bool:
    """Than the run that opened the finding; where the history does not know that one, on a later day."""
    opened = finding.opened
    if _day(started_wall) != opened.day:
        return _day(started_wall) > opened.day
    began = [each.run.started_wall for each in drills if each.run.run == opened.run]
    that_day = [wall for wall in began if _day(wall) == opened.day]
    return bool(that_day) and started_wall > max(that_day)


def _day(wall: float) -> date:
    return datetime.fromtimestamp(wall, UTC).date()


def _retests(drill: _Ended, finding: Finding) -> bool:
    stated = drill.scenario == finding.scenario and drill.expected == finding.expected
    return (
        drill.as_expected
        and (drill.verdict == "pass" or stated)
        and _same(drill.procedure, drill.scenario, finding)
    )


def _fails(drills: Sequence[_Ended], finding: Finding) -> bool:
    return any(_same(each.procedure, each.scenario, finding) for each in drills if not each.as_expected)


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
        expected=verdict.expected,
        severity=verdict.severity,
        opened=FindingRun(run=facts.run, day=day),
        owner=UNASSIGNED,
        due=day + timedelta(days=due_days),
        status="open",
    )


def _printable(text: str) -> str:
    """On one line; what a terminal would act on is a question mark."""
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
