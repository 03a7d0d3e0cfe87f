"""A text looked at by itself. Flows in: its name and content. Flows out: what lint finds in nothing but it,
the same on every machine: no program is run, no other file is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from drill.lint.document import parse_document
from drill.lint.finding import Finding
from drill.lint.run import Options, Outcome, lint_documents

LEFT_OUT = ("promtool", "shellcheck", "bash", "folder")
"""What a rule may need that is not in the text, and may be here and not there."""


@dataclass(frozen=True)
class Alone:
    """What lint says of one text. Lines count from 1, both ends included."""

    outcome: Outcome

    def findings_in(self, first: int, last: int) -> list[Finding]:
        """The findings that begin in these lines."""
        return [finding for finding in self.outcome.findings if first <= finding.span.line <= last]

    def looked_at(self, first: int, last: int) -> bool:
        """True where a rule reads a block in these lines, or found something there."""
        read = any(first <= end and begin <= last for _, begin, end in self.outcome.looked_at)
        return read or bool(self.findings_in(first, last))


def lint_alone(name: str, text: str, today: date) -> Alone:
    """Look at a text that was read elsewhere. `name`: the file's own, without folders; `today`: against which
    dates are past."""
    options = Options(today=today, without=LEFT_OUT)
    return Alone(lint_documents([parse_document(Path(name), text)], options))
