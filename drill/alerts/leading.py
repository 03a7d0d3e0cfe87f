"""Does the section that an alert leads to repair the fault? Flows in: a runbook with its rules, and stored
drills. Flows out: the sections that each alert leads to, and the one by which users recovered in a drill.

A section reaches those that its text sends on to, by their title in quotes or by a link to their anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from drill.alerts.rules import AlertRules
from drill.errors import DrillError
from drill.judge.verdict import DrillVerdict
from drill.reading import anchor_of
from drill.recording import RECORDING, all_of, read_events
from drill.recording.events import ProcedureStarted
from drill.runbook import Runbook
from drill.runbook.document import Section, plain_title

VERDICT = "verdict.json"


def repaired_in(folder: Path, runbook: Path) -> str:
    """The section by which users recovered in the drill of that folder: that of the last place which the
    operator followed, where recovery is the procedure's credit. Empty where it is not, or was another
    runbook's, or nothing is stored."""
    try:
        verdict = msgspec.json.decode((folder / VERDICT).read_bytes(), type=DrillVerdict)
        events = read_events(folder / RECORDING)
    except (OSError, msgspec.DecodeError, DrillError):  # series without a drill beside them
        return ""
    recovered = any(each.name == "recovered" and each.verdict == "pass" for each in verdict.criteria)
    followed = all_of(ProcedureStarted, events)
    if not followed or not recovered or verdict.credit != "runbook":
        return ""
    last = followed[-1]
    return last.section if Path(last.runbook).name == runbook.name else ""


def reached(rules: AlertRules, runbook: Runbook) -> dict[str, tuple[str, ...]]:
    """By alert: the title of the section that it leads to, and then of those that this one sends on to; none
    where the link leads to no section of the runbook."""
    lines = runbook.path.read_text(encoding="utf-8").splitlines()
    found = {}
    for rule in rules.rules:
        anchor = rule.link.rpartition("#")[2]
        own = next((each for each in runbook.sections if anchor and anchor_of(each.title) == anchor), None)
        found[rule.name] = () if own is None else (own.title, *_sent_on(own, runbook.sections, lines))
    return found


def _sent_on(own: Section, sections: Sequence[Section], lines: Sequence[str]) -> list[str]:
    text = "\n".join(lines[own.line - 1 : own.last_line])
    return [
        each.title
        for each in sections
        if each != own and (f'"{plain_title(each.title)}"' in text or f"(#{anchor_of(each.title)})" in text)
    ]
