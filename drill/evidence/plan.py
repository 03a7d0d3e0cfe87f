"""The plan of an exercise, and the seal that says when it was stated. Flows in: a YAML file that people
write, before the run. Flows out: the plan as data, and a signed envelope beside it.

The moment in the seal is this machine's clock, under the signature of whoever holds the key. Who wants more
than that puts the seal's digest where others date it: a ticket, a commit that was pushed, a timestamp
service.
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from drill.errors import InputError, UsageError
from drill.evidence.envelope import EnvelopeError, SignedFile, opened, sign
from drill.reading import checked, read_yaml
from drill.run.files import write_file
from drill.settings.section import Section, Text

SEALED = "https://drill.dev/evidence/plan/v1"
SUFFIX = ".seal.json"
Lines = Annotated[tuple[Text, ...], Field(min_length=1)]


class Objective(Section):
    """What is to be reached. `criterion`: of the drill's verdict that measures it, such as `recovered` or
    `data_age`; `at_most`: in its unit, seconds for those two; `line`: of the runbook that asks for it."""

    name: Text
    criterion: Text
    at_most: Annotated[float, Field(ge=0)] | None = None
    line: Annotated[int, Field(ge=1, strict=True)] | None = None


class PlannedScenario(Section):
    """A scenario's title as its feature has it, and why something of the kind is likely enough."""

    scenario: Text
    plausible: Text


class Person(Section):
    """Somebody who takes part."""

    name: Text
    role: Text


class PlanChange(Section):
    """What was changed in the plan, by whom."""

    day: date
    what: Text
    by: Text


class ExercisePlan(Section):
    """plan.yaml."""

    title: Text
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1)]
    scenarios: Annotated[tuple[PlannedScenario, ...], Field(min_length=1)]
    scope: Lines
    assumptions: Lines
    success: Lines
    """By what the exercise as a whole is called a success."""
    people: Annotated[tuple[Person, ...], Field(min_length=1)]
    place: Text
    next: date
    """When the next exercise is due."""
    changes: tuple[PlanChange, ...] = ()


class Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`stated_wall`: seconds since the epoch."""

    stated_wall: float


def read_plan(path: Path) -> ExercisePlan:
    """Raises UsageError where there is none, InputError with line and value where it is not right."""
    return checked(path, read_yaml(path, "the plan of an exercise"), ExercisePlan)


def seal_of(path: Path) -> Path:
    """Where the seal of a plan lies."""
    return path.with_name(path.name + SUFFIX)


def seal(path: Path, key: Ed25519PrivateKey, now_wall: float) -> Path:
    """State a plan now: write its seal beside it. Raises what `read_plan` raises, and UsageError where it was
    stated before: a plan that changes gets another name, or its seal is removed by hand."""
    read_plan(path)
    place = seal_of(path)
    if place.exists():
        raise UsageError(
            f"{place} exists: this plan was stated before. State a changed one under another name, and list "
            "the change in it"
        )
    content = sign([_subject(path)], SEALED, Sealed(now_wall), key)
    write_file(place, content)
    return place


def stated_wall(path: Path, key: Ed25519PublicKey) -> float:
    """When the plan was stated. Raises InputError where its seal does not hold, or is another text's."""
    place = seal_of(path)
    try:
        content = place.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{place}: no seal of this plan ({error.strerror}). State a plan before the run: drill "
            f"evidence plan {path}"
        ) from error
    try:
        subjects, sealed = opened(content, SEALED, Sealed, key)
    except EnvelopeError as error:
        raise InputError(place, None, "(its content)", f"the seal of a plan: {error}") from error
    if subjects != [_subject(path)]:
        raise InputError(
            path, None, "(its content)", f"the plan as it was stated: {place.name} is of another text"
        )
    return sealed.stated_wall


def _subject(path: Path) -> SignedFile:
    return SignedFile(path.name, {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
