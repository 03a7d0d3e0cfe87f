"""A drill that is not run again: a control that an earlier run measured stands for it. Its scenario's
sentences are gone through as ever; those that would act do nothing, those that ask are answered by the kept
recording."""

from __future__ import annotations

from pathlib import Path

from drill.conduct.book import Book
from drill.conduct.run import Run
from drill.conduct.scenario import Facts, Place
from drill.errors import UsageError
from drill.judge.verdict import DrillVerdict
from drill.recording.events import CommandFinished


class KeptDrill:
    """`verdict`: on the kept recording, as it was judged in this run; `folder`: its copy in this run."""

    def __init__(self, facts: Facts, book: Book, folder: Path, verdict: DrillVerdict) -> None:
        self.facts, self.book, self.folder, self.verdict = facts, book, folder, verdict

    def gate(self) -> None:
        """It was healthy then."""

    def start_load(self) -> None:
        """Users were there then."""

    def back_up(self) -> None:
        """A backup was made then."""

    def take_effect(self, fault: str) -> None:
        """It was broken then. Raises UsageError where it was not: another control was kept under this one's
        name.
        """
        if fault not in {seen.fault for seen in self.verdict.faults}:
            raise UsageError(f"the kept control {self.verdict.drill} does not have the fault {fault}")

    def look(self, place: Place) -> None:
        """Nobody looks in a control."""
        raise UsageError(f"{place.place}: nobody looks in a control")

    def wait_until_recovered(self) -> None:
        """It was watched then."""

    def hand_over_backup(self, name: str) -> None:
        """A control has no operator, so nobody holds anything."""

    def break_nothing(self) -> None:
        """A drill without a fault is no control of one."""
        raise UsageError(f"the kept control {self.verdict.drill} has a fault")

    def follow(self, place: Place) -> None:
        """Nobody acts in a control."""
        raise UsageError(f"{place.place}: nobody acts in a control")

    def add_to(self, run: Run) -> None:
        """It was added when it was brought, with its age."""

    def commands(self) -> list[CommandFinished]:
        """None: nobody acted."""
        return []
