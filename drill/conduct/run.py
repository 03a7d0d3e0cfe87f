"""One run of drills: its folder, its verdicts, its exit status.

Nothing here raises where the disk is full: what could not be written is kept as one message, and the exit
status is 3.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from drill.conduct.told import write_reports
from drill.errors import DrillError, SetupError, UsageError
from drill.judge.credit import with_credits
from drill.judge.verdict import DrillVerdict
from drill.report.words import summary_lines
from drill.run.facts import (
    FILE,
    Cluster,
    Facts,
    Finding,
    KeptFacts,
    Machine,
    Project,
    Role,
    ScenarioOutcome,
    StoredDrill,
    write_facts,
)
from drill.run.files import point_latest, unwritable
from drill.run.inputs import keep_inputs
from drill.run.manifest import write_manifest
from drill.run.outcome import SETUP, exit_status
from drill.run.stored import write_verdicts

LEFT_BY_A_USAGE_ERROR = frozenset({"allure", "junit.xml"})
"""What pytest's plugins make before a run of drills begins."""


class Run:
    """A run and its folder `reports`/`name`. Call `begin` once it is known what will be drilled, `add` for
    each verdict, `finish` at the end, whatever happened."""

    def __init__(self, reports: Path, name: str | None, command_line: Sequence[str]) -> None:
        """`name`: the time unless given. Raises UsageError where a run of that name exists: it is never added
        to."""
        started = datetime.now().astimezone()
        self.name = name or started.strftime("%Y%m%d-%H%M%S")
        self.folder = reports / self.name
        _refuse_existing(self.folder)
        place = self.folder if not self.folder.is_absolute() else Path(self.name)
        words = [Path(command_line[0]).name, *command_line[1:]] if command_line else []
        self.facts = Facts(
            run=self.name,
            started=started.isoformat(timespec="seconds"),
            target="",
            place=place.as_posix(),
            started_wall=started.timestamp(),
            command_line=shlex.join(words),
        )
        self.verdicts: list[DrillVerdict] = []
        self._begun = self._finished = False
        self.unwritten = ""
        """Why the run's files could not be written; empty while they could."""

    def claim(self) -> None:
        """Make the folder, into which pytest's plugins write too. Raises SetupError where that is not
        possible."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def begin(
        self,
        target: str,
        root: Path,
        inputs: Iterable[tuple[Role, Path]],
        not_selected: Sequence[str] = (),
        *,
        project: Project,
        machine: Machine,
        tools: dict[str, str],
    ) -> None:
        """Make the folder, and keep what the run is made with; see drill/conduct/record.py. Raises UsageError
        where another run took the name meanwhile, SetupError where nothing can be written: nothing is broken
        yet."""
        self.claim()
        try:
            with (self.folder / FILE).open("xb"):
                pass
        except FileExistsError as error:
            raise _taken(self.folder) from error
        except OSError as error:
            raise unwritable(self.folder, error) from error
        kept = keep_inputs(self.folder, root, inputs)
        self.facts = replace(
            self.facts,
            target=target,
            inputs=kept,
            not_selected=list(not_selected),
            project=project,
            machine=machine,
            tools=tools,
        )
        write_facts(self.folder, self.facts)
        self._begun = True

    def know_cluster(self, cluster: Cluster) -> None:
        """What the drills run on, once it is known."""
        self._update(replace(self.facts, cluster=cluster))

    def evidence(self, drill: str) -> Path:
        """The folder that a drill leaves. Raises SetupError where it cannot be made."""
        folder = self.folder / "evidence" / drill
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error
        return folder

    def add(self, verdict: DrillVerdict, kept: KeptFacts | None = None) -> DrillVerdict:
        """One more drill has been judged; again, where it was before. Controls give the drills of their fault
        their credit. `kept`: a control that an earlier run measured, whose copy lies in controls/. The
        verdict as it stands."""
        folder = f"{'controls' if kept else 'evidence'}/{verdict.drill}"
        verdict = replace(verdict, evidence=folder)
        others = [each for each in self.verdicts if each.drill != verdict.drill]
        self.verdicts = list(with_credits([*others, verdict]))
        stored = StoredDrill(verdict.drill, verdict.scenario, folder, kept)
        drills = [each for each in self.facts.drills if each.drill != verdict.drill]
        self._update(replace(self.facts, drills=[*drills, stored]))
        self._write(lambda: write_verdicts(self.folder, self.verdicts))
        return next(each for each in self.verdicts if each.drill == verdict.drill)

    def of(self, scenario: str) -> DrillVerdict | None:
        """The verdict on a scenario of this run, by its title."""
        return next((each for each in self.verdicts if each.scenario == scenario), None)

    def failure(self, scenario: str, what: str) -> None:
        """A scenario did not go as it states."""
        self._find(Finding("failure", scenario, self._inside(what)))

    def doubt(self, scenario: str, what: str) -> None:
        """A scenario could not be decided."""
        self._find(Finding("doubt", scenario, self._inside(what)))

    def trouble(self, what: str, scenario: str = "") -> None:
        """Something that is not the target's fault."""
        self._find(Finding("trouble", scenario, self._inside(what)))

    def ended(self, scenario: str, outcome: str) -> None:
        """How a scenario ended: passed, failed, inconclusive, setup, not applicable or kept."""
        self._update(
            replace(self.facts, scenarios=[*self.facts.scenarios, ScenarioOutcome(scenario, outcome)])
        )

    def could_not_write(self, error: OSError) -> None:
        """Something else, such as pytest's JUnit XML, could not be written into the run's folder."""
        self.unwritten = self.unwritten or str(unwritable(Path(error.filename or self.folder), error))

    def not_remembered(self, error: Exception) -> None:
        """The run could not be appended to the history; what it left in its folder stays."""
        self.unwritten = self.unwritten or f"{error} (drill history import {self.folder} takes it up later)"

    @property
    def kept(self) -> bool:
        """True where the run is over and all of its files were written."""
        return self._finished and not self.unwritten

    def exit_status(self) -> int:
        """0 all as expected, 1 otherwise, 2 inconclusive, 3 setup or usage error; 3 whatever the drills say
        where the run could not be written."""
        return SETUP if self.unwritten else exit_status(self.verdicts, self.facts.findings)

    def finish(self) -> int:
        """Write the reports and the manifest, let reports/latest lead here, and say the exit status. Never
        raises a DrillError: what cannot be written makes the status 3 and is named in `summary_lines`. Writes
        nothing where no run began."""
        if not self._begun or self._finished:
            return self.exit_status() if self._begun else SETUP
        self._finished = True
        try:
            self.facts = replace(self.facts, exit_status=self.exit_status())
            write_facts(self.folder, self.facts)
            write_verdicts(self.folder, self.verdicts)
            write_reports(self.folder, self.verdicts)
            write_manifest(self.folder)
            point_latest(self.folder)
        except DrillError as error:
            self.unwritten = self.unwritten or str(error)
        return self.exit_status()

    def summary_lines(self) -> list[str]:
        """The verdicts, one line each, what went wrong, and where to look."""
        lines = summary_lines(self.facts, self.verdicts)
        if self.unwritten:
            return [*lines, f"{'setup':>14}: {self.unwritten}"]
        if (self.folder / "index.html").exists():
            lines.append(f"report: {self.folder / 'index.html'}    judge again: drill judge {self.folder}")
        return lines

    def _find(self, finding: Finding) -> None:
        self._update(replace(self.facts, findings=[*self.facts.findings, finding]))

    def _update(self, facts: Facts) -> None:
        self.facts = facts
        self._write(lambda: write_facts(self.folder, facts))

    def _write(self, write: Callable[[], None]) -> None:
        if not self._begun:
            return  # a usage error leaves no folder
        try:
            write()
        except SetupError as error:
            self.unwritten = self.unwritten or str(error)

    def _inside(self, what: str) -> str:
        """Evidence is named as it lies in the run's folder, which may be moved."""
        for folder in (self.folder.resolve(), self.folder):
            what = what.replace(f"{folder}/", "")
        return what


def _refuse_existing(folder: Path) -> None:
    try:
        found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    except OSError as error:
        raise unwritable(folder, error) from error
    if found - LEFT_BY_A_USAGE_ERROR:
        raise _taken(folder)


def _taken(folder: Path) -> UsageError:
    return UsageError(
        f"{folder} exists: a run is never added to. Name another with --run, or move that folder away"
    )
