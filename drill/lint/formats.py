"""How findings are shown. Flows in: an outcome. Flows out: text as ruff writes it, JSON, SARIF 2.1.0, or
annotations as GitHub reads them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drill.lint.finding import Finding
from drill.lint.rule import NEEDS, RULES
from drill.lint.run import Outcome

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
WIDEST = 200
"""Characters of a line that are shown."""


def as_text(outcome: Outcome) -> str:
    """For a reader: each finding with its line and, where there is one, its correction."""
    lines: list[str] = [*outcome.notes, *([""] if outcome.notes else [])]
    for finding in outcome.findings:
        lines += _shown(finding, outcome)
    for need, identifiers in outcome.not_applied.items():
        lines.append(f"Not applied: {', '.join(identifiers)} (they need {NEEDS[need]})")
    count = len(outcome.findings)
    if not count:
        return "\n".join([*lines, "Nothing found."])
    lines.append(f"Found {count} defect{'s' if count > 1 else ''}.")
    fixable = sum(finding.edit is not None for finding in outcome.findings)
    if fixable:
        lines.append(f"[*] {fixable} can be corrected with `drill lint --fix`.")
    return "\n".join(lines)


def _shown(finding: Finding, outcome: Outcome) -> list[str]:
    span = finding.span
    document = next(entry for entry in outcome.documents if entry.path == finding.path)
    star = "[*] " if finding.edit is not None else ""
    number = str(span.line)
    margin = " " * len(number)
    text = document.lines[span.line - 1] if span.line <= len(document.lines) else ""
    end = span.end_column if span.end_line == span.line else len(text) + 1
    marked = " " * (span.column - 1) + "^" * max(1, end - span.column)
    shown = [
        f"{finding.path}:{span.line}:{span.column}: {finding.rule} {star}{finding.message}{_proven(finding)}",
        f"{margin} |",
        f"{number} | {text[:WIDEST]}".rstrip(),
        f"{margin} | {marked[:WIDEST]}".rstrip(),
    ]
    if finding.correction:
        shown.append(f"{margin} = instead: {finding.correction}")
    return [*shown, ""]


def _proven(finding: Finding) -> str:
    """What drills have shown of it, as the end of a sentence; empty where nothing was."""
    runs: dict[str, list[str]] = {}
    for each in finding.proven:
        runs.setdefault(each.run, []).append(each.defect)
    return "".join(f"; proven by {', '.join(defects)} in run {run}" for run, defects in runs.items())


def as_json(outcome: Outcome) -> str:
    """For a program: everything that is known."""
    return json.dumps(
        {
            "findings": [_fields(finding) for finding in outcome.findings],
            "not_applied": {need: list(identifiers) for need, identifiers in outcome.not_applied.items()},
            "shell_blocks": outcome.blocks,
            "shell_blocks_not_read": outcome.unread_blocks,
            **({"notes": list(outcome.notes)} if outcome.notes else {}),
        },
        indent=2,
        ensure_ascii=False,
    )


def _fields(finding: Finding) -> dict[str, Any]:
    edit = finding.edit
    return {
        "file": str(finding.path),
        "line": finding.span.line,
        "column": finding.span.column,
        "end_line": finding.span.end_line,
        "end_column": finding.span.end_column,
        "rule": finding.rule,
        "title": RULES[finding.rule].title,
        "message": finding.message,
        "command": finding.excerpt,
        "correction": finding.correction or None,
        "edit": None
        if edit is None
        else {
            "line": edit.span.line,
            "column": edit.span.column,
            "end_line": edit.span.end_line,
            "end_column": edit.span.end_column,
            "text": edit.text,
        },
        **({"proven": _proofs(finding)} if finding.proven else {}),
    }


def _proofs(finding: Finding) -> list[dict[str, str]]:
    return [{"defect": each.defect, "run": each.run} for each in finding.proven]


def as_sarif(outcome: Outcome) -> str:
    """For code scanning: SARIF 2.1.0, one run."""
    used = sorted({finding.rule for finding in outcome.findings})
    rules = [
        {
            "id": identifier,
            "shortDescription": {"text": RULES[identifier].title},
            "fullDescription": {"text": RULES[identifier].why},
            "properties": {"kind": RULES[identifier].kind},
        }
        for identifier in used
    ]
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": used.index(finding.rule),
            "level": "warning",
            "message": {"text": _with_correction(finding)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(finding.path)},
                        "region": {
                            "startLine": finding.span.line,
                            "startColumn": finding.span.column,
                            "endLine": finding.span.end_line,
                            "endColumn": finding.span.end_column,
                            "snippet": {"text": finding.excerpt},
                        },
                    }
                }
            ],
            **({"properties": {"proven": _proofs(finding)}} if finding.proven else {}),
        }
        for finding in outcome.findings
    ]
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "drill lint", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    if outcome.notes:
        run["properties"] = {"notes": list(outcome.notes)}
    return json.dumps(
        {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False
    )


def _uri(path: Path) -> str:
    return path.as_uri() if path.is_absolute() else path.as_posix()


def _with_correction(finding: Finding) -> str:
    said = f"{finding.message}{_proven(finding)}"
    return f"{said}. Instead: {finding.correction}" if finding.correction else said


def as_github(outcome: Outcome) -> str:
    """For a workflow of GitHub's: one annotation a line."""
    notes = [f"::notice title=drill lint::{_data(note)}" for note in outcome.notes]
    found = [
        f"::error file={_property(str(finding.path))},line={finding.span.line},col={finding.span.column},"
        f"endLine={finding.span.end_line},endColumn={finding.span.end_column},"
        f"title={_property(f'drill lint {finding.rule}')}::{_data(_with_correction(finding))}"
        for finding in outcome.findings
    ]
    return "\n".join([*notes, *found])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: Mapping[str, Callable[[Outcome], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}
