"""The symptoms that the runbook's sections list, and what a recording can tell of each. Flows in: a Runbook,
and symptoms.yaml beside it. Flows out: the symptoms in the order of the text; an InputError with file, line,
value and what would be right, also for a symptom that the runbook does not list.

A number in the symptom's own text ("> 5%", "> 1000ms") is read from there, and not stated a second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drill.errors import InputError
from drill.judge.symptoms import Measure
from drill.reading import checked, is_there, read_yaml
from drill.runbook.document import PLACE_SEPARATOR, Runbook, Section

FILE = "symptoms.yaml"
LABEL = re.compile(r"(?:\*\*|__)Symptoms?:?(?:\*\*|__):?\s*")
LIST_ENDS = re.compile(r"(?:\*\*|__|#|```|~~~)")
NUMBER = re.compile(r"(?:>|≥|>=|above|over)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>%|ms|s)", re.IGNORECASE)
UNITS = {"%": 0.01, "ms": 0.001, "s": 1.0}
NOT_STATED = f"{FILE} does not say what of a recording would tell"


class SymptomReading(BaseModel):
    """What tells a symptom: one of `measures` being `above` a number (ratio or seconds); or `untold`, why
    nothing that is recorded does. Without `above`: the number in the symptom's text, else the runbook's
    baseline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    symptom: str
    measures: tuple[Measure, ...] = ()
    above: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] | None = None
    untold: str = ""

    @model_validator(mode="after")
    def _one(self) -> SymptomReading:
        if bool(self.measures) == bool(self.untold.strip()):
            raise ValueError(f"either measures ({', '.join(get_args(Measure))}) or untold, and why")
        if self.untold and self.above is not None:
            raise ValueError("no number where nothing is measured")
        return self


class SymptomReadings(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    symptoms: tuple[SymptomReading, ...]


@dataclass(frozen=True)
class ListedSymptom:
    """`section`: its title; `above`: a ratio or seconds, None for the runbook's baseline; `untold`: why no
    drill can tell it, empty where one can."""

    section: str
    text: str
    line: int
    measures: tuple[Measure, ...] = ()
    above: float | None = None
    untold: str = NOT_STATED

    @property
    def name(self) -> str:
        """The section's title and the text."""
        return f"{self.section}{PLACE_SEPARATOR}{self.text}"


def listed_symptoms(runbook: Runbook, file: Path | None = None) -> list[ListedSymptom]:
    """All of the runbook, with what `file` says of them, without it the one beside the runbook. Raises
    InputError for that."""
    listed = list(_listed(runbook))
    file = file or runbook.path.with_name(FILE)
    readings = _read(file, listed) if is_there(file) else {}
    return [
        ListedSymptom(each.section, each.text, each.line, *readings[each.name])
        if each.name in readings
        else each
        for each in listed
    ]


def _listed(runbook: Runbook) -> Iterator[ListedSymptom]:
    """What is listed below the label "Symptoms", up to the next label, heading or block."""
    lines = runbook.path.read_text(encoding="utf-8").split("\n")
    for section in runbook.sections:
        for label in _labels(lines, section):
            end = next(
                (
                    line
                    for line in range(label + 1, section.last_line + 1)
                    if LIST_ENDS.match(lines[line - 1])
                ),
                section.last_line + 1,
            )
            for item in runbook.items:
                if item.section == section and label < item.line < end:
                    yield ListedSymptom(section.title, item.text, item.line)


def _labels(lines: list[str], section: Section) -> list[int]:
    return [
        number
        for number in range(section.line, section.last_line + 1)
        if LABEL.fullmatch(lines[number - 1].strip())
    ]


def _read(
    file: Path, listed: list[ListedSymptom]
) -> dict[str, tuple[tuple[Measure, ...], float | None, str]]:
    document = read_yaml(file, "what of a recording tells the symptoms that the runbook lists")
    known = [each.name for each in listed]
    found: dict[str, tuple[tuple[Measure, ...], float | None, str]] = {}
    for number, reading in enumerate(checked(file, document, SymptomReadings).symptoms):
        line = document.line_of(("symptoms", number, "symptom"))
        if reading.symptom not in known:
            offered = "; ".join(known) or "it lists none"
            raise InputError(file, line, reading.symptom, f"a symptom that the runbook lists: {offered}")
        if reading.symptom in found:
            raise InputError(file, line, reading.symptom, "a symptom that is named once")
        stated = NUMBER.search(reading.symptom.partition(PLACE_SEPARATOR)[2])
        if stated and reading.above is not None:
            raise InputError(
                file,
                document.line_of(("symptoms", number, "above")),
                f"{reading.above:g}",
                f"no number: the symptom itself states {stated[0]!r}",
            )
        above = float(stated["number"]) * UNITS[stated["unit"].lower()] if stated else reading.above
        found[reading.symptom] = reading.measures, above, reading.untold
    return found
