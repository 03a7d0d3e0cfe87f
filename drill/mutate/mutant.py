"""One mutant of a runbook. Flows in: a text and a replacement in it. Flows out: the text of the runbook that
somebody spoilt in this one place, and what to call it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from drill.lint.document import Document

OPERATORS = {
    "drop": "a command dropped",
    "swap": "two commands swapped",
    "namespace": "a wrong namespace",
    "name": "a wrong name",
    "container": "a wrong container",
    "path": "a wrong path",
    "replicas": "a wrong number of replicas",
    "wait": "a wait removed",
    "guard": "a guard inverted",
    "limit": "a limit or threshold changed",
    "backup": "the wrong backup taken",
    "alert": "an alert's label or link changed",
}
"""What was done to the text, by the word that a mutant's id begins with."""


@dataclass(frozen=True, order=True)
class Spoiling:
    """Characters `start` to `end` of a text, and what stands there instead."""

    start: int
    end: int
    new: str
    operator: str


@dataclass(frozen=True)
class Mutant:
    """`id`: of the operator, the section and what changes, the same wherever the section stands; `line`,
    `last_line`: of what changes, in the corrected text; `before`, `after`: those lines then and now."""

    id: str
    operator: str
    line: int
    last_line: int
    before: str
    after: str
    change: Spoiling

    def applied(self, text: str) -> str:
        """The whole text of the mutated runbook."""
        return text[: self.change.start] + self.change.new + text[self.change.end :]

    def shown(self) -> str:
        """What changes, in one line."""
        return f"{_short(self.before)} -> {_short(self.after) or '(nothing)'}"


def made_of(document: Document, changes: Iterable[Spoiling]) -> list[Mutant]:
    """A mutant for each change that changes something, in the order of the text."""
    made: list[Mutant] = []
    seen: Counter[str] = Counter()
    known: set[tuple[int, int, str]] = set()
    for change in sorted(changes):
        key = (change.start, change.end, change.new)
        if document.text[change.start : change.end] == change.new or key in known:
            continue
        known.add(key)
        mutant = _made(document, change, seen)
        made.append(mutant)
    return made


def _made(document: Document, change: Spoiling, seen: Counter[str]) -> Mutant:
    text = document.text
    line = text.count("\n", 0, change.start) + 1
    last_line = text.count("\n", 0, max(change.start, change.end - 1)) + 1
    first = text.rfind("\n", 0, change.start) + 1
    end = text.find("\n", max(change.start, change.end - 1))
    end = len(text) if end < 0 else end
    before = text[first:end]
    after = text[first : change.start] + change.new + text[change.end : end]
    heading = next((each.title for each in reversed(document.headings) if each.line <= line), "")
    told = "\0".join((change.operator, heading, before, after))
    seen[told] += 1
    digest = hashlib.sha256(f"{told}\0{seen[told]}".encode()).hexdigest()[:8]
    return Mutant(
        f"{change.operator}-{digest}",
        change.operator,
        line,
        last_line,
        before.strip("\n"),
        after.strip("\n"),
        change,
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 110 else f"{line[:107]}..."
