"""findings.yaml: what drills found and what becomes of it. Flows in: the file, written by `drill evidence
findings` and edited by people. Flows out: records, or an InputError with file, line, value and what would be
right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from drill.errors import InputError
from drill.reading import YamlDocument, checked, is_there, read_yaml
from drill.run.files import write_file
from drill.settings.section import Section, Text

HEADER = """\
# What drills found. Opened and closed by `drill evidence findings reports/RUN`; the rest is yours to edit.
# A finding is closed by a passing drill of the same procedure, and by nothing else: docs/evidence.md.
findings:
"""
ID = r"^F-[0-9]{3,6}$"
Status = Literal["open", "accepted", "closed"]


class FindingRun(Section):
    """A run, and the day on which it began (UTC)."""

    run: Text
    day: date


class Acceptance(Section):
    """Who bears the risk, until when, and why."""

    by: Text
    until: date
    reason: Text


class Finding(Section):
    """A defect. `procedures`: places in the runbook that its retest carries out, none where nobody acted;
    `expected`: what the scenario stated then; `retest`: the passing run that closed it."""

    id: Annotated[str, Field(pattern=ID)]
    what: Text
    scenario: Text
    procedures: tuple[Text, ...] = ()
    expected: str = ""
    severity: str = ""
    opened: FindingRun
    owner: Text
    due: date
    status: Status
    accepted: Acceptance | None = None
    retest: FindingRun | None = None

    @model_validator(mode="after")
    def _whole(self) -> Finding:
        if (self.status == "closed") != (self.retest is not None):
            raise ValueError(
                "status closed together with the retest that closed it, which drill evidence findings writes"
            )
        if self.status == "accepted" and self.accepted is None:
            raise ValueError("status accepted together with accepted: {by, until, reason}")
        if self.retest is not None and self.retest.day < self.opened.day:
            raise ValueError("a retest after the finding was opened")
        return self

    def overdue(self, today: date) -> str:
        """Why it is, in words; empty where it is not."""
        if self.status == "open" and self.due < today:
            return f"{self.id} is overdue since {self.due} ({self.owner}): {self.what}"
        if self.status == "accepted" and self.accepted is not None and self.accepted.until < today:
            return f"{self.id} was accepted by {self.accepted.by} until {self.accepted.until}: {self.what}"
        return ""


class Findings(Section):
    """The file."""

    findings: tuple[Finding, ...] = ()


def read_findings(path: Path) -> list[Finding]:
    """None where there is no file yet. Raises InputError."""
    return list(_read(path)[0].findings) if is_there(path) else []


def write_changes(path: Path, opened: Sequence[Finding], closed: Sequence[Finding]) -> None:
    """Add the findings that were opened, and write status and retest of those that were closed; all else in
    the file, comments too, stays as people wrote it. Raises InputError where the file has a form that this
    cannot be written into, and leaves it as it is."""
    text = path.read_bytes().decode("utf-8") if path.exists() else HEADER
    expected = read_findings(path)
    if path.exists():
        text = _with_closed(text, _read(path)[1], expected, closed)
    by_id = {finding.id: finding for finding in closed}
    expected = [by_id.get(finding.id, finding) for finding in expected] + list(opened)
    text = re.sub(r"(?m)^findings:[ \t]*(\[[ \t]*\]|null|~)[ \t]*(?=\r?$)", "findings:", text)
    if opened:
        text = (text if text.endswith("\n") else text + "\n") + yaml.safe_dump(
            [_plain(each) for each in opened], sort_keys=False, allow_unicode=True, width=110
        )
    draft = path.with_name(f".{path.name}.draft")
    write_file(draft, text.encode())
    try:
        if not _says(draft, expected):
            raise InputError(
                path,
                None,
                "(its form)",
                "a list below findings: at the beginning of the line, and nothing after it",
            )
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _says(draft: Path, expected: Sequence[Finding]) -> bool:
    try:
        return read_findings(draft) == list(expected)
    except InputError:
        return False  # the one reason that there can be is the form of what was there before


def _with_closed(
    text: str, document: YamlDocument, before: Sequence[Finding], closed: Sequence[Finding]
) -> str:
    lines = text.split("\n")
    index = {finding.id: number for number, finding in enumerate(before)}
    for finding in sorted(closed, key=lambda each: -index[each.id]):
        assert finding.retest is not None
        number = document.line_of(("findings", index[finding.id], "status")) - 1
        indent, _, rest = lines[number].partition("status:")
        comment = f"  {rest[rest.index('#') :]}" if "#" in rest else ""
        retest = f"{' ' * len(indent)}retest: {{run: {finding.retest.run!r}, day: {finding.retest.day}}}"
        lines[number : number + 1] = [f"{indent}status: closed{comment}", retest]
    return "\n".join(lines)


def _plain(finding: Finding) -> dict[str, Any]:
    return finding.model_dump(mode="python", exclude_none=True, exclude_defaults=False) | {
        "procedures": list(finding.procedures)
    }


def _read(path: Path) -> tuple[Findings, YamlDocument]:
    document = read_yaml(path, "what drills found: findings.yaml")
    if document.data == {"findings": None}:
        return Findings(), document
    found = checked(path, document, Findings)
    seen: set[str] = set()
    for number, finding in enumerate(found.findings):
        if finding.id in seen:
            line = document.line_of(("findings", number, "id"))
            raise InputError(path, line, finding.id, "an id that no other finding has")
        seen.add(finding.id)
    return found, document
