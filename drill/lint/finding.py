"""What lint says. Flows in: rules. Flows out: findings, each with its place, its command and, where one is
certain, its correction.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drill.lint.place import Span


@dataclass(frozen=True)
class Edit:
    """Text to put in the place of a span. Only for corrections that are right wherever the rule is."""

    span: Span
    text: str


@dataclass(frozen=True)
class Proven:
    """What a drill has shown of the same command. `defect`: its id in the errata of the run; `run`: its
    name."""

    defect: str
    run: str


@dataclass(frozen=True)
class Finding:
    """One place that will go wrong. `message`: what will happen; `excerpt`: the command or line, as written;
    `correction`: what to write instead, in words or text, empty where nobody can know; `edit`: the same for
    --fix; `proven`: by drills of a stored run, empty where none was asked."""

    path: Path
    rule: str
    span: Span
    message: str
    excerpt: str
    correction: str = ""
    edit: Edit | None = None
    proven: tuple[Proven, ...] = ()

    @property
    def order(self) -> tuple[str, int, int, str]:
        """Findings are shown by file, line, column and rule."""
        return str(self.path), self.span.line, self.span.column, self.rule
