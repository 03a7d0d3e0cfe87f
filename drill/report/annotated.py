"""The runbook of a run, line by line: beside each line what drills ran there and how it ended, what was
judged by it, what lint finds in it, the defects that are known of it, and one word for all of that. Flows in:
a run's folder, and what was read from it. Flows out: lines with marks.

The text is the one that the run kept. Lint looks at it alone, without programs or other files, so that the
same folder gives the same page on every machine.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from drill.errors import InputError
from drill.judge.verdict import DrillVerdict
from drill.lint.alone import Alone, lint_alone
from drill.lint.document import Document, parse_document
from drill.lint.proven import proven_of
from drill.recording import Event
from drill.recording.events import CommandFinished, DrillStarted, ProcedureStarted, Symptom
from drill.report.alerted import alerted, replayed_texts
from drill.report.marks import Kind, Mark, Said, alert_mark_of, kinds, mark_of, units
from drill.report.not_drilled import Reason, read_not_drilled
from drill.report.words import criterion_name
from drill.run.defects import Proof
from drill.run.facts import Facts, Input, day_of
from drill.run.inputs import file_of, runbook_named, runbook_of, runbook_of_errata, runbooks_of
from drill.run.outcome import as_expected, lacking_tools
from drill.runbook import Defect, Step
from drill.runbook.document import plain_title

ORDER = ("proven", "failed", "refused", "passed")
"""Of several things that one drill says of a line, the first of these is shown."""
COMMAND_NOT_FOUND = 127
WITHOUT_ANSWER: tuple[Mark, ...] = ("not proven", "never touched")
COMMENT = re.compile(r"\s+#\s.*")
OF_ONE_TEXT: tuple[Kind, ...] = ("alert", "checklist item")
"""What another text with the same words says nothing of: rules are replayed text by text, and only one has
checklists."""


@dataclass(frozen=True)
class RanHere:
    """A drill that ran the command of a line, was judged by it, or should have run it. `verdict`: on the
    drill; `kind`: one of ORDER; `how`: the same in words; `said`: what that means for the line."""

    drill: str
    scenario: str
    verdict: str
    kind: str
    how: str
    said: Said


@dataclass(frozen=True)
class LineNote:
    """What is known of a line by something else than a drill that was there. `said`: what that means for the
    line, None where it means nothing; `reason`: it is why no drill is there."""

    text: str
    said: Said | None = None
    reason: Reason | None = None


Told = tuple[Input, int, RanHere | LineNote]
"""Something that is said of a line of a text."""


@dataclass(frozen=True)
class LintHere:
    """A finding of lint that begins on a line."""

    rule: str
    message: str
    proven: tuple[str, ...]


@dataclass(frozen=True)
class MarkedUnit:
    """What has one word. `number`: of its first line; `said`: all that a run says of its lines; `replayed`:
    drills were, by this text's alerts; `drills`: those that ran it, or were judged by it; `reason`: why none
    is, where there is one; `notes`: what else is known of it; `words`: its section's title and its text,
    without comments."""

    number: int
    kind: Kind
    text: str
    said: tuple[Said, ...]
    replayed: bool
    drills: tuple[str, ...]
    reason: Reason | None = None
    notes: tuple[str, ...] = ()
    words: str = ""

    @property
    def mark(self) -> Mark:
        """The word."""
        if self.kind == "alert":
            mark = alert_mark_of(self.said, replayed=self.replayed)
        else:
            mark = mark_of(self.said)
        return "not drilled" if self.reason and not self.drills and mark in WITHOUT_ANSWER else mark


@dataclass
class Line:
    """One line of the text, and what is known of it. `mark`: of the unit that it belongs to, None outside of
    any; `begins`: it is the unit's first; `heading`: it is one."""

    number: int
    text: str
    ran: list[RanHere] = field(default_factory=list)
    notes: list[LineNote] = field(default_factory=list)
    found: list[LintHere] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    mark: Mark | None = None
    begins: bool = False
    heading: bool = False

    @property
    def marked(self) -> bool:
        """True where there is something beside it."""
        return bool(self.ran or self.notes or self.found or self.defects)


@dataclass(frozen=True)
class AnnotatedRunbook:
    """One text. `as_written`: it is the one as first written; `units`: what has a word, in order; `left_out`:
    the rules of lint that need more than a text, and so were not applied; `missing`: why there are no lines,
    empty otherwise; `first_of`: each line of a unit -> the unit's first."""

    name: str
    as_written: bool
    lines: list[Line]
    units: list[MarkedUnit] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    missing: str = ""
    first_of: dict[int, int] = field(default_factory=dict)

    def count(self, what: str) -> int:
        """How many marks of a kind (`ran`, `found`, `defects`) there are."""
        return sum(len(getattr(line, what)) for line in self.lines)

    def marks(self, mark: str) -> int:
        """How many commands, numbers and items have this mark."""
        return sum(1 for unit in self.units if unit.mark == mark)


def annotate(
    run_folder: Path,
    facts: Facts,
    verdicts: Sequence[DrillVerdict],
    proofs: Sequence[Proof],
    recordings: Mapping[str, Sequence[Event]],
    *,
    told: Sequence[Told] = (),
    beside: Path | None = None,
) -> list[AnnotatedRunbook]:
    """The runbooks that the run kept, as first written before as corrected. `recordings`: events by drill;
    `told`: what others than the judge and the rules have to say of lines; `beside`: a folder with the files
    that the run did not keep. Raises InputError for what is not right in not-drilled.yaml."""
    kept_texts = runbooks_of(facts)
    documents = {kept: _document(run_folder, kept) for kept in kept_texts}
    said: list[Told] = [
        *told,
        *_reasons(run_folder, facts, documents, beside),
        *_shown_otherwise(facts, proofs),
        *_ran(facts, verdicts, proofs, recordings),
        *_judged(facts, verdicts),
        *_refused(run_folder, facts, verdicts, recordings),
        *_alerts(run_folder, facts, verdicts, recordings),
    ]
    replayed = replayed_texts(facts, recordings)
    texts = [
        _annotated(
            kept,
            document,
            proofs if kept == runbook_of_errata(facts) else [],
            [(line, here) for text, line, here in said if text == kept],
            day_of(facts),
            replayed=kept.name in replayed,
        )
        for kept, document in documents.items()
    ]
    before = [list(text.units) for text in texts]
    for text in texts:
        others = [(other.name, units) for other, units in zip(texts, before, strict=True) if other != text]
        text.units[:] = [_in_the_same_words(text, unit, others) for unit in text.units]
        _show(text)
    return texts


def commands_on(facts: Facts, events: Sequence[Event]) -> Iterator[tuple[Input, CommandFinished]]:
    """Every command that a drill ran, with the text that it stands in, in order. What the run kept no text of
    is left out."""
    named, text = "", None
    for event in events:
        match event.data:
            case DrillStarted(runbook=runbook):
                named = runbook
            case ProcedureStarted(runbook=runbook):
                text = runbook_named(facts, runbook or named)
            case CommandFinished() as command if text is not None:
                yield text, command


def line_of_source(facts: Facts, source: str) -> tuple[Input, int] | None:
    """The text and line that a limit was read from ("runbook.md:641"); None where the run kept no such
    text."""
    name, _, line = source.rpartition(":")
    text = runbook_named(facts, name) if line.isascii() and line.isdigit() else None
    return (text, int(line)) if text else None


def _document(run_folder: Path, kept: Input) -> Document | None:
    """None where the run's folder lacks it."""
    path = run_folder / kept.kept
    if not path.is_file():
        return None
    return parse_document(path, path.read_bytes().decode("utf-8", errors="replace").removesuffix("\n"))


def _annotated(
    kept: Input,
    document: Document | None,
    proofs: Sequence[Proof],
    said: Sequence[tuple[int, RanHere | LineNote]],
    day: date,
    *,
    replayed: bool,
) -> AnnotatedRunbook:
    as_written = kept.role == "runbook as written"
    if document is None:
        return AnnotatedRunbook(kept.name, as_written, [], missing=f"{kept.kept} is not in the run's folder")
    lines = [Line(number, content) for number, content in enumerate(document.lines, start=1)]
    last = len(lines)
    for number, here in said:
        if not 0 < number <= last:
            continue
        if isinstance(here, RanHere):
            lines[number - 1].ran.append(here)
        else:
            lines[number - 1].notes.append(here)
    for proof in proofs:
        if proof.defect.line <= last:
            lines[proof.defect.line - 1].defects.append(proof.defect)
    proven = {proof.defect.id for proof in proofs if proof.commands}
    first_of, marked = _mark(document, lines, proven, replayed=replayed)
    text = document.path.read_bytes().decode("utf-8", errors="replace")
    alone = lint_alone(document.path.name, text, day)
    for line in lines:
        line.ran = _worst_of_each(line.ran)
        line.found = _found(alone, line.number, proofs)
    left_out = {rule for rules in alone.outcome.not_applied.values() for rule in rules}
    return AnnotatedRunbook(kept.name, as_written, lines, marked, sorted(left_out), first_of=first_of)


def _mark(
    document: Document, lines: Sequence[Line], proven: set[str], *, replayed: bool
) -> tuple[dict[int, int], list[MarkedUnit]]:
    """The units, with all that is said of each. A line that something is said of is one in any case.
    `replayed`: drills were, by this text's alerts."""
    first_of = units(document)
    for line in lines:
        if line.ran or line.notes or line.defects:
            first_of.setdefault(line.number, line.number)
    own: dict[int, list[Line]] = defaultdict(list)
    for number, first in first_of.items():
        own[first].append(lines[number - 1])
    marked = [
        _unit(first, kind, own[first], _title_above(document, first), proven, replayed=replayed)
        for first, kind in sorted(kinds(document, own).items())
    ]
    for heading in document.headings:
        lines[heading.line - 1].heading = True
    return first_of, marked


def _unit(
    first: int, kind: Kind, lines: Sequence[Line], title: str, proven: set[str], *, replayed: bool
) -> MarkedUnit:
    notes = [note for line in lines for note in line.notes]
    said = [
        *(here.said for line in lines for here in line.ran),
        *(Said(defect=defect.id in proven) for line in lines for defect in line.defects),
        *(note.said for note in notes if note.said is not None),
    ]
    text = next(line.text.strip() for line in lines if line.number == first)
    return MarkedUnit(
        first,
        kind,
        text,
        tuple(said),
        replayed,
        tuple(dict.fromkeys(here.drill for line in lines for here in line.ran)),
        next((note.reason for note in notes if note.reason is not None), None),
        tuple(note.text for note in notes if note.reason is None),
        "\n".join([title, *(COMMENT.sub("", line.text).strip() for line in lines)]),
    )


def _title_above(document: Document, line: int) -> str:
    titles = [heading.title for heading in document.headings if heading.line <= line]
    return plain_title(titles[-1]) if titles else ""


def _in_the_same_words(
    text: AnnotatedRunbook, unit: MarkedUnit, others: Sequence[tuple[str, Sequence[MarkedUnit]]]
) -> MarkedUnit:
    """The unit with what another text's drills say of the same words in the same section: where nothing is
    known to be wrong with this one, and no drill of it saw it fail. A reason why it has no drill keeps
    nothing away: it may be idle by now."""
    lines = [line for line in text.lines if text.first_of.get(line.number) == unit.number]
    if (
        unit.kind in OF_ONE_TEXT
        or replace(unit, reason=None).mark not in WITHOUT_ANSWER
        or any(line.defects or any(here.kind != "passed" for here in line.ran) for line in lines)
    ):
        return unit
    for name, units_there in others:
        for there in units_there:
            said = _same(unit, there, only_proven=not text.as_written)
            if said is not None:
                note = LineNote(f"in the same words at {name}:{there.number}, {there.mark} there", said)
                text.lines[unit.number - 1].notes.append(note)
                return replace(unit, said=(*unit.said, said), notes=(*unit.notes, note.text))
    return unit


def _same(unit: MarkedUnit, there: MarkedUnit, *, only_proven: bool) -> Said | None:
    """What is said by `there` of what has the same words; None where that is nothing new. What the text as
    first written does not prove says nothing of the corrected one."""
    if (there.kind, there.words) != (unit.kind, unit.words):
        return None
    if there.mark == "proven":
        return Said(holds=True)
    if only_proven or unit.said or not there.drills or there.mark not in ("not proven", "refused"):
        return None
    return Said(refused=there.mark == "refused")


def _show(text: AnnotatedRunbook) -> None:
    """Give each line of a unit the unit's mark."""
    marks = {unit.number: unit.mark for unit in text.units}
    for line in text.lines:
        if line.number in text.first_of:
            first = text.first_of[line.number]
            line.mark, line.begins = marks[first], first == line.number


def _reasons(
    run_folder: Path, facts: Facts, documents: Mapping[Input, Document | None], beside: Path | None
) -> Iterator[Told]:
    """Every reason of not-drilled.yaml."""
    path = file_of(run_folder, facts, "not drilled", beside)
    if path is None:
        return
    texts = {Path(kept.name).name: document for kept, document in documents.items() if document is not None}
    reasons = read_not_drilled(path, texts)
    for kept in documents:
        for line, reason in reasons.get(Path(kept.name).name, {}).items():
            yield kept, line, LineNote(f"not drilled: {reason.said}", reason=reason)


def _shown_otherwise(facts: Facts, proofs: Sequence[Proof]) -> Iterator[Told]:
    """Every defect that a command shows without a drill."""
    text = runbook_of_errata(facts)
    for proof in proofs if text is not None else ():
        defect = proof.defect
        if defect.shown_by and text is not None:
            said = f"{defect.id} is shown by `{defect.shown_by}`"
            yield text, defect.line, LineNote(f"not drilled: {said}", reason=Reason(said))


def _found(alone: Alone, number: int, proofs: Sequence[Proof]) -> list[LintHere]:
    here = [
        LintHere(finding.rule, finding.message, tuple(proven_of(finding, proofs)))
        for finding in alone.findings_in(number, number)
    ]
    return list(dict.fromkeys(here))


def _ran(
    facts: Facts,
    verdicts: Sequence[DrillVerdict],
    proofs: Sequence[Proof],
    recordings: Mapping[str, Sequence[Event]],
) -> Iterator[Told]:
    """Every command that a drill ran, with the text and the line that it stands on; of a pipeline also each
    further line that it goes on in."""
    for verdict in verdicts:
        proves = _proves(proofs, verdict.drill)
        events = recordings.get(verdict.drill, ())
        stated = _diagnosed(verdict, events)
        lacking = lacking_tools(verdict)
        for text, command in commands_on(facts, events):
            kind, how = _ended(command, proves.get((command.line, command.command), []))
            tells = [each.pattern for each in stated if _tells(text, command, each)]
            missed = [tool for tool in lacking if _needs(command, tool)]
            if tells and kind != "proven":
                kind, how = "passed", f"tells {' and '.join(tells)} under the fault; {how}"
            elif missed:
                kind, how = "refused", f"refused: not on this machine: {', '.join(missed)}"
            said = Said(
                holds=kind == "passed" and (bool(tells) or _went_well(verdict)),
                deviates=kind == "failed" and not as_expected(verdict),
                defect=kind == "proven",
                refused=kind == "refused",
            )
            here = RanHere(verdict.drill, verdict.scenario, verdict.verdict, kind, how, said)
            yield text, command.line, here
            if kind == "proven":  # a defect is of the line that the errata name, not of what it goes on in
                kind, how = _ended(command, [])
                here = replace(here, kind=kind, how=how, said=Said())
            for line in dict.fromkeys(part.line for part in command.parts):
                if line != command.line:
                    yield text, line, replace(here, how=f"goes on from line {command.line}: {here.how}")


def _diagnosed(verdict: DrillVerdict, events: Sequence[Event]) -> list[Symptom]:
    """What blocks were to tell of the fault, where they told all of it."""
    if not as_expected(verdict) or not any(
        each.name == "diagnosis" and each.verdict == "pass" for each in verdict.criteria
    ):
        return []
    started = (event.data for event in events)
    return [symptom for data in started if isinstance(data, DrillStarted) for symptom in data.symptoms]


def _tells(text: Input, command: CommandFinished, symptom: Symptom) -> bool:
    return (
        symptom.as_written == (text.role == "runbook as written")
        and symptom.line <= command.line <= symptom.last_line
        and any(re.search(symptom.pattern, line) for line in command.output.splitlines())
    )


def _needs(command: CommandFinished, tool: str) -> bool:
    """True where a command could not be carried out for want of `tool`."""
    statuses = [command.status, *(part.status for part in command.parts)]
    return COMMAND_NOT_FOUND in statuses and tool in re.split(r"[^\w./-]+", command.command)


def _judged(facts: Facts, verdicts: Sequence[DrillVerdict]) -> Iterator[Told]:
    """Every limit that a drill was judged by, with the text and the line that states it."""
    for verdict in verdicts:
        for criterion in verdict.criteria:
            place = line_of_source(facts, criterion.source)
            if place is None or criterion.verdict == "not applicable" or verdict.control:
                continue
            held = criterion.verdict == "pass"
            said = Said(
                holds=held and _went_well(verdict),
                deviates=criterion.verdict == "fail" and not as_expected(verdict),
            )
            kind = "passed" if held else "failed"
            how = f"{criterion_name(criterion)}: {criterion.verdict}"
            yield *place, RanHere(verdict.drill, verdict.scenario, verdict.verdict, kind, how, said)


def _refused(
    run_folder: Path,
    facts: Facts,
    verdicts: Sequence[DrillVerdict],
    recordings: Mapping[str, Sequence[Event]],
) -> Iterator[Told]:
    """Every command of the blocks that a drill was to follow which does not apply to the target."""
    for verdict in verdicts:
        if verdict.verdict != "not applicable":
            continue
        started = (event.data for event in recordings.get(verdict.drill, ()))
        name = next((data.runbook for data in started if isinstance(data, DrillStarted)), "")
        text = runbook_named(facts, name)
        if text is None:
            continue
        for step in _steps(run_folder, facts, name, verdict.procedures):
            here = RanHere(
                verdict.drill,
                verdict.scenario,
                verdict.verdict,
                "refused",
                f"refused: {verdict.why}",
                Said(refused=True),
            )
            for number in _commands_of(step):
                yield text, number, here


def _alerts(
    run_folder: Path,
    facts: Facts,
    verdicts: Sequence[DrillVerdict],
    recordings: Mapping[str, Sequence[Event]],
) -> Iterator[Told]:
    """Every alert that a drill let fire, or should have."""
    for each in alerted(run_folder, facts, verdicts, recordings):
        said = Said(holds=not each.wrong, deviates=each.wrong)
        kind = "failed" if each.wrong else "passed"
        verdict = each.verdict
        yield (
            each.text,
            each.line,
            RanHere(verdict.drill, verdict.scenario, verdict.verdict, kind, each.how, said),
        )


def _steps(run_folder: Path, facts: Facts, name: str, places: Sequence[str]) -> Iterator[Step]:
    try:
        runbook = runbook_of(run_folder, facts, name)
        if runbook is None:
            return
        for place in places:
            yield runbook.step(place)
    except InputError:
        return  # a place of a text that the run did not keep: nothing is said of any line


def _commands_of(step: Step) -> list[int]:
    lines = enumerate(step.text.splitlines(), start=step.line)
    return [number for number, text in lines if text.strip() and not text.lstrip().startswith("#")]


def _went_well(verdict: DrillVerdict) -> bool:
    return as_expected(verdict) and verdict.verdict in ("pass", "not noticed")


def _proves(proofs: Sequence[Proof], drill: str) -> dict[tuple[int, str], list[str]]:
    """Line and text of a drill's commands -> ids of the defects that they are evidence of."""
    found: dict[tuple[int, str], list[str]] = {}
    for proof in proofs:
        for command in proof.commands:
            if command.drill == drill:
                found.setdefault((command.line, command.command), []).append(proof.defect.id)
    return {place: list(dict.fromkeys(ids)) for place, ids in found.items()}


def _ended(command: CommandFinished, proves: Sequence[str]) -> tuple[str, str]:
    """How a command ended, as one of ORDER and in words."""
    if proves:
        return "proven", f"proves {', '.join(proves)}"
    if command.hung:
        return "failed", "did not end by itself"
    if command.interrupted:
        return "passed", "streams, was interrupted"
    if command.background:
        return "passed", "left running"
    if command.status and not command.handled:
        return "failed", f"ended with status {command.status}"
    return "passed", f"ended with status {command.status}" + (
        ", which the text handles" if command.status else ""
    )


def _worst_of_each(ran: Sequence[RanHere]) -> list[RanHere]:
    """One entry a drill, in the order of the run, those that went otherwise than expected first."""
    worst: dict[str, RanHere] = {}
    for here in ran:
        known = worst.get(here.drill)
        if known is None or ORDER.index(here.kind) < ORDER.index(known.kind):
            worst[here.drill] = here
    return sorted(worst.values(), key=lambda here: not here.said.deviates)
