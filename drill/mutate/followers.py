"""Which scenario follows which lines. Flows in: a folder of features and the runbook. Flows out: scenarios,
each with the lines of the corrected runbook that its operator carries out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.parser import FeatureParser
from pytest_bdd.scenario import make_python_name

from drill.conduct.book import step_at
from drill.conduct.checks import written_of
from drill.conduct.scenario import Written, facts_of
from drill.errors import InputError, UsageError
from drill.mutate.mutant import Mutant
from drill.runbook.document import Runbook


@dataclass(frozen=True)
class Follower:
    """A scenario. `file`: its feature; `lines`: of the corrected runbook, as first and last line of each
    place that it follows or looks at; `sentences`: how many it has, which tells what it costs until that is
    measured."""

    scenario: str
    file: Path
    lines: tuple[tuple[int, int], ...]
    sentences: int

    @property
    def test(self) -> str:
        """The name of the test that pytest-bdd makes of it."""
        return f"test_{make_python_name(self.scenario)}"

    def follows(self, mutant: Mutant) -> bool:
        """True where it carries out a line that the mutant changes."""
        return any(first <= mutant.last_line and mutant.line <= last for first, last in self.lines)


def followers(features: Path, runbook: Runbook) -> list[Follower]:
    """The scenarios of a folder that follow the corrected runbook. Raises UsageError where there is no
    feature, InputError for one that cannot be read or names a place that is not there."""
    files = sorted(features.rglob("*.feature"))
    if not files:
        raise UsageError(f"{features}: no feature in it. --features takes the folder of the scenarios")
    found: list[Follower] = []
    for file in files:
        for written in scenarios_in(file):
            facts = facts_of(written)
            places = [place for place in (*facts.procedures, *facts.looks) if not place.as_written]
            steps = [step_at(runbook, place.place) for place in places]
            lines = sorted({(step.line, step.line + step.text.count("\n") - 1) for step in steps})
            if lines:
                found.append(Follower(written.scenario, file, tuple(lines), len(written.sentences)))
    return found


def followed_lines(found: Sequence[Follower]) -> frozenset[int]:
    """All lines that any of them follows."""
    return frozenset(line for each in found for first, last in each.lines for line in range(first, last + 1))


def scenarios_in(file: Path) -> Iterator[Written]:
    """The scenarios of a feature, each row of examples one. Raises InputError where it cannot be read."""
    try:
        feature = FeatureParser(str(file.parent), file.name).parse()
    except GherkinParseError as error:
        raise InputError(file, error.line, error.line_content.strip(), error.message) from error
    for template in feature.scenarios.values():
        rows = [row for examples in template.examples for row in examples.as_contexts()]
        for row in rows or [{}]:
            yield written_of(template.render(row), set(template.tags) | set(feature.tags))
