"""One run of drills: its folder, its verdicts, its exit status. Flows in: verdicts as drills end. Flows out:
the report and the exit status.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from drill.judge.credit import with_credits
from drill.judge.judge import judge
from drill.judge.verdict import DrillVerdict
from drill.report import as_expected, point_latest, write_report
from drill.report import run as report_run
from drill.runbook import Defect

PASS, FAIL, INCONCLUSIVE, SETUP = 0, 1, 2, 3


class Run:
    """A run and its folder reports/<run>/. `verdicts`: in the order in which the drills ended."""

    def __init__(self, reports: Path, name: str | None, command_line: Sequence[str]) -> None:
        started = datetime.now().astimezone()
        self.name = name or started.strftime("%Y%m%d-%H%M%S")
        self.folder = reports / self.name
        self.verdicts: list[DrillVerdict] = []
        self._started, self._command_line = started, shlex.join(command_line)
        self._troubles: list[str] = []
        self._failures: list[str] = []
        self._doubts: list[str] = []

    def evidence(self, drill: str) -> Path:
        """The folder that a drill leaves."""
        folder = self.folder / "evidence" / drill
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def add(self, verdict: DrillVerdict) -> None:
        """One more drill has been judged. A control gives the drills of its fault their credit."""
        self.verdicts = with_credits(
            [*(each for each in self.verdicts if each.drill != verdict.drill), verdict]
        )
        for each in self.verdicts:
            (self.evidence(each.drill) / "verdict.json").write_bytes(
                msgspec.json.format(msgspec.json.encode(each))
            )

    def of(self, scenario: str) -> DrillVerdict | None:
        """The verdict on a scenario of this run, by its title."""
        return next((each for each in self.verdicts if each.scenario == scenario), None)

    def trouble(self, what: str) -> None:
        """Something that is not the target's fault."""
        self._troubles.append(what)

    def failure(self, what: str) -> None:
        """A scenario did not go as it states."""
        self._failures.append(what)

    def doubt(self, what: str) -> None:
        """A scenario could not be decided."""
        self._doubts.append(what)

    def exit_status(self) -> int:
        """0 all as expected, 1 otherwise, 3 setup or usage error, 2 inconclusive; the first that holds in the
        order 1, 3, 2, 0.
        """
        judged = [each for each in self.verdicts if each.verdict != "not applicable"]
        if self._failures or any(
            not as_expected(each) and each.verdict in ("pass", "fail") for each in judged
        ):
            return FAIL
        if self._troubles or any(each.verdict == "setup" for each in judged) or not self.verdicts:
            return SETUP
        if self._doubts or any(each.verdict == "inconclusive" for each in judged):
            return INCONCLUSIVE
        return PASS

    def finish(self, target: str, defects: Sequence[Defect], exit_status: int) -> None:
        """Write run.json and the reports, and let reports/latest lead here."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = report_run.Run(
            self.name, self._started.isoformat(timespec="seconds"), target, exit_status, self._command_line
        )
        (self.folder / "run.json").write_bytes(msgspec.json.format(msgspec.json.encode(facts)))
        write_report(self.folder, self.verdicts, defects)
        point_latest(self.folder)

    def summary_lines(self) -> list[str]:
        """The verdicts, one line each, what went wrong, and where to look."""
        lines = []
        for each in self.verdicts:
            took = (
                f", restored after {each.restored_seconds:.1f} s" if each.restored_seconds is not None else ""
            )
            credit = (
                "" if each.control or each.verdict == "not applicable" else f", repaired by: {each.credit}"
            )
            mark = "as expected" if as_expected(each) else f"expected {each.expected}"
            mark = "neither passed nor failed" if each.verdict == "not applicable" else mark
            lines.append(f"{each.verdict:>14} ({mark}): {each.scenario}{took}{credit}")
            if not as_expected(each) or each.verdict == "not applicable":
                lines.append(f"{'':>14}  {each.why}")
        lines += [f"{'setup':>14}: {trouble}" for trouble in self._troubles]
        if (self.folder / "index.html").exists():
            lines.append(f"report: {self.folder / 'index.html'}    judge again: drill judge {self.folder}")
        return lines


def rejudge(folder: Path, defects: Sequence[Defect]) -> Run:
    """Judge every drill of a stored run again and write its reports anew. Raises UsageError where `folder` is
    not a run's.
    """
    report_run.read_run(folder)
    run = Run(folder.parent, folder.name, [])
    run.folder = folder
    for recording in sorted(folder.glob("evidence/*/recording.jsonl"), key=lambda path: path.stat().st_mtime):
        run.add(judge(recording.parent))
    write_report(folder, run.verdicts, defects)
    return run
