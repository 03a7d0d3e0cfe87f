"""Which defects of the runbook this run proves.

A defect is proven by the commands that were recorded, and by the criterion that its evidence names, not by a
verdict: a drill that failed for another reason proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drill.judge.verdict import DrillVerdict
from drill.recording import Event, all_of
from drill.recording.events import CommandFinished
from drill.runbook import Defect

SHOWN_CHARACTERS = 100_000
"""Of what a proving command printed, a page has room for so much of the end; the transcript has all."""


@dataclass(frozen=True)
class ProvingCommand:
    """A command that was recorded and is the evidence. `output`: the end of what it printed; `judged`: what
    the criterion says that is evidence too, empty where none is.
    """

    drill: str
    line: int
    command: str
    status: int
    interrupted: bool
    output: str
    judged: str


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
        written = [v for v in drills if _named(v, defect.as_written) or _tagged(v, defect)]
        commands = [
            found
            for verdict in written
            for found in _commands(defect, verdict, recordings.get(verdict.drill, ()))
        ]
        corrected = [v for v in drills if _named(v, defect.as_corrected)]
        proofs.append(Proof(defect, written, corrected, commands))
    return proofs


def proves_by_drill(proofs: Sequence[Proof]) -> dict[str, list[str]]:
    """Drill -> ids of the defects whose evidence it recorded, in the order of the errata."""
    found: dict[str, list[str]] = {}
    for proof in proofs:
        for drill in dict.fromkeys(command.drill for command in proof.commands):
            found.setdefault(drill, []).append(proof.defect.id)
    return found


def _named(verdict: DrillVerdict, name: str) -> bool:
    """True where the defect's entry names this drill or its scenario."""
    return name.strip().casefold() in {verdict.drill.casefold(), verdict.scenario.casefold()}


def _tagged(verdict: DrillVerdict, defect: Defect) -> bool:
    """True where the scenario is tagged with the defect: it follows the text as first written."""
    return defect.id in {tag.lstrip("@") for tag in verdict.tags}


def _commands(defect: Defect, verdict: DrillVerdict, events: Sequence[Event]) -> list[ProvingCommand]:
    """The recorded commands that hold the evidence; none unless the evidence is complete."""
    recorded = all_of(CommandFinished, events)
    failed = {each.name: f"{each.name}: {each.why}" for each in verdict.criteria if each.verdict == "fail"}
    if not defect.proven_by(recorded, failed):
        return []
    held = ((c, [piece for piece in defect.evidence if piece.holds(c)]) for c in recorded)
    return [
        ProvingCommand(
            verdict.drill,
            c.line,
            c.command,
            c.status,
            c.interrupted,
            c.output[-SHOWN_CHARACTERS:],
            "; ".join(failed[piece.criterion] for piece in pieces if piece.criterion),
        )
        for c, pieces in held
        if pieces
    ]
