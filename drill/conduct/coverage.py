"""What has been done with each of the runbook's steps, and with each command, number, item, alert and
severity, as lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from drill.conduct.told import told
from drill.errors import UsageError
from drill.judge.verdict import DrillVerdict
from drill.lint.alone import lint_alone
from drill.recording import Event
from drill.report.annotated import AnnotatedRunbook, MarkedUnit, annotate
from drill.report.coverage import Coverage, cover, cover_text, united
from drill.report.marks import KINDS, MARKS, Mark
from drill.run.defects import prove
from drill.run.facts import Facts, read_facts
from drill.run.inputs import errata_of, runbooks_of
from drill.run.stored import read_recordings, read_verdicts
from drill.runbook import Runbook

NOT_SHOWN: frozenset[Mark] = frozenset({"not proven", "uncovered", "not drilled", "never touched"})
"""Words of what no drill has shown to work, nor to be wrong, nor refused by name."""


class CoveredRuns:
    """Stored runs of the same texts, taken as one. Reads nothing but their folders, and `beside`, a folder
    with what is said of the runbook's lines, for runs that kept none of that. Raises UsageError for runs of
    different texts."""

    def __init__(self, folders: Sequence[Path], beside: Path | None = None) -> None:
        self._runs = [_stored(folder) for folder in folders]
        self._beside = beside
        _refuse_other_texts(self._runs)

    @cached_property
    def steps(self) -> list[Coverage]:
        """The fenced blocks of each text that drills name."""
        found: dict[str, list[Coverage]] = {}
        for run in self._runs:
            for coverage in cover(run.folder, run.facts, run.recordings):
                found.setdefault(coverage.runbook, []).append(coverage)
        return [united(found[name]) for name in sorted(found)]

    @cached_property
    def units(self) -> list[tuple[str, list[MarkedUnit]]]:
        """Name of each text that the runs kept -> its commands, numbers, items, alerts and severities. Raises
        InputError for a reason in not-drilled.yaml that drills have made idle."""
        found: dict[str, list[AnnotatedRunbook]] = {}
        for run in self._runs:
            proofs = prove(errata_of(run.folder, run.facts), run.verdicts, run.recordings)
            others = told(run.folder, run.facts, run.verdicts, self._beside)
            for text in annotate(
                run.folder, run.facts, run.verdicts, proofs, run.recordings, told=others, beside=self._beside
            ):
                found.setdefault(text.name, []).append(text)
        united_units = [(name, _together(texts)) for name, texts in found.items()]
        for unit in (unit for _, units in united_units for unit in units):
            if unit.reason is not None and unit.mark not in NOT_SHOWN:
                unit.reason.refuse(unit.mark, unit.drills)
        return united_units


@dataclass(frozen=True)
class _StoredRun:
    folder: Path
    facts: Facts
    verdicts: Sequence[DrillVerdict]
    recordings: Mapping[str, Sequence[Event]]


def run_coverage_lines(runs: CoveredRuns) -> list[str]:
    """One line for each fenced block of the runbooks of stored runs: its line, its name, and the drills that
    executed it, or that only lint has looked at it, or nobody; then the table of words."""
    blocks = [line for coverage in runs.steps for line in _run_lines(coverage)]
    return [*(blocks or ["no drill of this run names its runbook"]), *table_lines(runs)]


def missing_lines(runs: CoveredRuns) -> list[str]:
    """The table of words, then each line that no drill has shown to work, with its number."""
    return [*table_lines(runs), *(line for name, units in runs.units for line in _missing(name, units))]


def table_lines(runs: CoveredRuns) -> Iterator[str]:
    """How many of each kind have which word, a table for each text, as Markdown. A word that none has is left
    out; that nothing is never touched is said."""
    for name, units in runs.units:
        counted = Counter((unit.kind, unit.mark) for unit in units)
        words = [each for each in MARKS if each == MARKS[-1] or any(unit.mark == each for unit in units)]
        yield ""
        yield f"| {name} | {' | '.join(words)} | all |"
        yield f"|---|{'---:|' * (len(words) + 1)}"
        for kind in KINDS:
            numbers = [counted[kind, word] for word in words]
            if any(numbers):
                yield f"| {kind} | {' | '.join(map(str, numbers))} | {sum(numbers)} |"
        sums = [sum(unit.mark == word for unit in units) for word in words]
        yield f"| all | {' | '.join(map(str, sums))} | {sum(sums)} |"


def runbook_lines(runbook: Runbook, today: date) -> list[str]:
    """One line for each fenced block of a runbook; without a run, lint alone can have looked at it."""
    text = runbook.path.read_bytes().decode("utf-8", errors="replace")
    found = cover_text(runbook.path.name, runbook, {}, lint_alone(runbook.path.name, text, today))
    counted = f"{len(found.steps)} steps: {_others(found)}"
    return [*_lines(found), f"{counted}. Which of them drills ran: drill coverage --run reports/RUN"]


def _stored(folder: Path) -> _StoredRun:
    facts = read_facts(folder)
    verdicts = read_verdicts(folder, facts)
    return _StoredRun(folder, facts, verdicts, read_recordings(folder, verdicts))


def _refuse_other_texts(runs: Sequence[_StoredRun]) -> None:
    known: dict[str, tuple[Path, str]] = {}
    for run in runs:
        for kept in runbooks_of(run.facts):
            folder, digest = known.setdefault(kept.name, (run.folder, kept.sha256))
            if digest != kept.sha256:
                raise UsageError(
                    f"{run.folder}: another {kept.name} than {folder} has: expected runs of the same texts"
                )


def _together(texts: Sequence[AnnotatedRunbook]) -> list[MarkedUnit]:
    """The units of one text, with all that is said of each in any run."""
    units: dict[int, MarkedUnit] = {}
    for unit in (unit for text in texts for unit in text.units):
        known = units.get(unit.number)
        units[unit.number] = (
            replace(
                known,
                said=known.said + unit.said,
                replayed=known.replayed or unit.replayed,
                drills=tuple(dict.fromkeys(known.drills + unit.drills)),
                reason=known.reason or unit.reason,
                notes=tuple(dict.fromkeys(known.notes + unit.notes)),
            )
            if known
            else unit
        )
    return [units[number] for number in sorted(units)]


def _missing(name: str, units: Sequence[MarkedUnit]) -> list[str]:
    found = [unit for unit in units if unit.mark in NOT_SHOWN]
    lines = [f"{name}:{unit.number:<4} {unit.kind}, {_why(unit)}: {unit.text}" for unit in found]
    counted = f"{len(found)} of {len(units)} of {name} are not shown to work"
    named = sum(unit.mark == "not drilled" for unit in found)
    return ["", *lines, f"{counted}, {named} of them for a named reason" if named else counted]


def _why(unit: MarkedUnit) -> str:
    """The word, and what there is to say of it."""
    if unit.mark == "not drilled" and unit.reason is not None:
        return f"{unit.mark} ({unit.reason.said})"
    said = "; ".join([*([", ".join(unit.drills)] if unit.drills else []), *unit.notes])
    return f"{unit.mark} ({said})" if said else unit.mark


def _run_lines(coverage: Coverage) -> list[str]:
    if coverage.missing:
        return [coverage.missing]
    counted = f"{coverage.run} of {len(coverage.steps)} steps of {coverage.runbook} executed"
    return [*_lines(coverage), f"{counted}; {_others(coverage)}"]


def _lines(coverage: Coverage) -> list[str]:
    name = Path(coverage.runbook).name
    named = [" / ".join(part for part in (step.section, step.label) if part) for step in coverage.steps]
    return [
        f"{name}:{step.line:<4} {title}  [{step.mark}]"
        for step, title in zip(coverage.steps, named, strict=True)
    ]


def _others(coverage: Coverage) -> str:
    return f"{coverage.linted} only looked at by lint, {coverage.untouched} never touched"
