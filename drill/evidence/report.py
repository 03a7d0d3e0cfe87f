"""The after-action report. Flows in: a stored run, the plan that was stated before it, findings and the
history. Flows out: the same report as HTML that prints well, and as Markdown.

It states what was measured and by whom it was planned; it does not say that anybody complies with anything.
What could not be decided is FAILED here, and a finding: an exercise that nobody can tell about has not
succeeded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment

from drill.evidence.demands import DEMANDS
from drill.evidence.findings import Finding
from drill.evidence.plan import ExercisePlan, Objective
from drill.history.store import PastDrill
from drill.judge.verdict import Criterion, DrillVerdict
from drill.recording import Event, all_of, first_of
from drill.recording.events import BackupMade, CommandFinished, DrillStarted
from drill.report import units
from drill.report.templates import environment_of, markdown_cell
from drill.run.facts import Facts, read_facts
from drill.run.outcome import as_expected, undecided_as_stated
from drill.run.stored import read_recordings, read_verdicts

FAILED, MET, NOT_MEASURED = "FAILED", "met", "FAILED: not measured"
SHOWN = {"fail": "the procedure fails", "not noticed": "users do not notice"}
YEAR_SECONDS = 365.25 * 86400
MOST_OF_A_COMMAND = 160
LOOKS_AT_A_BACKUP = ("integrity_check", "quick_check", "pg_verifybackup", "gzip -t", "sha256sum -c")


@dataclass(frozen=True)
class Result:
    """An objective and what one drill measured of it. `outcome`: met, or FAILED and why."""

    objective: str
    scenario: str
    asked: str
    measured: str
    interval: str
    samples: int
    outcome: str
    line: str


@dataclass(frozen=True)
class Carried:
    """A scenario as it went. `outcome`: passed, FAILED and why, or what else it states; `recovered`: when
    recovery was declared over and by what criterion; `backup`: by what command a backup was looked at before
    it was restored; `lost`: reconciliation of the data; `credit`: who repaired the service, and how that is
    known; `commands`: what the operator ran; `deviations`: what did not go as planned."""

    scenario: str
    plausible: str
    procedures: str
    outcome: str
    began: str
    recovered: str
    backup: str
    lost: str
    acted: str
    credit: str
    commands: tuple[str, ...]
    deviations: tuple[str, ...]
    evidence: str


@dataclass(frozen=True)
class AfterAction:
    """All that the report says."""

    facts: Facts
    began: str
    ended: str
    plan: ExercisePlan | None
    plan_stated: str
    plan_sha256: str
    results: tuple[Result, ...]
    carried: tuple[Carried, ...]
    deviations: tuple[str, ...]
    findings: tuple[Finding, ...]
    overdue: tuple[str, ...]
    coverage: tuple[tuple[str, int, str], ...]
    """Procedure, how often a drill of it passed within the year, and when last."""

    missing: tuple[str, ...] = ()
    """Scenarios that were planned and not carried out."""
    without_finding: tuple[str, ...] = ()
    """Scenarios that FAILED, of which findings.yaml knows nothing."""

    @property
    def failures(self) -> list[str]:
        """Why it has not succeeded, in words. None where a plan was stated before, all of it was carried out,
        every objective is met, every scenario went as it states, and nothing is overdue; what was not decided
        is among them."""
        status = self.facts.exit_status
        return [
            *(() if self.plan else ("no plan was stated before the run",)),
            *(
                ()
                if status == 0
                else (f"the run's exit status is {'unknown' if status is None else status}",)
            ),
            *(f"planned and not carried out: {each}" for each in self.missing),
            *(
                f"{each.objective}, {each.scenario}: {each.outcome}"
                for each in self.results
                if each.outcome != MET
            ),
            *(f"{each.scenario}: {each.outcome}" for each in self.carried if each.outcome.startswith(FAILED)),
            *self.overdue,
        ]

    @property
    def succeeded(self) -> bool:
        """There is no reason why not."""
        return not self.failures


def after_action(
    run_folder: Path,
    *,
    plan: ExercisePlan | None,
    plan_stated_wall: float | None,
    plan_sha256: str,
    findings: Sequence[Finding],
    drills: Sequence[PastDrill],
    today: date,
) -> AfterAction:
    """Everything from the run's folder, but what stands in the plan, in findings.yaml and in the history."""
    facts = read_facts(run_folder)
    verdicts = [
        verdict
        for verdict in read_verdicts(run_folder, facts)
        if verdict.drill not in {each.drill for each in facts.drills if each.kept}
    ]
    recordings = read_recordings(run_folder, verdicts)
    planned = {each.scenario: each.plausible for each in plan.scenarios} if plan else {}
    judged = [each for each in verdicts if not each.control]
    carried = tuple(_carried(each, planned, recordings.get(each.drill, ())) for each in judged)
    return AfterAction(
        facts=facts,
        began=_moment(facts.started_wall),
        ended=_ended(recordings),
        plan=plan,
        plan_sha256=plan_sha256,
        plan_stated=_moment(plan_stated_wall) if plan_stated_wall is not None else "",
        results=tuple(_results(plan, judged)),
        carried=carried,
        deviations=tuple(_deviations(facts, plan, verdicts)),
        missing=tuple(_missing(plan, verdicts)),
        findings=tuple(findings),
        without_finding=tuple(_without_finding(carried, findings, facts.run)),
        overdue=tuple(why for each in findings if (why := each.overdue(today))),
        coverage=tuple(_coverage(drills, facts.started_wall)),
    )


def markdown(report: AfterAction) -> str:
    """For a ticket or a repository."""
    return _environment().get_template("after-action.md.j2").render(report=report, demands=DEMANDS)


def html(report: AfterAction) -> str:
    """One file, without network or script; `print` makes a PDF of it."""
    return _environment().get_template("after-action.html.j2").render(report=report, demands=DEMANDS)


def _results(plan: ExercisePlan | None, verdicts: Sequence[DrillVerdict]) -> Iterator[Result]:
    if plan is None:
        return
    planned = {each.scenario for each in plan.scenarios}
    for objective in plan.objectives:
        measured = [
            (verdict, criterion)
            for verdict in verdicts
            if verdict.scenario in planned
            for criterion in verdict.criteria
            if criterion.name == objective.criterion and criterion.verdict != "not applicable"
        ]
        line = f"line {objective.line}" if objective.line else "no line stated"
        if not measured:
            yield Result(
                objective.name, "no planned scenario", _asked(objective, ""), "–", "–", 0, NOT_MEASURED, line
            )
        for verdict, criterion in measured:
            yield Result(
                objective.name,
                verdict.scenario,
                _asked(objective, criterion.unit)
                or f"limit {units.quantity(criterion.limit, criterion.unit)}",
                units.quantity(criterion.value, criterion.unit),
                units.interval_text(criterion.interval, criterion.unit) or "none: a single reading",
                criterion.samples,
                _met(objective, verdict, criterion),
                line if objective.line else criterion.source or line,
            )


def _asked(objective: Objective, unit: str) -> str:
    return "" if objective.at_most is None else f"at most {units.quantity(objective.at_most, unit)}"


def _met(objective: Objective, verdict: DrillVerdict, criterion: Criterion) -> str:
    """The whole interval must be within what is asked; nothing that is undecided is met."""
    if verdict.verdict in ("setup", "inconclusive") or criterion.verdict == "inconclusive":
        return f"{FAILED}: could not be decided ({criterion.why or verdict.why})"
    if criterion.verdict == "fail":
        return f"{FAILED}: {criterion.why}"
    if objective.at_most is None:
        return MET
    highest = criterion.interval[1] if criterion.interval else criterion.value
    if highest is None:
        return f"{FAILED}: could not be decided (no value)"
    return MET if highest <= objective.at_most else f"{FAILED}: {units.quantity(highest, criterion.unit)}"


def _carried(verdict: DrillVerdict, planned: Mapping[str, str], events: Sequence[Event]) -> Carried:
    started = first_of(DrillStarted, events)
    commands = all_of(CommandFinished, events)
    return Carried(
        scenario=verdict.scenario,
        plausible=planned.get(verdict.scenario, ""),
        procedures=verdict.procedure or "nobody acted",
        outcome=_outcome(verdict),
        began=_moment(verdict.began_wall),
        recovered=_recovered(verdict, started),
        backup=_backup(events, commands),
        lost=_lost(verdict),
        acted="drill, under the operator's own identity" if commands else "nobody",
        credit=f"{verdict.credit}: {verdict.credit_why}" if verdict.credit_why else verdict.credit,
        commands=tuple(
            f"line {each.line}: {_shortened(each.command)} ({_ended_as(each)})" for each in commands
        ),
        deviations=tuple(_of_drill(verdict)),
        evidence=verdict.evidence,
    )


def _outcome(verdict: DrillVerdict) -> str:
    if verdict.verdict == "not applicable":
        return "not applicable"
    if undecided_as_stated(verdict):
        return f"as its scenario states: {verdict.expected}"
    if verdict.verdict in ("inconclusive", "setup"):
        return (
            f"{FAILED}: {'could not be decided' if verdict.verdict == 'inconclusive' else 'not carried out'}"
        )
    if not as_expected(verdict):
        return f"{FAILED}: {verdict.verdict}, expected {verdict.expected}"
    if verdict.verdict == "pass":
        return "passed"
    return f"as its scenario states: {SHOWN.get(verdict.verdict, verdict.verdict)}"


def _recovered(verdict: DrillVerdict, started: DrillStarted | None) -> str:
    if verdict.verdict in ("setup", "not applicable"):
        return "not carried out"
    if verdict.recovered_seconds is None and not verdict.outages and verdict.unmeasured:
        return "not known: not all of it was measured"
    if verdict.recovered_seconds is None:
        return "never in the time watched" if verdict.outages else "users were never out"
    limit = next((each.source for each in verdict.criteria if each.name == "recovered"), "")
    hold = f", at least {started.settings.hold_seconds:g} s" if started else ""
    return (
        f"{units.seconds_text(verdict.recovered_seconds)} after the fault: from then users were served until "
        f"the end of watching{hold} ({limit})"
    )


def _backup(events: Sequence[Event], commands: Sequence[CommandFinished]) -> str:
    if not any(started.restores for started in all_of(DrillStarted, events)):
        return "no backup was restored"
    made = [backup.name for backup in all_of(BackupMade, events)]
    looked = [each for each in commands if any(sign in each.command for sign in LOOKS_AT_A_BACKUP)]
    said = [f"line {each.line} looks at it, {_ended_as(each)}" for each in looked]
    return "; ".join(said or ["no command of the procedure checks it"]) + (
        f" (made: {made[-1]})" if made else ""
    )


def _lost(verdict: DrillVerdict) -> str:
    writes = verdict.writes
    if writes is None:
        return "not audited"
    text = f"{writes.lost} of {writes.acknowledged} acknowledged writes are absent"
    if writes.allowed_lost:
        text += f", {writes.allowed_lost} of them newer than the restored backup"
    if writes.data_age_seconds is not None:
        text += f"; the data was {units.seconds_text(writes.data_age_seconds)} old"
    return text


def _of_drill(verdict: DrillVerdict) -> Iterator[str]:
    for command in verdict.commands:
        if command.hung or (command.status and not command.interrupted):
            yield f"line {command.line} {'hung' if command.hung else f'ended with status {command.status}'}"
    for stretch in verdict.unmeasured:
        length = units.seconds_text(stretch.end_seconds - stretch.start_seconds)
        yield f"not measured for {length}: {stretch.what}"
    yield from verdict.unreadable


def _deviations(facts: Facts, plan: ExercisePlan | None, verdicts: Sequence[DrillVerdict]) -> Iterator[str]:
    if plan is None:
        yield "No plan was stated before this run."
    else:
        yield from (f"Planned and not carried out: {each}" for each in _missing(plan, verdicts))
        others = {each.scenario for each in verdicts if not each.control}
        others -= {each.scenario for each in plan.scenarios}
        yield from (f"Carried out and not planned: {each}" for each in sorted(others))
    yield from (f"{found.kind}: {found.text}" for found in facts.findings)


def _missing(plan: ExercisePlan | None, verdicts: Sequence[DrillVerdict]) -> Iterator[str]:
    ran = {verdict.scenario for verdict in verdicts if verdict.verdict not in ("setup", "not applicable")}
    yield from (each.scenario for each in (plan.scenarios if plan else ()) if each.scenario not in ran)


def _without_finding(carried: Sequence[Carried], findings: Sequence[Finding], run: str) -> Iterator[str]:
    known = {each.scenario for each in findings if each.status != "closed" or each.opened.run == run}
    yield from (
        each.scenario for each in carried if each.outcome.startswith(FAILED) and each.scenario not in known
    )


def _coverage(drills: Sequence[PastDrill], until_wall: float) -> Iterator[tuple[str, int, str]]:
    passed: dict[str, list[PastDrill]] = {}
    for drill in drills:
        counts = drill.verdict == "pass" and drill.run.ended and not drill.control and not drill.kept_run
        if counts and until_wall - YEAR_SECONDS <= drill.began_wall:
            for procedure in filter(None, drill.procedures.split("; ")):
                passed.setdefault(procedure, []).append(drill)
    for procedure, those in sorted(passed.items()):
        yield procedure, len(those), f"{those[-1].run.run}, {_moment(those[-1].began_wall)}"


def _ended(recordings: Mapping[str, Sequence[Event]]) -> str:
    walls = [event.wall for events in recordings.values() for event in events]
    return _moment(max(walls)) if walls else "not known"


def _shortened(command: str) -> str:
    text = " ".join(command.split())
    return text if len(text) <= MOST_OF_A_COMMAND else f"{text[:MOST_OF_A_COMMAND]}…"


def _ended_as(command: CommandFinished) -> str:
    if command.hung:
        return "hung"
    return "interrupted" if command.interrupted else f"status {command.status}"


def _moment(wall: float) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d %H:%M:%S} UTC"


@cache
def _environment() -> Environment:
    environment = environment_of("drill.evidence", "drill.report")
    environment.filters.update(cell=markdown_cell)
    return environment
