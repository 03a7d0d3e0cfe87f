"""What is fuzzed: each family of input, the reader that the suite has for it, and what must be true of an
input that is accepted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from pytest_bdd.parser import FeatureParser

from benchmarks.fuzzing import seeds, words
from benchmarks.row import ROOT
from drill import settings as settings_module
from drill.baselines import Limit, parse_baselines, parse_response_times, parse_schedule
from drill.checklist.attestations import read_attestations
from drill.conduct.book import Book
from drill.conduct.checks import troubles, written_of
from drill.conduct.feature_file import feature_troubles
from drill.conduct.scenario import TAGS, facts_of
from drill.errors import InputError, UsageError
from drill.inject.experiment import read_experiment
from drill.inject.journal import complaints, read_journal
from drill.judge.credit import with_credits
from drill.judge.verdict import DrillVerdict
from drill.recording import read_events
from drill.recording.requests import read_requests, stream_requests
from drill.report.summary import markdown, summarize
from drill.run import Facts, StoredDrill, exit_status, read_facts
from drill.run.facts import day_of
from drill.run.stored import read_verdicts
from drill.runbook import (
    backup_schedule_items,
    baseline_items,
    checklist_items,
    load_errata,
    parse,
    severity_limits,
)
from drill.runbook.document import Runbook

MOST_PLACES = 20
TODAY = date(2026, 11, 29)
Read = TypeVar("Read")


class NonsenseError(AssertionError):
    """An input was accepted, and what was made of it is not what it says."""


@dataclass(frozen=True)
class Family:
    """One kind of input. `file_name`: that its reader is given; `words`: pieces that mean something to it;
    `read`: raises a DrillError for what it refuses, NonsenseError for what should have been."""

    name: str
    file_name: str
    seeds: Sequence[bytes]
    words: Sequence[bytes]
    read: Callable[[Path], None]


def _limits(path: Path) -> None:
    """Each line through each reader of limits; refused where any is."""
    readers: tuple[Callable[[list[tuple[int, str]]], list[Limit]], ...] = (
        lambda items: list(parse_response_times(items, path.name).values()),
        lambda items: parse_baselines(items, path.name),
        lambda items: [limit for limit in [parse_schedule(items, path.name)] if limit],
    )
    text = path.read_bytes().decode("utf-8", errors="replace")
    for line, item in enumerate(text.split("\n"), start=1):
        refused = None
        limits: list[Limit] = []
        for read in readers:
            try:
                limits += read([(line, item)])
            except InputError as error:
                if error.line != line:
                    raise NonsenseError(f"line {error.line} is named for line {line}") from error
                refused = error
        for limit in limits:
            _check_limit(limit, item)
        if refused is not None and not limits:
            raise refused


def _check_limit(limit: Limit, text: str) -> None:
    """The limit says no more and no less than the text, read by other means."""
    if not (math.isfinite(limit.value) and limit.value > 0 and limit.comparison in {"<", "<="}):
        raise NonsenseError(f"{limit.name} is {limit.comparison} {limit.value} in {text[:80]!r}")
    unmarked = (re.sub(r"[*`\\()]|__", instead, text) for instead in ("", " "))
    if not any(_agrees(limit, " ".join(each.split())) for each in unmarked):
        raise NonsenseError(f"{limit.name} is {limit.value} in {text[:80]!r}")


def _agrees(limit: Limit, text: str) -> bool:
    """True where the text's numbers, apart from those of severities, percentiles and times of day, make the
    value.
    """
    said = re.sub(
        r"<!--.*?-->|\b(?:p|priority|sev|severity)[ -]?[0-9]+(?![0-9]|[.][0-9])", " ", text, flags=re.I
    )
    said = re.sub(r"[0-9]+(?:st|nd|rd|th)[ -]percentile|24[/x]7", " ", said, flags=re.I)
    said = re.sub(r"&lt;|&#60;", "<", re.sub(r"\bat [0-9]{1,2}(?::[0-9]{2})?", " ", said, flags=re.I))
    numbers = re.findall(r"[^\s:<>=≤≥⩽⩾|–—a-z]*[0-9][0-9.,]*", said)
    values = [_plainly(number) for number in numbers] or [1.0]
    value = sum(values)
    sizes = (1e-3, 1.0, 60.0, 3600.0, 86400.0, 604800.0) if limit.unit == "s" else (0.01,)
    if len(values) > 1:  # 1h30m: between its sum in the smallest and in the largest unit
        return value * min(sizes) <= limit.value <= value * max(sizes)
    readings = [value * size for size in sizes] + ([1 - value * 0.01] if limit.unit == "ratio" else [])
    return any(math.isclose(limit.value, reading, rel_tol=1e-6) for reading in readings)


def _plainly(number: str) -> float:
    """The number, or none at all where something else is part of it."""
    try:
        return float(number.rstrip(".,").replace(",", ""))
    except ValueError:
        return math.nan


def _settings(path: Path) -> None:
    for name in ("runbook", "novel_engine", "tests/second_service/manifests"):
        source, copied = ROOT / name, path.parent / Path(name).name
        if not copied.exists():
            copied.symlink_to(source)
    runbook = path.parent / "runbook.md"
    if not runbook.exists():
        runbook.symlink_to(ROOT / "tests" / "second_service" / "runbook.md")
    settings = settings_module.load(path)
    for seconds in (settings.load.timeout_seconds, settings.judge.hold_seconds, settings.judge.after_seconds):
        if not 0 < seconds < math.inf:
            raise NonsenseError(f"{seconds} seconds")
    if not 0 < settings.load.requests_per_second <= 1e6:
        raise NonsenseError(f"{settings.load.requests_per_second} requests a second")


def _runbook(path: Path) -> None:
    book = parse(path)
    lines = (
        path.read_bytes()
        .decode()
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        .removeprefix("\ufeff")
        .split("\n")
    )
    for step in book.steps[:MOST_PLACES]:
        place = book.place_of(step)
        if book.step(place) != step:
            raise NonsenseError(f"{place!r} is offered and leads elsewhere")
        fence = lines[step.line - 2]
        if fence[:3] in {"```", "~~~"} and "$ " not in step.text and not step.language.count("s" * 2):
            text = step.text.split("\n")
            here = [line.replace("\0", "\ufffd") for line in lines[step.line - 1 : step.line - 2 + len(text)]]
            if step.is_shell and "$" not in "".join(here) and here != text[:-1]:
                raise NonsenseError(f"line {step.line} is not where the step stands")
    for place in (
        "Top",
        "Top / Look",
        "Top / Look / # Second",
        "Two / 2",
        "line 9",
        "Two > Look / line 30",
        "P0 / 1",
    ):
        _refused(book, place)
    for items in (severity_limits, baseline_items, backup_schedule_items):
        try:
            found = items(book)
        except InputError:
            continue
        for line, text in found:
            if not 0 < line <= len(lines):
                raise NonsenseError(f"line {line} of {len(lines)}: {text[:80]!r}")


def _refused(book: Runbook, place: str) -> None:
    """Look a place up; where there is none, what the error offers is accepted."""
    try:
        book.step(place)
    except InputError as error:
        offers = re.findall(r"'((?:[^'\\]|\\.)*)'", error.expected.partition("its places: ")[2])
        for offer in offers[:MOST_PLACES]:
            if "\\" not in offer:
                book.step(offer)


@cache
def _own() -> tuple[settings_module.Settings, Book]:
    settings = settings_module.load(ROOT / "drill.toml")
    return settings, Book(settings)


def _feature(path: Path) -> None:
    settings, book = _own()
    tags = {*TAGS, "smoke", "nightly", "gate", "quarterly", *(defect.id for defect in book.defects)}
    found = feature_troubles(path, tags)
    if not found:
        feature = FeatureParser(str(path.parent), path.name).parse()
        for template in feature.scenarios.values():
            written = written_of(template.render({}), template.tags | feature.tags)
            facts = facts_of(written)
            if not re.fullmatch(r"[a-z0-9-]{1,80}", facts.drill):
                raise NonsenseError(f"{facts.drill!r} for a folder")
            wrong = troubles(settings, book, written)
            if not wrong and not (facts.severity and (facts.faults or facts.nothing_broken)):
                raise NonsenseError(f"{facts.scenario!r} without severity or fault")
            found += wrong
    if any(not re.match(rf"{re.escape(str(path))}(?::\d+)?: ", line) for line in found):
        raise NonsenseError(f"no file and line in {found[0][:120]!r}")
    if found:
        raise UsageError(found[0])


def _errata(path: Path) -> None:
    for defect in load_errata(path):
        if not re.fullmatch(r"RB-\d{3}", defect.id) or defect.line < 1:
            raise NonsenseError(f"{defect.id} at line {defect.line}")


@cache
def _operations() -> Runbook:
    return parse(ROOT / "runbook" / "operations-runbook.md")


@cache
def _items() -> tuple[str, ...]:
    return tuple(item.name for item in checklist_items(_operations()))


def _checklists(path: Path) -> None:
    for item in checklist_items(replace(_operations(), path=path.with_name("runbook.md"))):
        proof = item.proof
        if proof and (proof.item != item.name or bool(proof.scenarios) == bool(proof.command.strip())):
            raise NonsenseError(f"{item.name} is proven by {proof}")


def _attestations(path: Path) -> None:
    known = _items()
    for each in read_attestations(path, known, TODAY):
        if each.item not in known or each.last_day <= each.date or each.date > TODAY or not each.name.strip():
            raise NonsenseError(f"{each}")


def _experiment(path: Path) -> None:
    found = read_experiment(path)
    if found.path != path or not found.title:
        raise NonsenseError(f"{found.title!r} in {found.path}")


def _events(path: Path) -> None:
    for event in read_events(path):
        if not (math.isfinite(event.wall) and math.isfinite(event.monotonic)):
            raise NonsenseError(f"an event at {event.wall}")


def _requests(path: Path) -> None:
    found = read_requests(path)
    streamed = sum(len(chunk) for chunk in stream_requests(path))
    if len(found) != streamed:
        raise NonsenseError(f"{len(found)} requests as columns, {streamed} as records")
    if not bool(np.isfinite(found.latency).all()):
        raise NonsenseError("a latency that is no number")


def _journal(path: Path) -> None:
    complaints(read_journal(path), activities=4, rollbacks=1)


def _by_line(path: Path, read: Callable[[], Read]) -> Read:
    """What is read; what is refused names a line that the file has, and a value."""
    try:
        return read()
    except InputError as error:
        if error.line is None or not 0 < error.line <= path.read_bytes().count(b"\n") + 1:
            raise NonsenseError(f"line {error.line} in {str(error)[:120]!r}") from error
        raise


def _run(path: Path) -> None:
    facts = _by_line(path, lambda: read_facts(path.parent))
    if msgspec.json.decode(msgspec.json.encode(facts), type=Facts) != facts:
        raise NonsenseError("what was read is not what would be written")
    for place in (*(each.kept for each in facts.inputs), *(each.folder for each in facts.drills)):
        if not (path.parent / place).resolve().is_relative_to(path.parent.resolve()):
            raise NonsenseError(f"{place!r} leads out of the run")
    if not 1970 <= day_of(facts).year < 5200:
        raise NonsenseError(f"a run of the year {day_of(facts).year}")
    summarize(facts, (), (), {})
    exit_status((), facts.findings)


VERDICT_OF = "evidence/words"


def _verdict(path: Path) -> None:
    facts = Facts("words", "words", "words", drills=[StoredDrill("words", "words", VERDICT_OF)])
    (verdict,) = _by_line(path, lambda: read_verdicts(path.parents[2], facts))
    if msgspec.json.decode(msgspec.json.encode(verdict), type=DrillVerdict) != verdict:
        raise NonsenseError("what was read is not what would be written")
    summarize(facts, [verdict], (), {})
    exit_status(with_credits([verdict]), ())
    markdown(facts, [verdict], (), {})


OPERATIONS, SECOND = ROOT / "runbook", ROOT / "tests" / "second_service"
FAMILIES = (
    Family("limits", "limits.md", seeds.LIMITS, words.LIMITS, _limits),
    Family(
        "drill.toml",
        "drill.toml",
        [(folder / "drill.toml").read_bytes() for folder in (ROOT, SECOND)],
        words.SETTINGS,
        _settings,
    ),
    Family(
        "runbook",
        "runbook.md",
        [seeds.RUNBOOK, *seeds.excerpts(OPERATIONS / "operations-runbook.md", r"#{1,4} ", 40)],
        words.RUNBOOK,
        _runbook,
    ),
    Family(
        "errata", "errata.yaml", seeds.excerpts(OPERATIONS / "errata.yaml", r"- id: "), words.ERRATA, _errata
    ),
    Family(
        "checklists",
        "checklists.yaml",
        [(ROOT / "runbook" / "checklists.yaml").read_bytes()],
        words.CHECKLISTS,
        _checklists,
    ),
    Family("attestations", "attestations.yaml", [seeds.ATTESTATIONS], words.CHECKLISTS, _attestations),
    Family(
        "features",
        "drill.feature",
        seeds.features(ROOT / "features"),
        words.FEATURES,
        _feature,
    ),
    Family(
        "experiments",
        "pods-killed.yaml",
        [
            path.read_bytes().replace(path.stem.encode(), b"pods-killed")
            for path in sorted((ROOT / "experiments").glob("*.yaml"))
        ],
        words.EXPERIMENTS,
        _experiment,
    ),
    Family("events", "recording.jsonl", seeds.recordings(), words.EVENTS, _events),
    Family("requests", "requests.jsonl", seeds.requests(), words.REQUESTS, _requests),
    Family("run.json", "run.json", seeds.runs(), words.RUN, _run),
    Family("verdict.json", f"{VERDICT_OF}/verdict.json", seeds.verdicts(), words.VERDICT, _verdict),
    Family("journal", "journal.json", seeds.journals(), words.JOURNAL, _journal),
)
