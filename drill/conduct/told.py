"""What is known of the runbook's lines by others than the judge: the severity that users felt, the symptoms
of a fault's section, the incident's template and contacts, the checklists. Flows in: a stored run's folder.
Flows out: what each has to say of a line of the corrected text, for drill.report.annotated.

Only what the run kept is read, and, for runs that kept less, the files of one folder beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from drill.checklist.attestations import Attestation, read_attestations
from drill.errors import InputError, UsageError
from drill.incident.notice import Incident, Notice, notice_of
from drill.incident.severities import severity_row
from drill.incident.severity import rules_of
from drill.inject.experiment import read_experiment
from drill.judge.case import Case
from drill.judge.judge import CRASHES
from drill.judge.symptoms import symptom_holds
from drill.judge.verdict import DrillVerdict
from drill.report import units, write_report
from drill.report.annotated import LineNote, RanHere, Told
from drill.report.marks import Said
from drill.report.not_drilled import Reason
from drill.run.facts import Facts, Input, day_of, read_facts
from drill.run.inputs import file_of, runbooks_of
from drill.run.outcome import as_expected
from drill.runbook import ChecklistItem, ListedSymptom, Runbook, checklist_items, listed_symptoms, parse
from drill.runbook.document import plain_title
from drill.settings import Settings
from drill.settings.read import load_kept

NOT_CARRIED_OUT = ("setup", "not applicable")
Here = tuple[int, RanHere | LineNote]
"""What is said of a line of the corrected text."""


class _Run(NamedTuple):
    """`sections`: the title that each fault's experiment names."""

    folder: Path
    facts: Facts
    verdicts: Sequence[DrillVerdict]
    runbook: Runbook
    sections: Mapping[str, str]
    beside: Path | None


def write_reports(folder: Path, verdicts: Sequence[DrillVerdict]) -> None:
    """Write a run's reports, with what is told here. Raises as `write_report` and `told`."""
    write_report(folder, verdicts, told(folder, read_facts(folder), verdicts))


def told(
    folder: Path, facts: Facts, verdicts: Sequence[DrillVerdict], beside: Path | None = None
) -> list[Told]:
    """All of it. `beside`: the folder with the files that the run did not keep. Raises InputError for what is
    not right in checklists.yaml, symptoms.yaml or attestations.yaml; a text that has no such lists, or is no
    runbook, is told nothing of."""
    text = next((kept for kept in runbooks_of(facts) if kept.role == "runbook"), None)
    runbook = _runbook(folder, text)
    if text is None or runbook is None:
        return []
    run = _Run(folder, facts, verdicts, runbook, _sections(folder, facts), beside)
    found = [*_incidents(run), *_symptoms(run), *_items(run)]
    return [(text, line, here) for line, here in found]


def _runbook(folder: Path, text: Input | None) -> Runbook | None:
    try:
        return None if text is None else parse(folder / text.kept)
    except (InputError, UsageError):
        return None  # it is gone, or no runbook: there are no lists in it


def _sections(folder: Path, facts: Facts) -> dict[str, str]:
    found = {}
    for kept in facts.inputs:
        if kept.role == "experiment" and (folder / kept.kept).is_file():
            try:
                experiment = read_experiment(folder / kept.kept)
            except InputError:
                continue  # of another version of drill: its fault has no section here
            found[experiment.fault] = experiment.section
    return found


def _own(run: _Run) -> Iterator[DrillVerdict]:
    """The drills that this run carried out."""
    copied = {each.drill for each in run.facts.drills if each.kept}
    for verdict in run.verdicts:
        if verdict.verdict not in NOT_CARRIED_OUT and verdict.drill not in copied:
            yield verdict


def _here(verdict: DrillVerdict, how: str, *, holds: bool) -> RanHere:
    return RanHere(verdict.drill, verdict.scenario, verdict.verdict, "passed", how, Said(holds=holds))


def _incidents(run: _Run) -> Iterator[Here]:
    """By each drill that users felt: the levels of severity, the template, the contacts."""
    target = next((run.folder / kept.kept for kept in run.facts.inputs if kept.role == "target"), None)
    if target is None:
        return
    try:
        settings = load_kept(target)
        levels = _levels(run.runbook, settings)
        notices = [
            (each, notice_of(run.folder, each, run.runbook, settings, None))
            for each in _own(run)
            if not each.control
        ]
    except (InputError, UsageError):
        return  # a runbook without levels, template or contacts tells no one of an incident
    for verdict, notice in notices:
        if notice.incident is not None:
            yield from _severity(run, verdict, notice, notice.incident, levels)
            yield from _incident(verdict, notice.incident)


def _levels(runbook: Runbook, settings: Settings) -> dict[str, set[int]]:
    """Severity -> the lines that say what it is."""
    found: dict[str, set[int]] = {}
    for level in rules_of(runbook, settings.communication.severities).levels.values():
        found.setdefault(level.name, set()).add(level.line)
    return found


def _severity(
    run: _Run, verdict: DrillVerdict, notice: Notice, incident: Incident, levels: Mapping[str, set[int]]
) -> Iterator[Here]:
    """The lines that told the severity hold where it is the one that the section states; where it is another,
    what the section states is not shown."""
    sections = [run.sections[each.fault] for each in verdict.faults if each.fault in run.sections]
    row = severity_row(notice, verdict, sections)
    how = f"users felt {row.felt}, {row.says} says {row.stated}, {row.compared}: {row.why}"
    agreed = row.compared == "as it says"
    for line in incident.severity.lines:
        yield line, _here(verdict, how, holds=agreed)
    if not agreed:
        for line in sorted(levels.get(row.stated, set()) - {*incident.severity.lines}):
            yield line, _here(verdict, how, holds=False)


def _incident(verdict: DrillVerdict, incident: Incident) -> Iterator[Here]:
    unknown = [each.placeholder for each in incident.filled.unknown]
    how = f"unknown to it: {', '.join(unknown)}" if unknown else "filled from what this drill recorded"
    yield incident.filled.line, _here(verdict, how, holds=not unknown)
    for level in incident.called:
        after = units.seconds_text(level.after_seconds)
        yield level.line, _here(verdict, f"would have been called {after} after the start", holds=True)


def _symptoms(run: _Run) -> Iterator[Here]:
    """By each drill of one fault: whether the symptoms of that fault's section hold under it."""
    file = file_of(run.folder, run.facts, "symptoms", run.beside)
    listed = listed_symptoms(run.runbook, file) if file is not None else []
    for symptom in listed:
        if symptom.untold:
            said = symptom.untold
            yield symptom.line, LineNote(f"not drilled: {said}", reason=Reason(said))
    for verdict in _own(run):
        own = [each for each in listed if not each.untold and _is_of(run, verdict, each)]
        if own:
            yield from _held(run, verdict, own)


def _is_of(run: _Run, verdict: DrillVerdict, symptom: ListedSymptom) -> bool:
    if len(verdict.faults) != 1:
        return False
    section = run.sections.get(verdict.faults[0].fault, "")
    return plain_title(section) == plain_title(symptom.section)


def _held(run: _Run, verdict: DrillVerdict, symptoms: Sequence[ListedSymptom]) -> Iterator[Here]:
    try:
        case = Case(run.folder / verdict.evidence)
        held = [(each, symptom_holds(case, each.measures, each.above)) for each in symptoms]
    except (*CRASHES, OSError):
        return  # what cannot be read tells nothing; the verdict names it
    for symptom, found in held:
        if found.holding != "undecided":
            how = f"the symptom {'holds' if found.holding == 'holds' else 'is absent'}: {found.why}"
            yield symptom.line, _here(verdict, how, holds=found.holding == "holds")


def _items(run: _Run) -> Iterator[Here]:
    """What proves each item of the checklists."""
    file = file_of(run.folder, run.facts, "checklists", run.beside)
    if file is None:
        return
    items = checklist_items(run.runbook, file)
    attested = _attested(run, items)
    for item in items:
        if item.proof is None:
            yield item.line, _by_people(item, attested, day_of(run.facts))
        elif item.proof.command:
            said = f"`drill checklist` carries out `{item.proof.command}`"
            yield item.line, LineNote(f"not drilled: {said}", reason=Reason(said))
        else:
            yield from _by_scenarios(run, item.line, item.proof.scenarios)


def _attested(run: _Run, items: Sequence[ChecklistItem]) -> list[Attestation]:
    file = file_of(run.folder, run.facts, "attestations", run.beside)
    return [] if file is None else read_attestations(file, [item.name for item in items], date.max)


def _by_people(item: ChecklistItem, attested: Sequence[Attestation], day: date) -> LineNote:
    """On the day of the run."""
    own = [each for each in attested if each.item == item.name and each.date <= day]
    if not own:
        return LineNote("only people can do it, and nobody has attested it", Said())
    last = max(own, key=lambda each: (each.last_day, each.date))
    said = f"attested by {last.name}, {last.date}"
    if last.last_day < day:
        return LineNote(f"{said}; that held until {last.last_day}", Said())
    return LineNote(said, Said(holds=True))


def _by_scenarios(run: _Run, line: int, scenarios: Sequence[str]) -> Iterator[Here]:
    """Proven where all of them went as they should."""
    ran = [verdict for verdict in run.verdicts if verdict.scenario in scenarios]
    well = [verdict for verdict in ran if as_expected(verdict) and verdict.verdict in ("pass", "not noticed")]
    missing = [each for each in scenarios if each not in {verdict.scenario for verdict in ran}]
    for verdict in ran:
        how = "proves it" if len(scenarios) == 1 else f"one of the {len(scenarios)} that prove it"
        holds = len(well) == len(ran) and not missing
        yield line, _here(verdict, f"{how}: {verdict.verdict}", holds=holds)
    for each in missing:
        yield line, LineNote(f"not among this run's drills: {each}")
