"""What firing means in one case, whoever replayed it. Flows in: series, and the recording beside them. Flows
out: which alerts may fire, whether one had to, and what `detected` and `quiet` make of when they do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from drill.alerts.rules import AlertRules
from drill.alerts.series import SeriesFile, looks_of
from drill.errors import DrillError
from drill.judge.called import LONGEST_GAP_SECONDS, due_by, hasty, meant_by, overdue
from drill.recording import RECORDING, all_of, first_of, read_events
from drill.recording.events import AlertDue, DrillStarted, FaultWitnessed, PlannedFault

NOBODY = "nobody is called"


class CaseMeaning(msgspec.Struct, frozen=True):
    """What is known of a case. `fault`: what was broken, empty where nobody says; `broken`: anything was;
    `felt`: by users, None where nobody says; `meant`: the alerts of which each may fire, None where any may;
    `must_call`: one of them has to; `due`: when those of which it is known have to; `undecided`: why silence
    and times tell nothing, empty where they do; `recorded`: it is a drill's, and no stated scene;
    `several`: more than one thing was broken."""

    fault: str = ""
    broken: bool = False
    felt: bool | None = None
    meant: tuple[str, ...] | None = None
    must_call: bool = False
    undecided: str = ""
    due: tuple[AlertDue, ...] = ()
    recorded: bool = True
    several: bool = False


class CaseOutcome(msgspec.Struct, frozen=True):
    """What is wrong in a case. `early`: alerts that fire before the fault; `stray`: that are not meant to;
    `silent`: none fires that is to; `late`: why the first comes too late, empty where it does not; `hasty`
    and `overdue`: in words, those that come sooner or later than they are due; `going_on`: that do not end
    in time after recovery."""

    early: tuple[str, ...] = ()
    stray: tuple[str, ...] = ()
    silent: bool = False
    late: str = ""
    hasty: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    going_on: tuple[str, ...] = ()

    @property
    def verdicts(self) -> tuple[bool, bool, bool]:
        """Whether `detected`, `quiet` and `resolved` find nothing wrong."""
        return (
            not (self.silent or self.late or self.overdue),
            not (self.early or self.stray or self.hasty),
            not self.going_on,
        )

    def text(self, meaning: CaseMeaning) -> str:
        """In words; empty where nothing is wrong."""
        strays = ", ".join(self.stray)
        if self.early:
            return f"{', '.join(self.early)} fires before the fault"
        if self.silent and not strays:
            return NOBODY
        if self.silent:
            return f"{strays} fires, and none that is meant ({', '.join(meaning.meant or ())})"
        said = "and is not meant to" if meaning.broken else "and nothing is broken"
        stray = f"{strays} fires, {said}" if strays else ""
        going_on = f"{', '.join(self.going_on)} goes on after recovery" if self.going_on else ""
        return "; ".join(filter(None, [self.late, *self.hasty, *self.overdue, stray, going_on]))


FaultNow = Callable[[str], PlannedFault | None]
"""What the catalogue says of a fault as it is now; None where it has it no more."""


def meaning_of(
    file: Path, recorded: SeriesFile, case: SeriesFile, fault_now: FaultNow | None = None
) -> CaseMeaning:
    """Of the series at `file`: as `recorded`, and as the rules see them. What the series themselves say of
    what is meant counts before the recording; `fault_now`: and what the catalogue says now before what it
    said then, None where that counts."""
    broken = recorded.header.fault_seconds is not None
    found = _beside(file.parent / RECORDING, fault_now)
    meant = found.meant if recorded.header.meant is None else recorded.header.meant
    return msgspec.structs.replace(
        found,
        broken=broken,
        meant=meant,
        must_call=(broken or bool(meant)) and meant != () and found.must_call,
        undecided=_undecided(recorded, case, broken=broken),
        due=recorded.header.due or found.due,
        recorded=recorded.header.meant is None,
    )


def outcome_of(
    rules: AlertRules,
    meaning: CaseMeaning,
    firing: Mapping[str, Sequence[float]],
    going_on: Sequence[str] = (),
) -> CaseOutcome:
    """`firing`: by alert, seconds from the fault, or from when the case began, at which it begins to fire;
    `going_on`: alerts that do not end in time after recovery."""
    begin = 0.0 if meaning.broken else -math.inf
    early = tuple(name for name, times in firing.items() if any(each < begin for each in times))
    first = {
        name: min((each for each in times if each >= begin), default=None) for name, times in firing.items()
    }
    fired = {name: seconds for name, seconds in first.items() if seconds is not None}
    may = set(fired) if meaning.meant is None and meaning.broken else set(meaning.meant or ())
    called = min(((seconds, name) for name, seconds in fired.items() if name in may), default=None)
    due = [(each, first.get(each.alert)) for each in meaning.due]
    late = [overdue(each, at) for each, at in due if at is not None or meaning.must_call]
    return CaseOutcome(
        hasty=tuple(filter(None, (hasty(each, at) for each, at in due))),
        overdue=tuple(filter(None, late)),
        going_on=tuple(going_on),
        early=early,
        stray=tuple(name for name in fired if name not in may),
        silent=meaning.must_call and called is None,
        late=_late(rules, *called) if called is not None else "",
    )


def _late(rules: AlertRules, seconds: float, name: str) -> str:
    rule = rules.named(name)
    limit = rules.response_of(rule.severity) if rule is not None else None
    if rule is None or limit is None:
        return f"{name} fires, and its severity has no response time"
    if seconds < limit.value:
        return ""
    return f"{name} fires too late: {rule.severity} is to be over within {limit.value:.0f} s"


def _undecided(recorded: SeriesFile, case: SeriesFile, *, broken: bool) -> str:
    if broken and case.past_seconds and not case.held_seconds:
        return "the fault was in for fewer than two scrapes"
    looks = looks_of(recorded)
    gap = (
        max((after - before for before, after in pairwise(looks)), default=0) * recorded.header.scrape_seconds
    )
    if case.past_seconds and gap > LONGEST_GAP_SECONDS:
        return f"nothing was scraped for {gap:.0f} s"
    return ""


def _beside(path: Path, fault_now: FaultNow | None) -> CaseMeaning:
    if not path.is_file():
        return CaseMeaning(must_call=True)
    try:
        events = read_events(path)
    except DrillError:  # the series stand for themselves
        return CaseMeaning(must_call=True)
    started = first_of(DrillStarted, events)
    felt = any(witnessed.users for witnessed in all_of(FaultWitnessed, events))
    if started is None:
        return CaseMeaning(felt=felt, must_call=felt)
    if fault_now is not None:
        faults = [fault_now(each.fault) or each for each in started.faults]
        started = msgspec.structs.replace(started, faults=faults)
    meant = meant_by(started)
    anything = felt and not meant and started.alerts is None
    return CaseMeaning(
        fault=" + ".join(each.fault for each in started.faults),
        felt=felt,
        meant=None if anything else meant,
        must_call=felt or bool(started.alerts),
        due=due_by(started),
        several=len(started.faults) > 1,
    )
