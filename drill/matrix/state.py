"""What is known of crossings so far. Flows in: what became of each drill. Flows out: the same after a kill or
a power cut, as far as it still holds: what was found with another text is set aside."""

from __future__ import annotations

from pathlib import Path

import msgspec

from drill.durable import write_durably
from drill.errors import InputError, filling_disk
from drill.matrix.effect import CrossedSeen

VERSION = 1


class CrossedDrill(msgspec.Struct, frozen=True):
    """One drill. `basis`: a digest of the runbook, the scenario and the target's file; `seen`: None where it
    could not be made; `run`: where its evidence lies; `began`: local time; `taken_from`: the run of the kept
    control which stands for it, empty where it was drilled here."""

    scenario: str
    basis: str
    seen: CrossedSeen | None
    status: int
    seconds: float
    run: str
    began: str
    taken_from: str = ""


class CrossedKnown(msgspec.Struct, frozen=True):
    """The file."""

    version: int = VERSION
    drills: tuple[CrossedDrill, ...] = ()


class CrossedState:
    """The file in memory, and on disk whenever a method returns."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._known = _read(file)

    def add(self, drill: CrossedDrill) -> None:
        """Keep what became of a drill, in the place of an earlier one of the same."""
        others = [each for each in self._known.drills if each.scenario != drill.scenario]
        self._known = CrossedKnown(drills=(*others, drill))
        with filling_disk(f"keep what became of drills in {self.file}"):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_durably(self.file, msgspec.json.format(msgspec.json.encode(self._known), indent=1))

    def of(self, scenario: str, basis: str) -> CrossedDrill | None:
        """What became of this scenario with these texts; None where it was not drilled with them."""
        return next(
            (each for each in self._known.drills if (each.scenario, each.basis) == (scenario, basis)), None
        )

    @property
    def mean_seconds(self) -> float:
        """How long a drill takes; 0 where none was made."""
        taken = [each.seconds for each in self._known.drills if not each.taken_from]
        return sum(taken) / len(taken) if taken else 0.0


def _read(file: Path) -> CrossedKnown:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return CrossedKnown()
    expected = f"what `drill matrix` wrote, version {VERSION}; remove the file to begin anew"
    try:
        known = msgspec.json.decode(data, type=CrossedKnown)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(file, None, str(error), expected) from error
    if known.version != VERSION:
        raise InputError(file, None, known.version, expected)
    return known
