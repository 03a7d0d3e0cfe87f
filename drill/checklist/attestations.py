"""attestations.yaml: what people did, with name and date. Flows in: the file, written by `drill checklist
attest` and edited by people. Flows out: records, or an InputError with file, line, value and what would be
right."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from drill.durable import sync_folder, write_durably
from drill.errors import InputError
from drill.reading import checked, is_there, read_yaml
from drill.run.files import unwritable
from drill.runbook.checklists import refuse_unknown_item
from drill.settings.section import Section, Text

HEADER = """\
# What people did of the runbook's checklists. `drill checklist attest` appends; the rest is yours to edit.
attestations:
"""
READABLE = 0o644


class Attestation(Section):
    """`date`: when it was done (UTC); `days`: so long that holds."""

    item: Text
    name: Text
    date: datetime.date
    days: Annotated[int, Field(gt=0, le=3_650, strict=True)]

    @property
    def last_day(self) -> datetime.date:
        """The last on which it holds."""
        return self.date + datetime.timedelta(days=self.days)


class Attestations(Section):
    """The file."""

    attestations: tuple[Attestation, ...] = ()


def read_attestations(path: Path, known: Sequence[str], today: datetime.date) -> list[Attestation]:
    """None where there is no file yet. `known`: names of items. Raises InputError, also for an item that the
    runbook does not have, and for a day that has not come."""
    if not is_there(path):
        return []
    document = read_yaml(path, "what people did: attestations.yaml")
    if document.data == {"attestations": None}:
        return []
    found = checked(path, document, Attestations).attestations
    for number, each in enumerate(found):
        place = ("attestations", number)
        refuse_unknown_item(path, document.line_of((*place, "item")), each.item, known)
        if each.date > today:
            line = document.line_of((*place, "date"))
            raise InputError(path, line, str(each.date), f"a day that has come, {today} at the latest")
    return list(found)


def append_attestation(
    path: Path, attestation: Attestation, known: Sequence[str], today: datetime.date
) -> None:
    """Write one more, so that it is on disk when this returns; all else in the file, comments too, stays as
    people wrote it. Raises InputError where the file has a form that this cannot be written into, SetupError
    where it cannot be written; either leaves it as it is."""
    before = read_attestations(path, known, today)
    text = path.read_bytes().decode("utf-8") if path.exists() else HEADER
    entry = yaml.safe_dump(
        [attestation.model_dump(mode="python")], sort_keys=False, allow_unicode=True, width=1000
    )
    draft = path.with_name(f".{path.name}.draft")
    try:
        write_durably(draft, ((text if text.endswith("\n") else text + "\n") + entry).encode())
        draft.chmod(path.stat().st_mode & 0o777 if path.exists() else READABLE)
        if not _says(draft, [*before, attestation], known, today):
            expected = "a list below attestations: at the beginning of the line, and nothing after it"
            raise InputError(path, None, "(its form)", expected)
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def _says(draft: Path, expected: list[Attestation], known: Sequence[str], today: datetime.date) -> bool:
    try:
        return read_attestations(draft, known, today) == expected
    except InputError:
        return False  # the one reason that there can be is the form of what was there before
