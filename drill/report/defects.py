"""Which defects of the runbook this run proves. Flows in: the errata, the verdicts, the recordings. Flows
out: one Proof a defect.

A defect is proven by the commands that were recorded, not by a verdict: a drill that failed for another
reason proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import asdict

from drill.judge.verdict import DrillVerdict
from drill.recording import Event
from drill.recording.events import CommandFinished
from drill.runbook import Defect


@dataclass(frozen=True)
class ProvingCommand:
    """A command that was recorded and is the evidence. `output`: its end, as far as it was kept."""

    drill: str
    line: int
    command: str
    status: int
    interrupted: bool
    output: str


@dataclass(frozen=True)
class Proof:
    """A defect and what this run has to say of it. `written`, `corrected`: the drills that follow the text as
    it was and as it is now.
    """

    defect: Defect
    written: list[DrillVerdict]
    corrected: list[DrillVerdict]
    commands: list[ProvingCommand]

    @property
    def verdict(self) -> str:
        """In words: is the defect proven, and does its correction work?"""
        if not self.written and not self.corrected:
            return "not drilled in this run"
        defect = (
            "proven"
            if self.commands
            else "not proven: the evidence was not recorded"
            if self.written
            else "not drilled as written"
        )
        works = bool(self.corrected) and all(verdict.verdict == "pass" for verdict in self.corrected)
        correction = (
            "; corrected, it passes" if works else "; corrected, it does not pass" if self.corrected else ""
        )
        return defect + correction


def prove(
    errata: Sequence[Defect], verdicts: Sequence[DrillVerdict], recordings: Mapping[str, Sequence[Event]]
) -> list[Proof]:
    """One Proof a defect, in the order of the errata. `recordings`: events by drill."""
    drills = [verdict for verdict in verdicts if not verdict.control]
    proofs = []
    for defect in errata:
        written = [verdict for verdict in drills if _shows(verdict, defect, defect.as_written, "fail")]
        commands = [
            found
            for verdict in written
            for found in _commands(defect, verdict.drill, recordings.get(verdict.drill, ()))
        ]
        corrected = [verdict for verdict in drills if _shows(verdict, defect, defect.as_corrected, "pass")]
        proofs.append(Proof(defect, written, corrected, commands))
    return proofs


def _shows(verdict: DrillVerdict, defect: Defect, name: str, expected: str) -> bool:
    """True where the defect's entry names this drill or its scenario, or the scenario is tagged with the
    defect and expected to end so.
    """
    named = name.strip().casefold() in {verdict.drill.casefold(), verdict.scenario.casefold()}
    return named or (verdict.expected == expected and defect.id in {tag.lstrip("@") for tag in verdict.tags})


def _commands(defect: Defect, drill: str, events: Sequence[Event]) -> list[ProvingCommand]:
    """The recorded commands that hold the evidence; none unless the evidence is complete."""
    recorded = [event.data for event in events if isinstance(event.data, CommandFinished)]
    if not defect.proven_by([asdict(command) for command in recorded]):
        return []
    return [
        ProvingCommand(drill, c.line, c.command, c.status, c.interrupted, c.output)
        for c in recorded
        if any(piece.holds(asdict(c)) for piece in defect.evidence)
    ]
