"""Findings that somebody has looked at and left. Flows in: a document and its findings. Flows out: the
findings that remain, and those about the suppressions themselves.

    # drill: ignore D401: ten lines are enough here          in a block: this line, or the command below it
    <!-- drill: ignore D905: the rota is the runbook -->   in the text: this line, or what is below it

Several ids are separated by commas. A suppression without a reason, one of a rule that does not exist, and
one that suppresses nothing are findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drill.lint.document import Document
from drill.lint.finding import Finding
from drill.lint.rule import RULES, rule
from drill.lint.subject import Subject

MARK = re.compile(
    r"(?:#|<!--)\s*drill:\s*ignore\s+(?P<ids>[A-Za-z]\w*(?:\s*,\s*[A-Za-z]\w*)*)\s*(?::\s*(?P<reason>.*?))?\s*(?:-->|$)"
)


@dataclass(frozen=True)
class Suppression:
    """`first`, `last`: the lines on which findings of these rules are suppressed; `line`: its own."""

    ids: tuple[str, ...]
    reason: str
    line: int
    first: int
    last: int

    def covers(self, finding: Finding) -> bool:
        """True where the finding is one of these rules and begins within these lines."""
        return finding.rule in self.ids and self.first <= finding.span.line <= self.last


@rule(
    "D090",
    "the suppression suppresses nothing",
    why="What it once was for is gone, or its id is none. It would hide the next finding in its place.",
    bad="kubectl get pods -n novel-engine-production  # drill: ignore D201: it is watched by a person",
    good="kubectl get nodes",
)
def unused(subject: Subject) -> Iterator[Finding]:
    """Found by `apply`, which knows all findings."""
    yield from ()


@rule(
    "D091",
    "the suppression has no reason",
    why="In half a year nobody knows whether it may be removed.",
    bad="""kubectl get pods -n novel-engine-production --watch  # drill: ignore D201
kubectl get nodes""",
    good="""kubectl get pods -n novel-engine-production --watch  # drill: ignore D201: until all are Running
kubectl get nodes""",
)
def unreasoned(subject: Subject) -> Iterator[Finding]:
    """Found by `apply`."""
    yield from ()


def read_suppressions(document: Document) -> list[Suppression]:
    """All suppressions of a document, in its order."""
    found = []
    for number, line in enumerate(document.lines, start=1):
        if "drill:" not in line:
            continue
        match = MARK.search(line)
        if match is not None:
            is_alone = not line[: match.start()].strip()
            first, last = _lines_below(document, number) if is_alone else _statement(document, number)
            ids = tuple(part.strip().upper() for part in match["ids"].split(","))
            found.append(Suppression(ids, (match["reason"] or "").strip(), number, first, last))
    return found


def _statement(document: Document, number: int) -> tuple[int, int]:
    """The lines of the command that a line belongs to."""
    first = last = number
    while first > 1 and document.lines[first - 2].rstrip().endswith("\\"):
        first -= 1
    while last < len(document.lines) and document.lines[last - 1].rstrip().endswith("\\"):
        last += 1
    return first, last


def _lines_below(document: Document, number: int) -> tuple[int, int]:
    """The next line that is neither blank nor a comment, with the command or the block that begins there."""
    below = number + 1
    while below <= len(document.lines):
        text = document.lines[below - 1].strip()
        if text and not MARK.search(text) and not (text.startswith("#") and number not in document.prose):
            break
        below += 1
    opened = next((fence for fence in document.fences if fence.line - 1 == below), None)
    if opened is not None:
        return below, opened.last_line
    return _statement(document, below)[0], _statement(document, below)[1]


def apply(subject: Subject, findings: Sequence[Finding], applied: frozenset[str]) -> list[Finding]:
    """The findings that no suppression covers, and those about suppressions. `applied`: rules that were."""
    suppressions = read_suppressions(subject.document)
    if not suppressions:
        return list(findings)
    kept = [finding for finding in findings if not any(entry.covers(finding) for entry in suppressions)]
    for entry in suppressions:
        place = subject.document.line_span(entry.line)
        for identifier in entry.ids:
            if identifier not in RULES:
                kept.append(subject.finding("D090", place, f"{identifier} is no rule of drill lint"))
            elif identifier in applied and not any(
                finding.rule == identifier and entry.covers(finding) for finding in findings
            ):
                kept.append(
                    subject.finding("D090", place, f"suppresses nothing: {identifier} has no finding there")
                )
        if not entry.reason:
            kept.append(
                subject.finding(
                    "D091", place, "says no reason", f"drill: ignore {', '.join(entry.ids)}: the reason"
                )
            )
    return [finding for finding in kept if finding.rule in applied]
