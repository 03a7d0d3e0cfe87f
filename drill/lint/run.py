"""Looking at files. Flows in: paths and what was given beside them. Flows out: an outcome: findings in order,
and the rules that could not be applied, each with what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from shutil import which

import drill.lint.rules  # noqa: F401 - enters the rules
from drill import present
from drill.errors import UsageError
from drill.lint.document import Document, Fence, parse_document, read_document
from drill.lint.finding import Finding
from drill.lint.manifests import Manifests
from drill.lint.rule import NEEDS, RULES, Rule
from drill.lint.rules import shellcheck
from drill.lint.rules.alerts import alerts_of
from drill.lint.subject import Subject
from drill.lint.suppression import apply
from drill.programs import program


@dataclass(frozen=True)
class Options:
    """What was given beside the files. `select`, `ignore`: ids of rules, or the beginnings of ids; `today`:
    against which dates are past; `without`: needs, by their names in NEEDS, that are taken as not met even
    where they are."""

    manifests: Manifests | None = None
    tools_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    metrics: frozenset[str] | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    today: date = field(default_factory=present.today)
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """`findings`: by file, line and column; `not_applied`: ids by what they need and lack; `documents`: as
    read; `blocks`, `unread_blocks`: how many shell blocks there were, and how many the parser did not
    understand; `looked_at`: the blocks that rules read, shell and alerts, as file, first and last line of
    their text; `notes`: what a reader has to know beside findings."""

    findings: tuple[Finding, ...]
    not_applied: Mapping[str, tuple[str, ...]]
    documents: tuple[Document, ...]
    blocks: int
    unread_blocks: int
    looked_at: tuple[tuple[Path, int, int], ...] = ()
    notes: tuple[str, ...] = ()


def lint_files(paths: Iterable[Path], options: Options) -> Outcome:
    """Look at files, each once. Raises UsageError and InputError for what is no Markdown file."""
    return lint_documents([read_document(path) for path in dict.fromkeys(paths)], options)


def lint_text(text: str, options: Options | None = None, path: Path = Path("runbook.md")) -> list[Finding]:
    """The findings of a text at hand."""
    return list(lint_documents([parse_document(path, text)], options or Options()).findings)


def lint_documents(documents: Sequence[Document], options: Options) -> Outcome:
    """Look at documents that have been read."""
    chosen = chosen_rules(options.select, options.ignore)
    lacking = {entry.id: _lacks(entry, options) for entry in chosen}
    rules = [entry for entry in chosen if not lacking[entry.id]]
    applied = frozenset(entry.id for entry in rules)
    findings: list[Finding] = []
    looked_at: list[tuple[Path, int, int]] = []
    blocks = unread = 0
    for document in documents:
        subject = Subject(document, options.manifests, options.tools_of, options.metrics, options.today)
        found = [finding for entry in rules for finding in entry.check(subject)]
        findings.extend(apply(subject, list(dict.fromkeys(found)), applied))
        blocks += len(subject.script.fences)
        unread += len(subject.script.unread)
        looked_at.extend((document.path, fence.line, fence.last_line) for fence in _read_fences(subject))
    return Outcome(
        tuple(sorted(findings, key=lambda finding: finding.order)),
        {
            need: tuple(identifier for identifier, missing in lacking.items() if need in missing)
            for need in NEEDS
            if any(need in missing for missing in lacking.values())
        },
        tuple(documents),
        blocks,
        unread,
        tuple(looked_at),
    )


def _read_fences(subject: Subject) -> list[Fence]:
    """The blocks that rules read: shell that the parser understood, and alerts."""
    unread = {id(fence) for fence, _ in subject.script.unread}
    shell = {id(fence) for fence in subject.script.fences} - unread
    alerts = {id(alert.fence) for alert in alerts_of(subject)}
    return [fence for fence in subject.document.fences if id(fence) in shell | alerts]


def chosen_rules(select: Sequence[str], ignore: Sequence[str]) -> list[Rule]:
    """The rules whose id begins with one of `select` (all where it is empty) and with none of `ignore`.
    Raises UsageError for one that begins no id."""
    for part in (*select, *ignore):
        if not any(identifier.startswith(part.upper()) for identifier in RULES):
            raise UsageError(f"{part!r} begins the id of no rule. There are: {', '.join(sorted(RULES))}")
    return [
        entry
        for identifier, entry in sorted(RULES.items())
        if (not select or identifier.startswith(tuple(part.upper() for part in select)))
        and not identifier.startswith(tuple(part.upper() for part in ignore))
    ]


def _lacks(entry: Rule, options: Options) -> list[str]:
    given = {
        "manifests": options.manifests is not None,
        "image": bool(options.tools_of),
        "metrics": options.metrics is not None,
        "promtool": "promtool" not in entry.needs or program("promtool") is not None,
        "shellcheck": "shellcheck" not in entry.needs or shellcheck.program() is not None,
        "bash": "bash" not in entry.needs or which("bash") is not None,
        "folder": True,
    }
    return [need for need in entry.needs if not given[need] or need in options.without]
