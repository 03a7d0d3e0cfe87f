"""One drill as others would have been told of it. Flows in: the stored drill, its verdict, the runbook, the
settings. Flows out: a Notice: an incident with the filled template, or that there was none and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from drill.baselines import parse_response_times
from drill.incident.course import (
    Impact,
    IncidentUpdate,
    clock_was_set,
    impact_of,
    not_resolved,
    updates_of,
)
from drill.incident.escalation import EscalationLevel, Interval, interval_of, levels_of, reached
from drill.incident.severity import FeltSeverity, felt_severity, rules_of
from drill.incident.template import FilledTemplate, TemplateField, Value, fill, template_of
from drill.judge.case import Case
from drill.judge.judge import CRASHES
from drill.judge.verdict import DrillVerdict
from drill.report import units
from drill.runbook import Runbook, severity_limits
from drill.settings import Settings

NoticeKind = Literal["incident", "none", "not told"]


@dataclass(frozen=True)
class Incident:
    """`severity`: what users felt; `stated`: the scenario's, empty where it states none; `levels`: all of the
    runbook, `called`: those reached while users were out; `interval`: between updates; `remarks`: what a
    reader must know besides."""

    severity: FeltSeverity
    stated: str
    started_wall: float
    updates: tuple[IncidentUpdate, ...]
    impact: Impact
    components: tuple[str, ...]
    next_update_wall: float | None
    update_interval: Interval | None
    levels: tuple[EscalationLevel, ...]
    called: tuple[EscalationLevel, ...]
    level_interval: Interval | None
    filled: FilledTemplate
    remarks: tuple[str, ...]

    @property
    def severity_text(self) -> str:
        """What users felt, and the scenario's where that is another."""
        felt = self.severity.name or " or ".join(self.severity.possible) or "not told"
        text = f"{felt}: {self.severity.because}"
        if self.severity.would_tell:
            text += f"; {self.severity.would_tell} would tell"
        if self.stated and self.stated != self.severity.name:
            text += f". The scenario says {self.stated}"
        return text


@dataclass(frozen=True)
class Notice:
    """Of one drill. `why`: in a sentence, where there is no incident or nothing can be told."""

    drill: str
    scenario: str
    kind: NoticeKind
    why: str = ""
    incident: Incident | None = None

    @property
    def complete(self) -> bool:
        """Nothing in it is unknown."""
        return self.kind == "none" or (self.incident is not None and not self.incident.filled.unknown)


def notice_of(
    run_folder: Path, verdict: DrillVerdict, runbook: Runbook, settings: Settings, contact: str | None
) -> Notice:
    """Raises InputError where the runbook lacks the template or a list that it needs."""
    if verdict.verdict == "not applicable":
        return Notice(verdict.drill, verdict.scenario, "none", f"nothing was done: {verdict.why}")
    if verdict.verdict == "setup":
        return Notice(verdict.drill, verdict.scenario, "not told", f"it was not carried out: {verdict.why}")
    try:
        case = Case(run_folder / verdict.evidence)
        timeline, account = case.timeline, case.account
    except (*CRASHES, OSError) as error:
        return Notice(verdict.drill, verdict.scenario, "not told", f"its recording cannot be read: {error}")
    if timeline.first_felt is None:
        spoilt = timeline.origin is None or account.touching(timeline.origin, account.end)
        unreadable = [*case.unreadable, *case.requests.unreadable]
        if spoilt or unreadable or not len(account.measured):
            lost = unreadable[0] if unreadable else f"{account.unmeasured} requests were not measured"
            return Notice(
                verdict.drill, verdict.scenario, "not told", f"no outage was seen, but not all was: {lost}"
            )
        why = f"nobody felt anything: {len(account.measured)} requests, none of them within an outage"
        return Notice(verdict.drill, verdict.scenario, "none", why)
    incident = _incident(case, verdict, runbook, settings, contact)
    return Notice(verdict.drill, verdict.scenario, "incident", incident=incident)


def moment_text(wall: float) -> str:
    """A moment in UTC."""
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d %H:%M:%S} UTC"


def impact_text(impact: Impact) -> str:
    """In one line, in numbers."""
    total = impact.total
    bad = f"{total.failed} of {total.requests} requests failed{_share(total.failed, total.requests)}"
    if total.slow is None:
        bad += "; how many were slow is unmeasured (the runbook states no response time)"
    elif total.slow:
        bad += f", {total.slow} were slow{_share(total.slow, total.requests)}"
    if impact.unmeasured:
        bad += f", {impact.unmeasured} are unmeasured"
    out = f"out for {units.seconds_text(impact.seconds_out)}"
    if not impact.recovered:
        out += ", and out at the end"
    if impact.lost is None:
        writes = "lost writes: unmeasured"
    else:
        writes = f"{impact.lost} of {impact.acknowledged} acknowledged writes lost"
        if impact.allowed_lost:
            writes += f" ({impact.allowed_lost} of them newer than the restored backup)"
    return f"{bad}; {out}; {writes}"


def _share(part: int, whole: int) -> str:
    return f" ({units.quantity(part / whole, 'ratio')})" if whole else ""


def _incident(
    case: Case, verdict: DrillVerdict, runbook: Runbook, settings: Settings, contact: str | None
) -> Incident:
    words = settings.communication
    impact, updates = impact_of(case, verdict), updates_of(case, verdict)
    severity = felt_severity(case, impact.lost, rules_of(runbook, words.severities))
    times = parse_response_times(severity_limits(runbook, settings.limits.response_times), runbook.path.name)
    between = interval_of(severity.name, words.update_minutes, "update_minutes", times)
    above = interval_of(severity.name, words.escalate_minutes, "escalate_minutes", times)
    levels = tuple(levels_of(runbook, words.escalation, above)) if above else ()
    last = updates[-1]
    resolved = last.status == "resolved"
    next_wall = last.wall + between.seconds if between and not resolved else None
    components = _components(verdict, settings)
    values: dict[TemplateField, Value] = {
        "severity": Value(severity.name, severity.would_tell),
        "description": Value(_description(impact, severity)),
        "status": Value(last.status),
        "start": Value(moment_text(updates[0].wall)),
        "impact": Value(impact_text(impact)),
        "components": Value(", ".join(components), "a fault that was injected: this drill has none"),
        "next update": Value(
            "none, it is resolved" if resolved else moment_text(next_wall) if next_wall is not None else "",
            "the severity, and a response time of it in the runbook or [communication] update_minutes",
        ),
        "contact": Value(
            contact or words.contact or "", "[communication] contact of drill.toml, or --contact"
        ),
    }
    told = [(moment_text(each.wall), f"{each.status.upper()}: {each.what}") for each in updates]
    timeline = case.timeline
    over = timeline.watched[1] if timeline.recovered is None else timeline.recovered
    until = over - (timeline.first_felt or 0.0)
    return Incident(
        severity=severity,
        stated=verdict.severity,
        started_wall=updates[0].wall,
        updates=tuple(updates),
        impact=impact,
        components=tuple(components),
        next_update_wall=next_wall,
        update_interval=between,
        levels=levels,
        called=tuple(reached(list(levels), until)),
        level_interval=above,
        filled=fill(template_of(runbook, words.template), values, told),
        remarks=tuple(_remarks(case, verdict, impact)),
    )


def _description(impact: Impact, severity: FeltSeverity) -> str:
    total = impact.total
    if severity.nobody_served:
        return "nobody is served"
    if not total.failed:
        return "requests are slow"
    return f"{units.quantity(total.failed / total.requests, 'ratio')} of requests fail"


def _components(verdict: DrillVerdict, settings: Settings) -> list[str]:
    """The parts that the faults hit, the application where a fault names none."""
    hit = [each for each in verdict.faults if each.injected_seconds is not None]
    return list(dict.fromkeys(each.part or settings.target.deployment for each in hit))


def _remarks(case: Case, verdict: DrillVerdict, impact: Impact) -> Iterator[str]:
    if why := not_resolved(case, verdict):
        yield f"not resolved: {why}"
    if impact.lost is None:
        yield "whether writes were lost is unmeasured; with one that was, the severity is that of lost data"
    started = case.timeline.procedure_started
    if started is None:
        yield "never identified: nobody acted"
    elif started < (case.timeline.first_felt or 0.0):
        yield "the operator had begun before users felt anything"
    if clock_was_set(case.events):
        yield "the machine's clock was set meanwhile: each time is that of the event nearest to it"
    yield from case.unreadable
    yield from case.requests.unreadable
