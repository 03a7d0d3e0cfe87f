"""Judging a stored run again: from its folder alone, with the same answer from any path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drill.conduct.told import write_reports
from drill.errors import SetupError
from drill.judge.verdict import DrillVerdict
from drill.report.words import summary_lines
from drill.run.facts import Facts, read_facts
from drill.run.files import write_file
from drill.run.manifest import Alterations, check_manifest, write_manifest
from drill.run.outcome import SETUP, exit_status
from drill.run.stored import judge_all, read_verdicts, write_verdicts

NOT_ENDED = (
    "this run has no manifest.json, since it did not end: nothing tells whether its files were altered since"
)


@dataclass(frozen=True)
class Judged:
    """A run judged again. `notes`: what is wrong with its files, which makes the exit status 3."""

    facts: Facts
    verdicts: list[DrillVerdict]
    notes: list[str] = field(default_factory=list)

    def exit_status(self) -> int:
        """As of the run itself, unless its files are not as it left them."""
        return SETUP if self.notes else exit_status(self.verdicts, self.facts.findings)

    def summary_lines(self) -> list[str]:
        """The verdicts, one line each, and what went wrong."""
        return [*summary_lines(self.facts, self.verdicts), *(f"{'setup':>14}: {note}" for note in self.notes)]


def rejudge(folder: Path) -> Judged:
    """Judge every drill of a stored run again and write its reports anew. Raises SetupError naming each file
    that judging stands on and that is not as the run left it; nothing is written then. Raises UsageError
    where `folder` is not a run's, InputError for a record that cannot be read."""
    facts = read_facts(folder)
    alterations = untouched(folder)
    verdicts = judge_all(folder, facts)
    write_verdicts(folder, verdicts)
    write_reports(folder, verdicts)
    if alterations is None:
        return Judged(facts, verdicts, [NOT_ENDED])
    write_manifest(folder)
    return Judged(facts, verdicts, [f"{line}; it was written anew" for line in alterations.lines()])


def untouched(folder: Path) -> Alterations | None:
    """What was altered of the files that judging makes; None where the run did not end. Raises SetupError
    where a file that judging stands on was altered, is missing or was added."""
    alterations = check_manifest(folder)
    if alterations is not None:
        alterations.of_evidence().refuse(folder, ", so it is not judged")
    return alterations


def rewrite_report(folder: Path, added: Sequence[tuple[str, bytes]] = ()) -> None:
    """Write a stored run's reports anew from the verdicts that it has. `added`: path and content of files
    that the run has from now on. Raises SetupError where its files are not as the run left them, UsageError
    where `folder` is not a run's."""
    facts = read_facts(folder)
    alterations = untouched(folder)
    verdicts = alterations.but_reports() if alterations else None
    if verdicts:
        raise SetupError(
            f"{folder}: the verdicts are not those that the run left; `drill judge` makes them anew:\n  "
            + "\n  ".join(verdicts.lines())
        )
    for path, content in added:
        write_file(folder / path, content)
    write_reports(folder, read_verdicts(folder, facts))
    if alterations is not None:
        write_manifest(folder)
