"""Is each drill as severe as the runbook says? Flows in: the notices of a run, with the severity that users
felt, and the faults' sections. Flows out: a table drill by drill, and counts.

A section says its severity in its title ("Service Completely Down (P0)"); where the fault's section says
none, the scenario's tag is taken, and said so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from drill.baselines.severities import severity_of
from drill.incident.notice import Notice
from drill.incident.severity import NAMED
from drill.judge.verdict import DrillVerdict
from drill.report.templates import markdown_cell

Compared = Literal[
    "as it says", "more severe than it says", "less severe than it says", "nobody felt it", "undecided"
]


@dataclass(frozen=True)
class SeverityRow:
    """One drill. `stated`: by `says`, the fault's section or "the scenario"; `felt`: empty where it is not
    told; `why`: what was seen, or what would tell."""

    scenario: str
    fault: str
    says: str
    stated: str
    felt: str
    compared: Compared
    why: str


def stated_by(title: str) -> str:
    """The severity that a section's title names, empty where it names none."""
    named = NAMED.search(title)
    return (severity_of(named[0]) or "") if named else ""


def severity_row(notice: Notice, verdict: DrillVerdict, sections: Sequence[str]) -> SeverityRow:
    """`sections`: of the drill's faults, by their titles. Of several the most severe counts."""
    named = sorted((severity, title) for title in sections if (severity := stated_by(title)))
    stated, says = named[0] if named else (verdict.severity, "the scenario" if verdict.severity else "nobody")
    felt, compared, why = _felt(notice, stated)
    return SeverityRow(notice.scenario, verdict.fault, says, stated, felt, compared, why)


def severity_lines(rows: Sequence[SeverityRow]) -> Iterator[str]:
    """As Markdown, and how many are compared how."""
    yield "| drill | fault | says | severity | felt | compared | |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        told = (row.scenario, row.fault, row.says, row.stated, row.felt, row.compared, row.why)
        yield f"| {' | '.join(markdown_cell(cell or '–') for cell in told)} |"
    counted = Counter(row.compared for row in rows)
    said = ", ".join(f"{number} {compared}" for compared, number in counted.most_common())
    yield ""
    yield f"{len(rows)} drill{'' if len(rows) == 1 else 's'}: {said}"


def _felt(notice: Notice, stated: str) -> tuple[str, Compared, str]:
    if notice.kind == "none":
        return "", "nobody felt it", notice.why
    if notice.incident is None:
        return "", "undecided", notice.why
    severity = notice.incident.severity
    possible = " or ".join(severity.possible)
    if not severity.name:
        return possible, "undecided", f"{severity.because}; {severity.would_tell} would tell"
    if stated[:-1] != severity.name[:-1]:
        return severity.name, "undecided", f"{severity.because}; a section that names a severity would tell"
    if severity.name == stated:
        return severity.name, "as it says", severity.because
    compared: Compared = "more severe than it says" if severity.name < stated else "less severe than it says"
    return severity.name, compared, severity.because
