"""Procedures and faults crossed. Flows in: a folder of features, a runbook, the experiments. Flows out: for
each pair of a fault and a procedure of another section a scenario, and for each fault one in which nobody
acts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from parse import parse

from drill.conduct.book import step_at
from drill.conduct.scenario import BACKED_UP, EXPECT_FAIL, LOAD, NOBODY, PREPARATIONS, facts_of, place_of
from drill.errors import UsageError
from drill.lint.document import Document
from drill.lint.subject import Subject
from drill.mutate.followers import Follower, scenarios_in
from drill.mutate.operators import LOOKS, WAITS
from drill.runbook.document import SEVERITY, Runbook, Section, Step

FOLDER = "crossed"
"""Where the scenarios go, in a copy of the target's folder."""
TESTS = """from pathlib import Path

from pytest_bdd import scenarios

scenarios(str(Path(__file__).parent))
"""
CHANGES_NOTHING = (
    LOOKS | WAITS | {"exec", "port-forward", "version", "explain", "diff", "auth can-i", "api-resources"}
)


@dataclass(frozen=True)
class CrossedProcedure:
    """What the operator of a scenario follows. `title`: of that scenario; `sections`: the headings that its
    places stand under; `before`: what the scenario wants at hand before the fault; `follows`: its sentences;
    `line`, `chapter_line`: of the headings of its section and chapter; `repairs`: how many of its places in
    its section have a command that changes the cluster."""

    title: str
    sections: tuple[str, ...]
    severity: str
    before: tuple[str, ...]
    follows: tuple[str, ...]
    line: int = 0
    chapter_line: int = 0
    repairs: int = 0

    @property
    def section(self) -> str:
        """That of the last place, which is the one that acts."""
        return self.sections[-1]

    @property
    def emergency(self) -> bool:
        """True where the heading of its section states a severity."""
        return SEVERITY.search(self.section) is not None

    @property
    def places(self) -> int:
        """How many of its section it follows."""
        return self.sections.count(self.section)


@dataclass(frozen=True)
class CrossedFault:
    """A fault. `section`: that claims to repair it; `of_backup`: it hits a backup, so one has to be made."""

    name: str
    section: str
    of_backup: bool = False


@dataclass(frozen=True)
class Crossing:
    """A fault, and who acts under it; nobody where `procedure` is None. `rank`: of its procedure among those
    of the same section under this fault, 0 for the one that stands for the section."""

    fault: CrossedFault
    procedure: CrossedProcedure | None
    rank: int = 0

    @property
    def title(self) -> str:
        """Of its scenario."""
        who = f"the procedure of {self.procedure.title!r}" if self.procedure else "nobody"
        return f"Under {self.fault.name} acts {who}".replace("'", "")

    def scenario(self, severity: str) -> str:
        """Its scenario, as a feature has it."""
        backed_up = [BACKED_UP] if self.fault.of_backup else []
        before = dict.fromkeys([*backed_up, *(self.procedure.before if self.procedure else ())])
        acts = self.procedure.follows if self.procedure else (NOBODY,)
        lines = [
            f"  @{severity}",
            f"  Scenario: {self.title}",
            "    Given the target is healthy",
            f"    And {LOAD}",
            *(f"    And {each}" for each in before),
            f'    When the fault "{self.fault.name}" takes effect',
            *(f"    And {each}" for each in acts),
        ]
        return "\n".join(lines) + "\n"


def procedures_of(
    features: Path, runbook: Runbook, document: Document, *, as_written: bool
) -> list[CrossedProcedure]:
    """The procedures that scenarios follow under a fault, each once, in the order of the features. Of the
    corrected runbook only those that are stated to bring the service back; `as_written`: of the text as first
    written, whatever is stated of them."""
    found: dict[tuple[str, ...], CrossedProcedure] = {}
    changes = changing_lines(document)
    for file in sorted(features.rglob("*.feature")):
        for written in scenarios_in(file):
            facts = facts_of(written)
            places = [place for place in facts.procedures if place.as_written == as_written]
            fails = EXPECT_FAIL in facts.tags and not as_written
            if (
                not facts.faults
                or facts.control
                or fails
                or not places
                or len(places) < len(facts.procedures)
            ):
                continue
            texts = [sentence.text for sentence in written.sentences]
            follows = tuple(text for text in texts if place_of(text) is not None)
            before = tuple(text for text in texts if any(parse(known, text) for known in PREPARATIONS))
            steps = [step_at(runbook, place.place) for place in places]
            sections = tuple(heading_at(document, step.line) for step in steps)
            acting = [step for step in steps if changes & _lines_of(step)]
            procedure = CrossedProcedure(
                written.scenario,
                sections,
                facts.severity,
                before,
                follows,
                line=steps[-1].section.line,
                chapter_line=chapter_line(runbook, steps[-1].section),
                repairs=len({step.line for step in acting if step.section == steps[-1].section}),
            )
            found.setdefault(follows, procedure)
    if not found:
        raise UsageError(
            f"{features}: no scenario follows a procedure under a fault: there is nothing to cross"
        )
    return list(found.values())


def heading_at(document: Document, line: int) -> str:
    """The heading that a line stands under; empty where there is none."""
    return next((each.title for each in reversed(document.headings) if each.line <= line), "")


def changing_lines(document: Document) -> frozenset[int]:
    """The lines on which a command of kubectl begins that changes the cluster. What a program does inside a
    container is not known, and counts as looking."""
    calls = (call for call in Subject(document).calls if call.verb not in CHANGES_NOTHING)
    return frozenset(call.command.span.line for call in calls)


def chapter_line(runbook: Runbook, section: Section) -> int:
    """The line of the heading of its chapter, the outermost below the title of the whole text."""
    outer = [each for each in runbook.sections if each.path == section.path[: len(each.path)]]
    outer = [each for each in outer if each.line <= section.line]
    return next((each.line for each in outer if len(each.path) == min(2, len(section.path))), section.line)


def _lines_of(step: Step) -> set[int]:
    return set(range(step.line, step.line + step.text.count("\n") + 1))


def crossed(faults: Iterable[CrossedFault], procedures: Sequence[CrossedProcedure]) -> list[Crossing]:
    """Fault by fault: first nobody, then each procedure of another section, in the order of the text. Of one
    section first the procedure that stands for it: the one that follows most of its places that change the
    cluster; of equals that which follows most of its places, then the first."""
    ranked = sorted(procedures, key=lambda each: (each.line, -each.repairs, -each.places))
    found = []
    for fault in faults:
        found.append(Crossing(fault, None))
        ranks: Counter[str] = Counter()
        for procedure in ranked:
            if fault.section not in procedure.sections:
                found.append(Crossing(fault, procedure, ranks[procedure.section]))
                ranks[procedure.section] += 1
    return found


def files_of(crossings: Sequence[Crossing], severity: str) -> dict[Path, str]:
    """The features and their tests, a folder for each fault, so that a drill collects few of them.
    `severity`: where nobody acts."""
    features: dict[str, list[str]] = {}
    for each in crossings:
        tag = each.procedure.severity if each.procedure and each.procedure.severity else severity
        features.setdefault(each.fault.name, []).append(each.scenario(tag))
    files = {}
    for fault, scenarios in features.items():
        folder = Path(FOLDER) / fault
        files[folder / "crossed.feature"] = f"Feature: Wrong section, {fault}\n\n" + "\n".join(scenarios)
        files[folder / f"test_crossed_{fault.replace('-', '_')}.py"] = TESTS
    return files


def follower_of(crossing: Crossing) -> Follower:
    """What a workbench is asked to drill."""
    return Follower(crossing.title, Path(FOLDER) / crossing.fault.name / "crossed.feature", (), 0)
