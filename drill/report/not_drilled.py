"""Why a line of the runbook has no drill, where somebody has said so: not-drilled.yaml beside it. Flows in:
the file, and the texts. Flows out: the reason of each command, number and item that it names; an InputError
with file, line, value and what would be right, also for a line that is not there any more.

An entry names the text by its file's name and the section by its title; with `line` it is of what has that
line there, without of all in the section.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from drill.errors import InputError
from drill.lint.document import Document, Heading, read_document
from drill.reading import YamlDocument, checked, is_there, read_yaml
from drill.report.marks import units

FILE = "not-drilled.yaml"
Words = Annotated[str, Field(min_length=1, pattern=r"\S")]


class NamedReason(BaseModel):
    """One entry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Words
    section: Words
    line: Words | None = None
    reason: Words


class NamedReasons(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    not_drilled: tuple[NamedReason, ...]


@dataclass(frozen=True)
class Reason:
    """`said`: in words; `path`, `line`, `value`: where the file says so, for an error; no path where another
    file does."""

    said: str
    path: Path | None = None
    line: int = 0
    value: str = ""

    def refuse(self, mark: str, drills: Sequence[str]) -> None:
        """Raise InputError: drills have an answer by now, so the entry says what is not so any more."""
        if self.path is not None:
            by = ", ".join(drills) or "without a drill"
            raise InputError(
                self.path, self.line, self.value, f"no entry for what is {mark} ({by}): take it out"
            )


def read_not_drilled(path: Path, texts: Mapping[str, Document]) -> dict[str, dict[int, Reason]]:
    """Name of a text -> first line of each unit that has a reason -> the reason. `texts`: by the names of
    their files. Raises InputError."""
    document = read_yaml(path, "why lines of the runbook have no drill")
    found: dict[str, dict[int, Reason]] = {name: {} for name in texts}
    all_units = {name: units(text) for name, text in texts.items()}
    for number, entry in enumerate(checked(path, document, NamedReasons).not_drilled):
        place = _Place(path, document, number)
        text = texts.get(entry.text)
        if text is None:
            expected = f"the name of a text: {', '.join(texts) or 'none is there'}"
            raise place.wrong("text", entry.text, expected)
        key, value = ("section", entry.section) if entry.line is None else ("line", entry.line)
        for first in _named(place, entry, text, all_units[entry.text]):
            known = found[entry.text].get(first)
            if known is not None:
                raise place.wrong(key, value, f"a line that is named once: line {known.line} names it too")
            found[entry.text][first] = Reason(entry.reason, path, place.line_of(key), value)
    return found


def check_not_drilled(root: Path, *texts: Path | str | None) -> None:
    """Read the file beside the texts, where there is one. Raises InputError for what is not right in it."""
    paths = [root / text for text in texts if text is not None]
    file = paths[0].with_name(FILE)
    if is_there(file):
        read_not_drilled(file, {path.name: read_document(path) for path in paths})


@dataclass(frozen=True)
class _Place:
    """An entry of the file."""

    path: Path
    document: YamlDocument
    number: int

    def line_of(self, key: str) -> int:
        return self.document.line_of(("not_drilled", self.number, key))

    def wrong(self, key: str, value: str, expected: str) -> InputError:
        return InputError(self.path, self.line_of(key), value, expected)


def _named(place: _Place, entry: NamedReason, text: Document, all_units: Mapping[int, int]) -> list[int]:
    """First lines of the units that an entry is of, at least one. `all_units`: of the text."""
    heading = _section(place, entry, text)
    begin, end = text.section(heading)
    own = {number: first for number, first in all_units.items() if begin <= first <= end}
    named = {first for number, first in own.items() if entry.line in (None, text.lines[number - 1].strip())}
    if named:
        return sorted(named)
    if entry.line is None:
        raise place.wrong("section", entry.section, "a section with a command, a number or an item in it")
    lines = [text.lines[number - 1].strip() for number in own]
    near = "; ".join(difflib.get_close_matches(entry.line, lines, n=1, cutoff=0.0)) or "it has none"
    expected = f"a line of a command, number or item of {heading.title!r}, such as {near}"
    raise place.wrong("line", entry.line, expected)


def _section(place: _Place, entry: NamedReason, text: Document) -> Heading:
    headings = [heading for heading in text.headings if heading.title == entry.section]
    if len(headings) == 1:
        return headings[0]
    if headings:
        at = ", ".join(str(each.line) for each in headings)
        expected = f"a title that only one section of {entry.text} has; those at lines {at} share it"
    else:
        titles = [heading.title for heading in text.headings]
        near = difflib.get_close_matches(entry.section, titles, n=3, cutoff=0.3) or titles[:3]
        expected = f"the title of a section of {entry.text}: {'; '.join(near) or 'it has none'}"
    raise place.wrong("section", entry.section, expected)
