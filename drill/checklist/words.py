"""The checklists as a table. Flows in: rows. Flows out: text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from drill.checklist.state import ChecklistRow
from drill.history.words import days_text
from drill.report.templates import markdown_cell


def checklist_table(rows: Sequence[ChecklistRow]) -> str:
    """As a table of Markdown, and how many stand how."""
    lines = ["| line | item | | age | proven by | |", "|---:|---|---|---|---|---|"]
    for row in rows:
        age = "–" if row.days is None else days_text(row.days)
        cells = (row.item.name, row.standing, age, row.by, row.why)
        lines.append(f"| {row.item.line} | " + " | ".join(markdown_cell(cell) for cell in cells) + " |")
    counted = Counter(row.standing for row in rows)
    said = ", ".join(f"{number} {standing}" for standing, number in counted.items())
    return "\n".join([*lines, "", f"{len(rows)} items: {said or 'the runbook has none'}"]) + "\n"
