"""The runbook's checklists, and what proves each item. Flows in: a Runbook, and checklists.yaml beside it.
Flows out: the items in the order of the text, each with its proof; an InputError with file, line, value and
what would be right, also for an item that the runbook does not have.

An item that the file does not name is one that only people can do: it is attested.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drill.errors import InputError
from drill.reading import checked, is_there, read_yaml
from drill.runbook.document import PLACE_SEPARATOR, Runbook

FILE = "checklists.yaml"
TO_DO = re.compile(r"\[[ xX]\]\s+(?P<text>.+)")
Period = Literal["daily", "weekly", "monthly", "quarterly"]
PERIOD_DAYS: dict[Period, float] = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92}
GRACE_DAYS = 1.0
"""So much later than its period an item may be proven again."""


class ItemProof(BaseModel):
    """What proves an item: scenarios that all pass, or a command that ends with 0 within `seconds`. The
    command is started without a shell."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    scenarios: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    command: str = ""
    seconds: Annotated[float, Field(gt=0, le=3600, strict=True)] = 60.0

    @field_validator("command")
    @classmethod
    def _words(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError as error:
            raise ValueError(f"a command whose quotes are closed ({error})") from error
        if "\0" in value:
            raise ValueError("a command without control characters")
        return value

    @model_validator(mode="after")
    def _one(self) -> ItemProof:
        if bool(self.scenarios) == bool(self.command.strip()):
            raise ValueError("either scenarios or a command; an item that people attest is left out")
        return self


class ItemProofs(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    checklists: tuple[ItemProof, ...]


@dataclass(frozen=True)
class ChecklistItem:
    """`name`: the section's title and the text; `period`: None for a checklist of no period; `proof`: None
    where people attest it."""

    name: str
    line: int
    period: Period | None
    proof: ItemProof | None = None

    @property
    def most_days(self) -> float | None:
        """An older proof says nothing; None where the period is not known."""
        return None if self.period is None else PERIOD_DAYS[self.period] + GRACE_DAYS


def checklist_items(runbook: Runbook, file: Path | None = None) -> list[ChecklistItem]:
    """All of the runbook, with what `file` says of them, without it the one beside the runbook. Raises
    InputError for that."""
    file = file or runbook.path.with_name(FILE)
    proofs = _read(file, runbook) if is_there(file) else {}
    return [
        ChecklistItem(name, line, _period(name), proofs.get(name)) for name, line in _named_items(runbook)
    ]


def refuse_unknown_item(path: Path, line: int | None, item: str, known: Sequence[str]) -> None:
    """Raise InputError for an item that the runbook does not have."""
    if item not in known:
        near = difflib.get_close_matches(item, known, n=3, cutoff=0.3) or list(known)
        raise InputError(
            path, line, item, f"an item of a checklist of the runbook: {'; '.join(near) or 'it has none'}"
        )


def _read(file: Path, runbook: Runbook) -> dict[str, ItemProof]:
    document = read_yaml(file, "what proves the items of the runbook's checklists")
    known = [name for name, _ in _named_items(runbook)]
    found: dict[str, ItemProof] = {}
    for number, proof in enumerate(checked(file, document, ItemProofs).checklists):
        line = document.line_of(("checklists", number, "item"))
        refuse_unknown_item(file, line, proof.item, known)
        if proof.item in found:
            raise InputError(file, line, proof.item, "an item that is named once")
        found[proof.item] = proof
    return found


def _named_items(runbook: Runbook) -> list[tuple[str, int]]:
    return [
        (f"{item.section.title}{PLACE_SEPARATOR}{found['text']}", item.line)
        for item in runbook.items
        if (found := TO_DO.match(item.text))
    ]


def _period(name: str) -> Period | None:
    title = name.partition(PLACE_SEPARATOR)[0].casefold()
    return next((period for period in PERIOD_DAYS if period in title), None)
