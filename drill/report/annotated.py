"""The runbook of a run, line by line: beside each line what drills ran there and how it ended, what lint
finds in it, and the defects that are known of it. Flows in: a run's folder, and what was read from it. Flows
out: lines with marks.

The text is the one that the run kept. Lint looks at it alone, without programs or other files, so that the
same folder gives the same page on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drill.judge.verdict import DrillVerdict
from drill.lint.alone import Alone, lint_alone
from drill.lint.document import parse_document
from drill.lint.proven import proven_of
from drill.recording import Event
from drill.recording.events import CommandFinished, DrillStarted, ProcedureStarted
from drill.run.defects import Proof
from drill.run.facts import Facts, Input, day_of
from drill.run.inputs import runbook_named, runbook_of_errata, runbooks_of
from drill.runbook import Defect

ORDER = ("proven", "failed", "passed")
"""Of several commands of one drill on one line, the first of these is shown."""


@dataclass(frozen=True)
class RanHere:
    """A drill that ran the command of a line. `verdict`: on the drill; `kind`: of the command, one of ORDER;
    `how`: the same in words."""

    drill: str
    scenario: str
    verdict: str
    kind: str
    how: str


@dataclass(frozen=True)
class LintHere:
    """A finding of lint that begins on a line."""

    rule: str
    message: str
    proven: tuple[str, ...]


@dataclass
class Line:
    """One line of the text, and what is known of it."""

    number: int
    text: str
    ran: list[RanHere] = field(default_factory=list)
    found: list[LintHere] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)

    @property
    def marked(self) -> bool:
        """True where there is something beside it."""
        return bool(self.ran or self.found or self.defects)


@dataclass(frozen=True)
class AnnotatedRunbook:
    """One text. `as_written`: it is the one as first written; `left_out`: the rules of lint that need more
    than a text, and so were not applied; `missing`: why there are no lines, empty otherwise."""

    name: str
    as_written: bool
    lines: list[Line]
    left_out: list[str] = field(default_factory=list)
    missing: str = ""

    def count(self, what: str) -> int:
        """How many marks of a kind (`ran`, `found`, `defects`) there are."""
        return sum(len(getattr(line, what)) for line in self.lines)


def annotate(
    run_folder: Path,
    facts: Facts,
    verdicts: Sequence[DrillVerdict],
    proofs: Sequence[Proof],
    recordings: Mapping[str, Sequence[Event]],
) -> list[AnnotatedRunbook]:
    """The runbooks that the run kept, as first written before as corrected. `recordings`: events by drill."""
    ran = list(_ran(facts, verdicts, proofs, recordings))
    return [
        _annotated(
            run_folder,
            facts,
            kept,
            proofs if kept == runbook_of_errata(facts) else [],
            [(line, here) for text, line, here in ran if text == kept],
        )
        for kept in runbooks_of(facts)
    ]


def _annotated(
    run_folder: Path, facts: Facts, kept: Input, proofs: Sequence[Proof], ran: Sequence[tuple[int, RanHere]]
) -> AnnotatedRunbook:
    as_written = kept.role == "runbook as written"
    path = run_folder / kept.kept
    if not path.is_file():
        return AnnotatedRunbook(kept.name, as_written, [], missing=f"{kept.kept} is not in the run's folder")
    text = path.read_bytes().decode("utf-8", errors="replace")
    lines = [
        Line(number, content)
        for number, content in enumerate(parse_document(path, text.removesuffix("\n")).lines, start=1)
    ]
    last = len(lines)
    for number, here in ran:
        if 0 < number <= last:
            lines[number - 1].ran.append(here)
    for proof in proofs:
        if proof.defect.line <= last:
            lines[proof.defect.line - 1].defects.append(proof.defect)
    alone = lint_alone(path.name, text, day_of(facts))
    for line in lines:
        line.ran = _worst_of_each(line.ran)
        line.found = _found(alone, line.number, proofs)
    left_out = {rule for rules in alone.outcome.not_applied.values() for rule in rules}
    return AnnotatedRunbook(kept.name, as_written, lines, sorted(left_out))


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
) -> Iterator[tuple[Input, int, RanHere]]:
    """Every command that a drill ran, with the text and the line that it stands on."""
    for verdict in verdicts:
        proves = _proves(proofs, verdict.drill)
        named, text = "", None
        for event in recordings.get(verdict.drill, ()):
            match event.data:
                case DrillStarted(runbook=runbook):
                    named = runbook
                case ProcedureStarted(runbook=runbook):
                    text = runbook_named(facts, runbook or named)
                case CommandFinished() as command if text is not None:
                    kind, how = _ended(command, proves.get((command.line, command.command), []))
                    yield (
                        text,
                        command.line,
                        RanHere(verdict.drill, verdict.scenario, verdict.verdict, kind, how),
                    )


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
    """One mark a drill, in the order of the run."""
    worst: dict[str, RanHere] = {}
    for here in ran:
        known = worst.get(here.drill)
        if known is None or ORDER.index(here.kind) < ORDER.index(known.kind):
            worst[here.drill] = here
    return list(worst.values())
