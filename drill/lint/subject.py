"""What a rule looks at. Flows in: a document, and what was given beside it. Flows out: one record with all
that rules read, each part worked out once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from drill import present
from drill.lint.document import Document, Fence
from drill.lint.finding import Edit, Finding
from drill.lint.kubectl import Kubectl, parse_kubectl
from drill.lint.manifests import Manifests
from drill.lint.place import Span
from drill.lint.shell import Command, Script, Word
from drill.lint.shell_reader import read_script


@dataclass(frozen=True, eq=False)
class Subject:
    """One document under lint. `tools_of`: the programs in an image, by the image's name; `metrics`: the
    names that the service exposes; `today`: against which dates are past. What is None was not given: rules
    that need it do not apply.
    """

    document: Document
    manifests: Manifests | None = None
    tools_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    metrics: frozenset[str] | None = None
    today: date = field(default_factory=present.today)

    @cached_property
    def script(self) -> Script:
        """All shell of the document."""
        return read_script(self.document.fences)

    @cached_property
    def commands(self) -> list[Command]:
        """Every command, in order, those that run elsewhere included."""
        return self.script.commands

    @cached_property
    def calls(self) -> list[Kubectl]:
        """Every call of kubectl, in order."""
        return [call for call in map(parse_kubectl, self.commands) if call is not None]

    @cached_property
    def _call_of(self) -> dict[int, Kubectl]:
        return {id(call.command): call for call in self.calls}

    def call_of(self, command: Command | None) -> Kubectl | None:
        """The call of kubectl that a command is."""
        return self._call_of.get(id(command)) if command is not None else None

    @cached_property
    def _by_fence(self) -> dict[int, list[Command]]:
        found: dict[int, list[Command]] = {}
        for command in self.commands:
            found.setdefault(id(command.fence), []).append(command)
        return found

    def commands_of(self, fence: Fence) -> list[Command]:
        """The commands of one fence, in order."""
        return self._by_fence.get(id(fence), [])

    def later(self, command: Command) -> list[Command]:
        """The commands of the same fence that come after a command, its own parts left out."""
        return [
            other
            for other in self.commands_of(command.fence)
            if other.start >= command.end and other.outer is not command.outer and not _inside(other, command)
        ]

    def earlier(self, command: Command) -> list[Command]:
        """The commands of the same fence that come before a command."""
        return [other for other in self.commands_of(command.fence) if other.end <= command.start]

    def before(self, command: Command) -> Iterator[Command]:
        """All commands of the document before this one, nearest first."""
        for other in reversed(self.commands[: command.order]):
            if other.outer is not command.outer:
                yield other

    def comment_above(self, command: Command) -> str:
        """The comments of the paragraph that a command stands in, and that on its own line."""
        rows = command.fence.text.split("\n")
        row = command.outer.span.line - command.fence.line
        last_row = command.outer.span.end_line - command.fence.line
        first = row
        while first > 0 and rows[first - 1].strip():
            first -= 1
        lines = {command.fence.line + number for number in range(first, last_row + 1)}
        return " ".join(
            comment.text
            for comment in self.script.comments
            if comment.fence is command.fence and comment.span.line in lines
        )

    def finding(
        self,
        rule: str,
        where: Command | Word | Span,
        message: str,
        correction: str = "",
        edit: Edit | None = None,
    ) -> Finding:
        """A finding at a command, a word or a place."""
        span = where if isinstance(where, Span) else where.span
        if isinstance(where, (Command, Word)):
            excerpt = where.raw
        else:
            excerpt = self.document.lines[span.line - 1] if span.line <= len(self.document.lines) else ""
        return Finding(
            self.document.path,
            rule,
            span,
            message,
            " ".join(excerpt.replace("\\\n", " ").split()),
            correction,
            edit,
        )


def _inside(inner: Command, outer: Command) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
