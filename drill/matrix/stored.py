"""Stored drills, to be looked at anew. Flows in: the folder of runs. Flows out: fault, name and recording of
each drill that was carried out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from drill.judge.case import Case
from drill.run.facts import FILE, Facts, read_facts
from drill.run.stored import read_verdicts

NO_FAULT = "no-fault"
SEVERAL = " + "
"""Between the names where a drill has several faults."""
NOT_CARRIED_OUT = ("setup", "not applicable")


def stored_cases(reports: Path, target: str) -> Iterator[tuple[str, str, Case]]:
    """Run by run. Those of another target, those that were not carried out, and copies of kept controls are
    left out."""
    for folder in sorted(reports.iterdir()) if reports.is_dir() else []:
        if folder.is_symlink() or not (folder / FILE).is_file():
            continue
        facts = read_facts(folder)
        if facts.target == target:
            yield from cases_of(folder, facts)


def cases_of(folder: Path, facts: Facts) -> Iterator[tuple[str, str, Case]]:
    """The same of one run."""
    copied = {each.drill for each in facts.drills if each.kept}
    for verdict in read_verdicts(folder, facts):
        if verdict.verdict not in NOT_CARRIED_OUT and verdict.drill not in copied:
            yield verdict.fault or NO_FAULT, f"{facts.run}/{verdict.drill}", Case(folder / verdict.evidence)
