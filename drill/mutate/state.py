"""What is known of mutants so far. Flows in: what became of each drill. Flows out: the same after a kill or a
power cut, as far as it still holds: what was found with another text is set aside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from drill.durable import write_durably
from drill.errors import InputError, filling_disk

Outcome = Literal["as expected", "not as expected", "inconclusive", "not applicable", "refused", "error"]
VERSION = 1
CORRECTED = ""
"""Stands for the corrected runbook in the place of a mutant's id."""


class Tried(msgspec.Struct, frozen=True):
    """One scenario, drilled with one mutant. `mutant`: CORRECTED for the corrected runbook; `basis`: a digest
    of the runbook's text and of the feature and target file; `status`: the exit status; `run`: where its
    evidence lies; `began`: local time."""

    mutant: str
    scenario: str
    basis: str
    outcome: Outcome
    status: int
    seconds: float
    run: str
    began: str


class Read(msgspec.Struct, frozen=True):
    """What lint found in one mutant. `basis`: a digest of the mutated text; `rules`: those that find it."""

    mutant: str
    basis: str
    rules: tuple[str, ...]


class Known(msgspec.Struct, frozen=True):
    """The file. `sampled`: ids of the random sample that was drawn, empty where none was."""

    version: int = VERSION
    tried: tuple[Tried, ...] = ()
    read: tuple[Read, ...] = ()
    sampled: tuple[str, ...] = ()


class State:
    """The state in a file, on disk whenever a method returns."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.kept = _kept(file)

    def add(self, tried: Tried) -> None:
        """Keep what became of a drill, in the place of an earlier one of the same."""
        others = [
            each for each in self.kept.tried if (each.mutant, each.scenario) != (tried.mutant, tried.scenario)
        ]
        self._keep(msgspec.structs.replace(self.kept, tried=(*others, tried)))

    def read(self, found: Read) -> None:
        """Keep what lint found in a mutant, in the place of what it found there before."""
        others = [each for each in self.kept.read if each.mutant != found.mutant]
        self._keep(msgspec.structs.replace(self.kept, read=(*others, found)))

    def sample(self, identities: Iterable[str]) -> None:
        """Keep which mutants were drawn."""
        self._keep(msgspec.structs.replace(self.kept, sampled=tuple(identities)))

    def tried(self, mutant: str, scenario: str, basis: str) -> Tried | None:
        """What became of this drill with these texts; None where it was not tried with them."""
        return next(
            (
                each
                for each in self.kept.tried
                if (each.mutant, each.scenario, each.basis) == (mutant, scenario, basis)
            ),
            None,
        )

    def rules(self, mutant: str, basis: str) -> tuple[str, ...] | None:
        """What lint found in this text; None where it was not read."""
        return next(
            (each.rules for each in self.kept.read if (each.mutant, each.basis) == (mutant, basis)), None
        )

    def seconds(self, scenario: str) -> float | None:
        """How long a scenario takes, as measured: the mean. None where it was never drilled."""
        taken = [each.seconds for each in self.kept.tried if each.scenario == scenario]
        return sum(taken) / len(taken) if taken else None

    def _keep(self, kept: Known) -> None:
        with filling_disk(f"keep what became of mutants in {self.file}"):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_durably(self.file, msgspec.json.format(msgspec.json.encode(kept), indent=1))
        self.kept = kept


def digest(*texts: str) -> str:
    """One digest of several texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _kept(file: Path) -> Known:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return Known()
    expected = f"what `drill mutate` wrote, version {VERSION}; remove the file to begin anew"
    try:
        kept = msgspec.json.decode(data, type=Known)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(file, None, str(error), expected) from error
    if kept.version != VERSION:
        raise InputError(file, None, kept.version, expected)
    return kept
