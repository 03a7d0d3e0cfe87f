"""Where in the runbook a drill belongs: its chapter, by which rows are ordered, and the sections that it
followed. Flows in: a run's folder, verdicts and recordings. Flows out: titles, each with its line in the
text.

A feature is named after its chapter. One that is not stands where the first section that its drills followed
stands, or after all others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drill.errors import InputError, UsageError
from drill.judge.verdict import DrillVerdict
from drill.recording import Event
from drill.recording.events import ProcedureStarted
from drill.run.facts import Facts
from drill.run.inputs import runbook_of, runbooks_of
from drill.runbook import Runbook


@dataclass(frozen=True)
class ChapterPlace:
    """A chapter or section. `line`: of its heading in the corrected text, None where that has none of this
    name."""

    title: str
    line: int | None

    @property
    def order(self) -> float:
        """By which they are sorted: as in the text, what is not in it last."""
        return math.inf if self.line is None else self.line


class Contents:
    """The headings of the run's runbook, the corrected one where it kept both."""

    def __init__(self, run_folder: Path, facts: Facts) -> None:
        texts = runbooks_of(facts)
        self._runbook = _read(run_folder, facts, texts[-1].name) if texts else None

    def place(self, title: str) -> ChapterPlace:
        """The section that a title names, number and severity aside."""
        if self._runbook is not None and title:
            try:
                section = self._runbook.section(title)
            except InputError:
                return ChapterPlace(title, None)
            return ChapterPlace(section.title, section.line)
        return ChapterPlace(title, None)


def chapters(
    contents: Contents, verdicts: Sequence[DrillVerdict], recordings: Mapping[str, Sequence[Event]]
) -> dict[str, ChapterPlace]:
    """Drill -> its chapter."""
    found: dict[str, ChapterPlace] = {}
    for feature in dict.fromkeys(verdict.feature for verdict in verdicts):
        drills = [verdict.drill for verdict in verdicts if verdict.feature == feature]
        chapter = contents.place(feature)
        if chapter.line is None:
            followed = [place for drill in drills for place in sections(contents, recordings.get(drill, ()))]
            first = min((place.line for place in followed if place.line is not None), default=None)
            chapter = ChapterPlace(feature or "Without a chapter", first)
        found.update(dict.fromkeys(drills, chapter))
    return found


def sections(contents: Contents, events: Sequence[Event]) -> list[ChapterPlace]:
    """The sections of which a drill followed blocks, each once."""
    titles = [event.data.section for event in events if isinstance(event.data, ProcedureStarted)]
    return list(dict.fromkeys(contents.place(title) for title in titles if title))


def _read(run_folder: Path, facts: Facts, name: str) -> Runbook | None:
    try:
        return runbook_of(run_folder, facts, name)
    except (InputError, UsageError):
        return None  # a text that is no runbook, or is gone: chapters are then in the order of the run
