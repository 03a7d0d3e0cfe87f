"""What a night found. Flows in: how its processes ended, the run that they left, the history. Flows out: a
Night, with one exit status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drill import present
from drill.checklist.state import ChecklistRow, checklist_rows
from drill.errors import DrillError, InputError, SetupError, UsageError
from drill.gate.command import decide_on
from drill.gate.decide import Decision
from drill.history.command import history_of, pieces_of
from drill.history.flaky import Flaky, flaky_drills, last_verdicts
from drill.history.proven import LastProven
from drill.history.store import PastDrill
from drill.judge.verdict import DrillVerdict
from drill.nightly.steps import NightStep
from drill.run.facts import FILE as RUN_FILE
from drill.run.facts import Facts, read_facts
from drill.run.outcome import FAIL, INCONCLUSIVE, PASS, SETUP, exit_status
from drill.run.stored import read_verdicts
from drill.settings import Settings

FIRST_APPLIES = (FAIL, SETUP, INCONCLUSIVE)


@dataclass(frozen=True)
class Night:
    """`facts`: None where the drills left no run; `decision`: of the gate, None where there was nothing to
    compare, and `undecided` says why; `troubles`: what could not be done; `last`: scenario -> verdicts of its
    last runs; `pieces`: when each of the runbook was last proven; `checklist`: its items as they
    stand, no command carried out."""

    run: str
    target: str
    steps: tuple[NightStep, ...] = ()
    facts: Facts | None = None
    verdicts: Sequence[DrillVerdict] = ()
    decision: Decision | None = None
    undecided: str = ""
    flaky: Sequence[Flaky] = ()
    last: dict[str, list[str]] = field(default_factory=dict)
    pieces: Sequence[LastProven] = ()
    checklist: Sequence[ChecklistRow] = ()
    troubles: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 all well; 1 a drill did not end as its scenario states, or a regression; 3 something could not be
        done; 2 something could not be decided, a flaky drill too. The first that applies in the order 1, 3,
        2."""
        found = {step.exit_status for step in self.steps}
        if self.facts is not None:
            found.add(exit_status(self.verdicts, self.facts.findings))
        found.add(self.decision.exit_status if self.decision else INCONCLUSIVE)
        if self.flaky:
            found.add(INCONCLUSIVE)
        if self.troubles or self.facts is None:
            found.add(SETUP)
        return next((status for status in FIRST_APPLIES if status in found), PASS)


def night_of(settings: Settings, folder: Path, reports: Path, steps: Sequence[NightStep] = ()) -> Night:
    """Read what the drills left in `folder`, remember it where that is still to do, and compare it with the
    runs before. What cannot be read is a trouble of the night, and does not end it."""
    name, target = folder.resolve().name, settings.target.name
    if not (folder / RUN_FILE).is_file():
        trouble = f"{folder}: the drills left no run"
        return Night(name, target, tuple(steps), undecided="there is no run", troubles=(trouble,))
    troubles: list[str] = []
    try:
        facts = read_facts(folder)
        verdicts = read_verdicts(folder, facts)
    except DrillError as error:
        return Night(name, target, tuple(steps), undecided="the run cannot be read", troubles=(str(error),))
    drills: list[PastDrill] = []
    pieces: list[LastProven] = []
    checklist: list[ChecklistRow] = []
    try:
        kept = history_of(settings, reports)
        kept.add(folder)
        drills = kept.drills(target)
        pieces = pieces_of(settings, drills)
        checklist = checklist_rows(settings, pieces, present.wall(), {})
    except DrillError as error:
        troubles.append(str(error))
    decision, undecided = None, "a run cannot be read"
    try:
        decision = decide_on(settings, [folder], [], reports)
    except (InputError, SetupError) as error:
        troubles.append(str(error))
    except UsageError as error:
        undecided = str(error)
    return Night(
        name,
        target,
        tuple(steps),
        facts,
        verdicts,
        decision,
        undecided,
        flaky_drills(drills, name),
        last_verdicts(drills, name),
        pieces,
        checklist,
        tuple(dict.fromkeys(troubles)),
    )
