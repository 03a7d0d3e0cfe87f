"""What is wrong with feature files, found at collection: before anything is broken, and without a cluster. Flows in:
feature files, settings, the runbooks. Flows out: one line for each trouble, "file:line: what, and what would be right".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gherkin.errors import CompositeParserException
from gherkin.parser import Parser
from parse import parse
from pytest_bdd.parser import Scenario

from drill.baselines.severities import severity_of
from drill.conduct.book import Book, step_at
from drill.conduct.scenario import (
    CONTROL,
    DEFECT,
    FAULT,
    HEALS,
    LOAD,
    NOBODY,
    NOTHING_BROKEN,
    RECOVERS,
    Facts,
    Sentence,
    Written,
    facts_of,
    place_of,
)
from drill.errors import DrillError
from drill.inject.experiment import experiment_of, fault_names, lacking
from drill.reading import read_text
from drill.runbook import bind
from drill.settings import Settings

DEFECT_TAG = re.compile(r"RB-?\d+", re.IGNORECASE)
OUTLINE_PLACEHOLDER = re.compile(r"<(.+?)>")


def feature_troubles(file: Path, known_tags: Collection[str]) -> list[str]:
    """What is wrong with one feature file as such: it cannot be read, is empty, has no scenario, two of one title, or a
    tag that is a known one misspelt. `known_tags`: the names of all registered markers."""
    try:
        text = read_text(file, "a feature file")
    except DrillError as error:
        return [str(error)]
    try:
        document = Parser().parse(text)
    except CompositeParserException as error:
        first = error.errors[0]
        line = int(first.location["line"])
        lines = text.splitlines()
        shown = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        what = re.sub(r"^\(\d+:\d+\): ", "", str(first))
        return [f"{file}:{line}: {shown!r} is not right here: expected Gherkin ({what})"]
    feature = document.get("feature")
    if feature is None:
        return [f"{file}:1: '(empty)' is not right here: expected a Feature with at least one Scenario"]
    found = list(_scenarios(feature))
    wrong = (
        [] if found else [f"{_at(file, feature)}{feature['name']!r} has no Scenario: expected at least one"]
    )
    wrong += [
        trouble
        for scenario in found
        if not scenario["steps"]
        for trouble in (
            f"{_at(file, scenario)}{scenario['name']!r} has no step: expected what is broken and who acts",
        )
    ]
    seen: dict[str, int] = {}
    for scenario in found:
        line = scenario["location"]["line"]
        if scenario["name"] in seen:
            wrong.append(
                f"{file}:{line}: {scenario['name']!r} is not right here: expected a title that no other scenario has; "
                f"the one at line {seen[scenario['name']]} has it, and only one of them would run"
            )
        seen.setdefault(scenario["name"], line)
    tagged = [feature, *(child["rule"] for child in feature["children"] if "rule" in child), *found]
    tagged += [examples for scenario in found for examples in scenario["examples"]]
    for tag in (tag for each in tagged for tag in each["tags"]):
        meant = misspelt(tag["name"].removeprefix("@"), known_tags)
        wrong += [f"{_at(file, tag)}{tag['name']!r} is not right here: expected {meant}"] if meant else []
    return wrong


def misspelt(tag: str, known: Collection[str]) -> str:
    """What a tag that is not known was probably meant to be, in words; empty where it is known, or like none."""
    if tag in known:
        return ""
    severities = sorted(name for name in known if severity_of(name))
    if severity_of(tag):
        same = [name for name in severities if severity_of(name) == severity_of(tag)]
        return "" if same else f"a severity: {', '.join('@' + name for name in severities)}"
    if DEFECT_TAG.fullmatch(tag):
        defects = sorted(name for name in known if DEFECT_TAG.fullmatch(name))
        return f"the id of a defect in the errata: {', '.join('@' + name for name in defects) or 'there is none'}"
    by_plain = {_plain(name): name for name in known}
    near = difflib.get_close_matches(_plain(tag), list(by_plain), n=1, cutoff=0.75)
    return f"@{by_plain[near[0]]}, as near to it; a tag of your own is registered as a marker" if near else ""


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
    parts = [part for fault in facts.faults if fault in fault_names(settings) for part in lacking(settings, fault)]
    missing = [f"[{part}]" for part in parts]
    missing += ["[backup]"] if facts.backed_up and settings.lacks("backup") else []
    missing += (
        ["target.runbook_as_written"]
        if facts.as_written and settings.target.runbook_as_written is None
        else []
    )
    return list(dict.fromkeys(missing))


def troubles(settings: Settings, book: Book, written: Written) -> list[str]:
    """All that is wrong with one scenario: its severity, its order, and every fault, place, placeholder, defect and
    limit that it names."""
    facts = facts_of(written)
    wrong = [f"{written.file}:{line}: {what}" for line, what in _structure(written, facts)]
    if lacks(settings, facts):
        return wrong
    for sentence in written.sentences:
        try:
            _look_up(settings, book, sentence.text)
        except DrillError as error:
            wrong.append(f"{written.file}:{sentence.line}: {error}")
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
                f"{written.file}:{written.line}: two scenarios make the same folder name {name!r}: give one of them "
                f"another title; the other is {other.file}:{other.line}"
            )
    return wrong


def _structure(written: Written, facts: Facts) -> Iterator[tuple[int, str]]:
    """Line and trouble of what a scenario lacks, or says twice, or in an order that cannot be."""
    severities = sorted({severity for severity in map(severity_of, written.tags) if severity})
    title = repr(written.scenario)
    if not severities:
        yield written.line, f"{title} has no severity: expected a tag such as @P0, here or at its feature"
    if len(severities) > 1:
        yield written.line, f"{title} has the severities {', '.join(severities)}: expected one"
    lines = _first_lines(written)
    breaks = lines.get("fault", lines.get("nothing"))
    if breaks is None:
        yield (
            written.line,
            f"{title} breaks nothing: expected {FAULT!r}, or {NOTHING_BROKEN!r} for the no-fault drill",
        )
    if "fault" in lines and "nothing" in lines:
        yield lines["nothing"], f"{NOTHING_BROKEN!r} in a scenario with a fault: expected one or the other"
    if "load" not in lines:
        yield written.line, f"{title} has no load, so nobody would notice: expected {LOAD!r} before the fault"
    order = [_kind(sentence.text) for sentence in written.sentences]
    if "load" in order and breaks is not None and order.index("load") > _index(order, "fault", "nothing"):
        yield lines["load"], f"{LOAD!r} after the fault: expected before it, since users witness it"
    for kind in ("place", "nobody", "heals"):
        if kind in lines and breaks is not None and order.index(kind) < _index(order, "fault", "nothing"):
            yield lines[kind], "somebody acts, or waits, before anything is broken: expected after the fault"
    if "place" in lines and "nobody" in lines:
        yield (
            lines["nobody"],
            f"{NOBODY!r} in a scenario whose operator follows the runbook: expected one or the other",
        )
    if breaks is not None and not {"place", "nobody", "heals"} & lines.keys():
        yield (
            written.line,
            f"{title} does not say who acts: expected a place that the operator follows, or {NOBODY!r}",
        )
    if facts.control and "place" in lines:
        yield lines["place"], f"the operator acts in a scenario tagged @{CONTROL}: expected {NOBODY!r}"
    for sentence in written.sentences:
        stated = parse(RECOVERS, sentence.text)
        if stated and severities and severity_of(str(stated["severity"])) != severities[0]:
            yield (
                sentence.line,
                f"{str(stated['severity'])!r} is not right here: expected {severities[0]}, as the scenario is tagged",
            )


def _look_up(settings: Settings, book: Book, text: str) -> None:
    """Raise a DrillError for a fault, a place or a defect that is not there."""
    fault = parse(FAULT, text)
    if fault is not None:
        experiment_of(settings, str(fault["fault"]))
    place = place_of(text)
    if place is not None:
        bind([step_at(book.as_written if place.as_written else book.corrected, place.place)], place.bindings)
    elif text.startswith("the operator follows"):
        raise _NoSuchError(
            f"{text!r} is not right here: expected 'the operator follows \"PLACE\"', then perhaps 'as first written', "
            'then perhaps \'with "<name>" as "value"\''
        )
    defect = parse(DEFECT, text)
    if defect is not None:
        book.defect(str(defect["identity"]))


class _NoSuchError(DrillError):
    """A sentence names what is not there."""


def _kind(text: str) -> str:
    fixed = {LOAD: "load", NOTHING_BROKEN: "nothing", NOBODY: "nobody", HEALS: "heals"}
    if text in fixed:
        return fixed[text]
    if parse(FAULT, text):
        return "fault"
    return "place" if place_of(text) is not None else ""


def _first_lines(written: Written) -> dict[str, int]:
    """The line of the first sentence of each kind."""
    lines: dict[str, int] = {}
    for sentence in written.sentences:
        lines.setdefault(_kind(sentence.text), sentence.line)
    return lines


def _index(order: Sequence[str], *kinds: str) -> int:
    return next(index for index, kind in enumerate(order) if kind in kinds)


def _scenarios(feature: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for child in feature["children"]:
        if "scenario" in child:
            yield child["scenario"]
        if "rule" in child:
            yield from _scenarios(child["rule"])


def _at(file: Path, node: Mapping[str, Any]) -> str:
    return f"{file}:{node['location']['line']}: "


def _plain(tag: str) -> str:
    return re.sub(r"[-_ ]", "", tag.lower())
