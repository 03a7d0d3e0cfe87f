"""What is wrong with scenarios, found at collection: before anything is broken, and without a cluster. Flows
in: scenarios, settings, the runbooks. Flows out: one line for each trouble, "file:line: what, and what would
be right".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from parse import parse
from pytest_bdd.parser import Scenario

from drill.alerts.rules import alert_rules
from drill.baselines.severities import severity_of
from drill.conduct.book import Book, step_at
from drill.conduct.scenario import (
    AT_HAND,
    CALLED,
    DEFECT,
    FAULT,
    HEALS,
    HOLDS,
    LEADS,
    LOAD,
    LOOKED,
    NOBODY,
    NOTHING_BROKEN,
    RECOVERS,
    TELLS,
    Facts,
    Place,
    Sentence,
    Telling,
    Written,
    facts_of,
    looked_at,
    place_of,
    stated_alerts,
    stated_changes,
    telling_of,
)
from drill.errors import DrillError
from drill.inject.experiment import experiment_of, lacking
from drill.runbook import bind
from drill.settings import Settings


def written_of(scenario: Scenario, tags: Collection[str]) -> Written:
    """One scenario of pytest-bdd, rendered. `tags`: its own, its rule's and its feature's."""
    return Written(
        scenario.feature.filename,
        scenario.line_number,
        scenario.feature.name or "",
        scenario.name,
        tuple(sorted(tags)),
        tuple(Sentence(step.line_number, step.name) for step in scenario.steps),
    )


def lacks(settings: Settings, facts: Facts) -> list[str]:
    """What drill.toml would have to describe for this scenario and does not: then it is not applicable."""
    parts = [part for fault in facts.faults for part in _lacking(settings, fault)]
    missing = [f"[{part}]" for part in parts]
    missing += ["[backup]"] if facts.backed_up and settings.lacks("backup") else []
    missing += (
        ["target.runbook_as_written"]
        if facts.as_written and settings.target.runbook_as_written is None
        else []
    )
    missing += ["[monitoring]"] if facts.calls and settings.lacks("monitoring") else []
    missing += [f"[parts.{part}]" for part in facts.fresh_backups if settings.lacks(part)]
    missing += ["[communication] status_page"] if facts.status_page and settings.lacks("status page") else []
    return list(dict.fromkeys(missing))


def _lacking(settings: Settings, fault: str) -> tuple[str, ...]:
    try:
        return lacking(settings, fault)
    except DrillError:
        return ()  # what is wrong with the fault is said of the sentence that names it


def troubles(settings: Settings, book: Book, written: Written) -> list[str]:
    """All that is wrong with one scenario: its severity, its order, and every fault, place, placeholder,
    defect and limit that it names."""
    facts = facts_of(written)
    wrong = [f"{written.file}:{line}: {what}" for line, what in _structure(written, facts)]
    if lacks(settings, facts):
        return wrong
    for sentence in written.sentences:
        try:
            _look_up(settings, book, sentence)
        except DrillError as error:
            wrong.append(f"{written.file}:{sentence.line}: {error}")
    if not wrong:
        wrong += [f"{written.file}:{line}: {what}" for line, what in _uncompared(book, facts)]
    if facts.severity:
        try:
            book.limits(facts.severity)
        except DrillError as error:
            wrong.append(f"{written.file}:{written.line}: {error}")
    return wrong


def troubles_together(scenarios: Sequence[Written]) -> list[str]:
    """What is wrong between scenarios of one collection: two whose evidence would go into one folder."""
    first: dict[str, Written] = {}
    wrong = []
    for written in scenarios:
        name = facts_of(written).drill
        other = first.setdefault(name, written)
        if other is not written:
            wrong.append(
                f"{written.file}:{written.line}: two scenarios make the same folder name {name!r}: give one "
                f"of them another title; the other is {other.file}:{other.line}"
            )
    return wrong


def _structure(written: Written, facts: Facts) -> Iterator[tuple[int, str]]:
    """Line and trouble of what a scenario lacks, or says twice, or in an order that cannot be."""
    kinds = [_kind(sentence.text) for sentence in written.sentences]
    first = {kind: index for index, kind in reversed(list(enumerate(kinds)))}
    line = {kind: written.sentences[index].line for kind, index in first.items()}
    title = repr(written.scenario)
    yield from _severity(written)
    if "load" not in first:
        yield written.line, f"{title} has no load, so nobody would notice: expected {LOAD!r} before the fault"
    breaks = [first[kind] for kind in ("fault", "nothing") if kind in first]
    if not breaks:
        yield (
            written.line,
            f"{title} has no fault: expected {FAULT!r}, or {NOTHING_BROKEN!r} for the no-fault drill",
        )
        return
    if len(breaks) > 1:
        yield line["nothing"], f"{NOTHING_BROKEN!r} in a scenario with a fault: expected one or the other"
    if first.get("load", -1) > min(breaks):
        yield line["load"], f"{LOAD!r} after the fault: expected before it, since users witness it"
    for at, sentence in enumerate(written.sentences):
        if kinds[at] == "look" and not first.get("load", at) < at < min(breaks):
            yield sentence.line, f"{LOOKED!r} must come after {LOAD!r}, and before anything is broken"
    if first.get("called", len(kinds)) < min(breaks):
        yield line["called"], f"{CALLED!r} before anything is broken: expected after the fault"
    if first.get("called", -1) > min(first.get(kind, len(kinds)) for kind in ("place", "nobody", "heals")):
        yield line["called"], f"{CALLED!r} after somebody acted, or waited: expected before"
    acts = [kind for kind in ("place", "nobody", "heals") if kind in first]
    for kind in acts:
        if first[kind] < min(breaks):
            yield line[kind], "somebody acts, or waits, before anything is broken: expected after the fault"
    if not acts:
        yield (
            written.line,
            f"{title} does not say who acts: expected a place that the operator follows, or {NOBODY!r}",
        )
    if "place" in acts and ("nobody" in acts or facts.control):
        yield (
            line["place"],
            "the operator acts in a scenario in which nobody does: expected one or the other",
        )


def _uncompared(book: Book, facts: Facts) -> Iterator[tuple[int, str]]:
    """Line and trouble of statements of what a block tells that nothing was printed for."""
    for telling in facts.tells:
        if telling.before != "anything" and not _covers(book, facts.looks, telling):
            place = telling.place + ('" as first written' if telling.as_written else '"')
            yield (
                telling.line,
                f'"{place} was not looked at before the fault, so what it tells there is not known: '
                f"expected 'the operator has looked at \"{place} while all is well' before it",
            )
        if not _covers(book, facts.procedures, telling):
            yield (
                telling.line,
                f"{telling.place!r} is not followed, so it tells nothing",
            )


def _covers(book: Book, places: Sequence[Place], telling: Telling) -> bool:
    """Whether one of the places holds all lines of the block that a statement is of."""
    symptom = book.symptom(telling)
    steps = [
        step_at(book.as_written if place.as_written else book.corrected, place.place)
        for place in places
        if place.as_written == telling.as_written
    ]
    return any(
        step.line <= symptom.line and symptom.last_line < step.line + len(step.text.splitlines())
        for step in steps
    )


def _severity(written: Written) -> Iterator[tuple[int, str]]:
    severities = sorted({severity for severity in map(severity_of, written.tags) if severity})
    if not severities:
        yield (
            written.line,
            f"{written.scenario!r} has no severity: expected a tag such as @P0, here or at its feature",
        )
    if len(severities) > 1:
        yield written.line, f"{written.scenario!r} has the severities {', '.join(severities)}: expected one"
    for sentence in written.sentences:
        stated = parse(RECOVERS, sentence.text)
        if stated and severities and severity_of(str(stated["severity"])) not in severities:
            value = str(stated["severity"])
            yield sentence.line, f"{value!r} is not right here: expected {severities[0]}, as it is tagged"


def _look_up(settings: Settings, book: Book, sentence: Sentence) -> None:
    """Raise a DrillError for a fault, a place, a pattern or a defect that is not there."""
    text = sentence.text
    fault = parse(FAULT, text)
    if fault is not None:
        experiment_of(settings, str(fault["fault"]))
    held = parse(HOLDS, text)
    if held is not None:
        _check_held(settings, str(held["file"]), str(held["name"]))
    called = parse(CALLED, text)
    if called is not None:
        _check_alert(book, str(called["alert"]))
    place = place_of(text) or looked_at(text)
    if place is not None:
        bind([step_at(book.as_written if place.as_written else book.corrected, place.place)], place.bindings)
    elif text.startswith("the operator follows"):
        raise _NoSuchError(
            f"{text!r} is not right here: expected 'the operator follows \"PLACE\"', then, where needed, "
            "'as first written', then 'with \"<name>\" as \"value\"'"
        )
    telling = telling_of(sentence)
    if telling is not None:
        book.symptom(telling)
        _compile(telling.pattern)
    elif '" tells "' in text or '" as first written tells "' in text:
        raise _NoSuchError(
            f"{text!r} is not right here: expected {TELLS!r}, or 'anew under the fault', then, where a "
            f"machine may lack what it takes, {AT_HAND!r}"
        )
    for pattern in stated_changes([text]) or ():
        _compile(pattern)
    _look_up_alerts(settings, book, text)
    defect = parse(DEFECT, text)
    if defect is not None:
        book.defect(str(defect["identity"]))


def _check_held(settings: Settings, file: str, name: str) -> None:
    """Raise a DrillError for what is not there, and for a way out of either folder."""
    for path in (file, name):
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise _NoSuchError(f"{path!r} is not right here: expected a path that stays below its folder")
    if not (settings.root / file).exists():
        raise _NoSuchError(f"{file!r} is not right here: expected a file or folder of {settings.root}")


def _check_alert(book: Book, alert: str) -> None:
    rules = alert_rules(book.corrected)
    if rules.named(alert) is None:
        known = ", ".join(rule.name for rule in rules.rules)
        raise _NoSuchError(f"{alert!r} is not right here: expected an alert of {rules.path.name}: {known}")


def _look_up_alerts(settings: Settings, book: Book, text: str) -> None:
    """Raise a DrillError for an alert that no rule has, or a section that the runbook has not."""
    named = stated_alerts([text])
    leads = parse(LEADS, text)
    if leads is not None:
        book.corrected.section(str(leads["section"]))
    if not named or settings.alerts is None:
        return
    books = [book.corrected, *([book.as_written] if settings.target.runbook_as_written else [])]
    known = [rule.name for each in books for rule in alert_rules(each).rules]
    for name in named:
        if name not in known:
            raise _NoSuchError(
                f"{name!r} is not right here: expected one of the runbook's alerts: "
                f"{', '.join(dict.fromkeys(known))}"
            )


def _compile(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise _NoSuchError(
            f"{pattern!r} is not right here: expected a regular expression ({error})"
        ) from error


class _NoSuchError(DrillError):
    """A sentence names what is not there."""


def _kind(text: str) -> str:
    fixed = {LOAD: "load", NOTHING_BROKEN: "nothing", NOBODY: "nobody", HEALS: "heals"}
    if text in fixed:
        return fixed[text]
    if parse(FAULT, text):
        return "fault"
    if parse(CALLED, text):
        return "called"
    if looked_at(text) is not None:
        return "look"
    return "place" if place_of(text) is not None else ""
