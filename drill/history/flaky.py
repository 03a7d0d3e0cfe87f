"""Drills that cannot be relied on. Flows in: past drills. Flows out: those whose verdict differs among the
last runs of the same digests, with how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from drill.history.store import PastDrill, PastRun

LAST_RUNS = 10
SAYS_NOTHING = frozenset({"setup", "not applicable"})
"""Verdicts on the machine, or on nothing: they do not speak of the drill."""


@dataclass(frozen=True)
class Flaky:
    """`verdicts`: of the last runs of the same digests, oldest first; `usual`: the most frequent of them."""

    scenario: str
    verdicts: tuple[str, ...]
    usual: str

    @property
    def rate(self) -> float:
        """The share that was another than the usual."""
        return sum(each != self.usual for each in self.verdicts) / len(self.verdicts)

    @property
    def said(self) -> str:
        """Of the drill, in one line."""
        counted = ", ".join(f"{number} {verdict}" for verdict, number in Counter(self.verdicts).most_common())
        return f"flaky, {self.rate:.0%} of {len(self.verdicts)} runs of the same digests ({counted})"

    @property
    def text(self) -> str:
        """The same, with its name."""
        return f"{self.scenario}: {self.said}"


def flaky_drills(drills: Sequence[PastDrill], run: str) -> list[Flaky]:
    """Of the scenarios of the run of that name, the newest where several have it. `drills`: all, in order of
    time. Same digests: the images, the runbook and the other inputs are those of that run."""
    found = []
    newest = max((each.run.started_wall for each in drills if each.run.run == run), default=0.0)
    own = [each for each in drills if (each.run.run, each.run.started_wall) == (run, newest)]
    for tonight in filter(_counts, own):
        alike = [
            each
            for each in drills
            if each.scenario == tonight.scenario
            and _counts(each)
            and _same_digests(each.run, tonight.run)
            and each.run.started_wall <= tonight.run.started_wall
        ][-LAST_RUNS:]
        verdicts = tuple(each.verdict for each in alike)
        if len(set(verdicts)) > 1:
            found.append(Flaky(tonight.scenario, verdicts, Counter(verdicts).most_common(1)[0][0]))
    return found


def last_verdicts(drills: Sequence[PastDrill], run: str) -> dict[str, list[str]]:
    """Scenario -> verdicts of its last runs, oldest first, whatever changed; of the scenarios of that run."""
    wanted = dict.fromkeys(
        each.scenario for each in drills if each.run.run == run and not each.control and not each.kept_run
    )
    return {
        scenario: [
            each.verdict
            for each in drills
            if each.scenario == scenario and not each.control and not each.kept_run
        ][-LAST_RUNS:]
        for scenario in wanted
    }


def _counts(drill: PastDrill) -> bool:
    return not drill.control and not drill.kept_run and drill.verdict not in SAYS_NOTHING


def _same_digests(one: PastRun, other: PastRun) -> bool:
    return one.images == other.images and one.inputs == other.inputs
