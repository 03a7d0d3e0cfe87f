"""What is remembered of a stored run. Flows in: its folder. Flows out: records, each a row of a table.

Nothing is computed here: the values are those of the verdicts, the keys those of run.json, and of the
recordings only which pieces of the runbook were carried out, and what else the machine did.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drill.alerts.rules import AlertRule, alert_rules
from drill.errors import DrillError, InputError
from drill.history.elsewhere import busy_elsewhere
from drill.judge.called import meant_by
from drill.judge.verdict import Criterion, DrillVerdict
from drill.recording import Event, first_of
from drill.recording.events import AlertsReplayed, DrillStarted, ProcedureStarted
from drill.run.facts import FILE as FACTS
from drill.run.facts import Facts, KeptFacts, read_facts
from drill.run.inputs import runbook_named
from drill.run.manifest import FILE as MANIFEST
from drill.run.manifest import check_manifest, sha256_of
from drill.run.outcome import as_expected
from drill.run.stored import read_recordings, read_verdicts
from drill.runbook import Runbook, parse

DETECTED = "detected"
"""The criterion that is about alerts."""


@dataclass(frozen=True)
class Measure:
    """One number of a drill. `kind`: criterion, phase, requests, writes, duration or machine; `low`,
    `high`: the interval at 95 %, None where it has none; `bound`: the limit; `outcome`: of a criterion, else
    empty."""

    kind: str
    name: str
    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    samples: int = 0
    bound: float | None = None
    outcome: str = ""


@dataclass(frozen=True)
class CarriedOut:
    """A piece of the runbook that a drill carried out, or an alert that it put to the test. `place`: as
    `Runbook.place_of` names its block, and after it the paragraph where it was not all of it; of the alert,
    `alert_place`; `digest`: SHA-256 of the block's text, or of the rule; `runbook`: of the whole text;
    `as_written`: of the text as first written, which proves nothing of the corrected one."""

    place: str
    digest: str
    runbook: str
    as_written: bool


@dataclass(frozen=True)
class TakenDrill:
    """A drill of a run. `kept`: set where it is a control that an earlier run measured."""

    verdict: DrillVerdict
    kept: KeptFacts | None
    as_expected: bool
    measures: tuple[Measure, ...]
    carried_out: tuple[CarriedOut, ...]


@dataclass(frozen=True)
class TakenRun:
    """A run. `manifest`: SHA-256 of its manifest.json, empty where it did not end."""

    facts: Facts
    manifest: str
    drills: tuple[TakenDrill, ...]


def take(folder: Path) -> TakenRun:
    """What is to be remembered of the run in `folder`. Raises UsageError where it is not a run's, SetupError
    naming each file that is not as the run left it, InputError for one that cannot be read."""
    facts = read_facts(folder)
    manifest = _manifest_of(folder)
    verdicts = read_verdicts(folder, facts)
    twice = [name for name, times in Counter(each.drill for each in verdicts).items() if times > 1]
    if twice:
        raise InputError(folder / FACTS, None, twice[0], "the name of one drill, and two have it")
    recordings = read_recordings(folder, verdicts)
    kept = {drill.drill: drill.kept for drill in facts.drills}
    texts = _Texts(folder, facts)
    drills = tuple(
        TakenDrill(
            verdict,
            kept.get(verdict.drill),
            as_expected(verdict),
            (*_measures(verdict), *_of_machine(recordings.get(verdict.drill, ()), facts.machine.cores)),
            tuple(
                dict.fromkeys(
                    [
                        *_carried_out(recordings.get(verdict.drill, ()), texts),
                        *_alerts(verdict, recordings.get(verdict.drill, ()), texts),
                    ]
                )
            ),
        )
        for verdict in verdicts
    )
    return TakenRun(facts, manifest, drills)


def digest_of(text: str) -> str:
    """SHA-256 of a piece of a runbook, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def alert_place(name: str) -> str:
    """The place of an alert among the pieces of the runbook."""
    return f"alert {name}"


def digest_of_rule(rule: AlertRule) -> str:
    """SHA-256 of what Prometheus loads of a rule: comments and its place in the runbook do not count."""
    return digest_of(json.dumps(rule.as_data(), sort_keys=True))


def _alerts(verdict: DrillVerdict, events: Sequence[Event], texts: _Texts) -> Iterator[CarriedOut]:
    """The alerts that `detected` is about: those that are meant and fire, and where nobody would have been
    called in time, all that are meant."""
    started = first_of(DrillStarted, events)
    replayed = first_of(AlertsReplayed, events)
    judged = next((each for each in verdict.criteria if each.name == DETECTED), None)
    if started is None or replayed is None or judged is None or judged.verdict not in ("pass", "fail"):
        return
    found = texts.named(started.runbook)
    if found is None:
        return
    runbook, digest = found
    fired = {each.alert for each in replayed.spells if each.firing is not None and each.firing >= 0}
    tested = [name for name in meant_by(started) if name in fired or judged.verdict == "fail"]
    try:
        rules = alert_rules(runbook)
    except DrillError:
        return  # rules that cannot be read prove nothing
    for name in tested:
        rule = rules.named(name)
        if rule is not None:
            as_written = texts.role(started.runbook) != "runbook"
            yield CarriedOut(alert_place(name), digest_of_rule(rule), digest, as_written)


def _manifest_of(folder: Path) -> str:
    """The digest of the manifest, once it was found to hold; empty where there is none."""
    alterations = check_manifest(folder)
    if alterations is None:
        return ""
    alterations.but_reports().refuse(folder, ", so it is not remembered")
    return sha256_of(folder / MANIFEST)


def _measures(verdict: DrillVerdict) -> Iterator[Measure]:
    yield from (_criterion(each) for each in verdict.criteria)
    yield from (Measure("phase", phase.name, phase.seconds, "s") for phase in verdict.phases)
    for name in ("planned", "completed", "failed", "unmeasured"):
        yield Measure("requests", name, getattr(verdict.requests, name), "requests")
    if verdict.writes is not None:
        for name in ("acknowledged", "lost", "allowed_lost"):
            yield Measure("writes", name, getattr(verdict.writes, name), "writes")
    for name in ("watched_seconds", "out_seconds"):
        yield Measure("duration", name, getattr(verdict, name), "s")


def _of_machine(events: Sequence[Event], cores: int) -> Iterator[Measure]:
    share = busy_elsewhere(events, cores)
    if share is not None:
        yield Measure("machine", "busy_elsewhere", share, "share")


def _criterion(found: Criterion) -> Measure:
    low, high = found.interval or (None, None)
    return Measure(
        "criterion",
        found.name,
        found.value,
        found.unit,
        low,
        high,
        found.samples,
        found.limit,
        found.verdict,
    )


class _Texts:
    """The runbooks that the run kept, each read once."""

    def __init__(self, folder: Path, facts: Facts) -> None:
        self._folder, self._facts = folder, facts
        self._read: dict[str, tuple[Runbook, str] | None] = {}

    def named(self, name: str) -> tuple[Runbook, str] | None:
        """The runbook and its digest; None where the run kept none of that name, or it is not readable."""
        if name not in self._read:
            kept = runbook_named(self._facts, name)
            try:
                self._read[name] = (parse(self._folder / kept.kept), kept.sha256) if kept else None
            except DrillError:
                self._read[name] = None  # what was carried out of it is not known, so it proves nothing
        return self._read[name]

    def role(self, name: str) -> str:
        """As what the run kept it: under test, or as first written; empty where it kept none."""
        kept = runbook_named(self._facts, name)
        return kept.role if kept else ""


def _carried_out(events: Sequence[Event], texts: _Texts) -> Iterator[CarriedOut]:
    named = ""
    for event in events:
        if isinstance(event.data, DrillStarted):
            named = event.data.runbook
        if isinstance(event.data, ProcedureStarted):
            begun = event.data
            found = texts.named(begun.runbook or named)
            if found is None:
                continue
            runbook, digest = found
            try:
                step = runbook.step(begun.procedure)
                whole = runbook.step(f"line {begun.line}")
            except InputError:
                continue  # another version of drill named blocks otherwise: it is not known which it was
            place = runbook.place_of(whole) + (f" / # {step.part}" if step.part else "")
            yield CarriedOut(place, digest_of(whole.text), digest, begun.as_written)
