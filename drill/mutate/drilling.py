"""Mutants under drills. Flows in: mutants, the scenarios that follow them, what is known so far. Flows out:
the state, with one more drill in it each time.

A scenario counts only after it was seen to end as it states with the corrected runbook, on the same cluster:
else every mutant would be caught. Each mutant meets the cheapest of its scenarios first, and the next only
where that one did not notice, after every other mutant has met its first.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, Protocol

from drill.conduct.scenario import folder_name
from drill.errors import SetupError
from drill.mutate.followers import Follower
from drill.mutate.mutant import Mutant
from drill.mutate.state import CORRECTED, Outcome, State, Tried, digest
from drill.mutate.workbench import REFUSED, Ran

Fate = Literal["caught", "refused", "survived", "undecided", "not run"]
OUTCOMES: dict[int, Outcome] = {
    0: "as expected",
    1: "not as expected",
    2: "inconclusive",
    REFUSED: "refused",
}
NOTICED: dict[Outcome, Fate] = {"not as expected": "caught", "refused": "refused"}
MOST_ERRORS = 2
"""So many drills in a row that could not be made end the work: the cluster is not fit. One drill is tried
so often."""


class Bench(Protocol):
    """What makes a drill: a Workbench."""

    def drill(self, text: str, follower: Follower, name: str) -> Ran:
        """Run one scenario with this text as the runbook."""


@dataclass(frozen=True)
class MutationPlan:
    """`text`: of the corrected runbook; `mutants`: those that are not equivalent; `target`: of drill.toml."""

    text: str
    mutants: tuple[Mutant, ...]
    followers: tuple[Follower, ...]
    target: str

    def basis(self, mutant: Mutant | None, follower: Follower) -> str:
        """A digest of all that a drill's outcome depends on, but the cluster and drill itself."""
        text = self.text if mutant is None else mutant.applied(self.text)
        return digest(text, self._features[follower], self.target)

    @cached_property
    def _features(self) -> dict[Follower, str]:
        return {each: each.file.read_text(encoding="utf-8") for each in self.followers}

    def scenarios_of(self, mutant: Mutant, state: State) -> list[Follower]:
        """The scenarios that follow a mutant, cheapest first: as measured, then by their sentences."""
        found = [each for each in self.followers if each.follows(mutant)]
        return sorted(found, key=lambda each: cost(each, state))

    def fit(self, follower: Follower, state: State) -> bool:
        """True where the scenario ended as it states with the corrected runbook."""
        tried = state.tried(CORRECTED, follower.scenario, self.basis(None, follower))
        return tried is not None and tried.outcome == "as expected"

    def applies(self, follower: Follower, state: State) -> bool:
        """False where the target was seen to lack what the scenario needs."""
        tried = state.tried(CORRECTED, follower.scenario, self.basis(None, follower))
        return tried is None or tried.outcome != "not applicable"

    def fate(self, mutant: Mutant, state: State) -> tuple[Fate, str]:
        """What became of a mutant, and the scenario that noticed. Survived: all scenarios that follow it and
        apply to the target are fit, were tried with it, and ended as they state. Refused: what the scenario
        states of the runbook does not fit its text any more, so it cannot be drilled; noticed as well."""
        tried = [
            (each, state.tried(mutant.id, each.scenario, self.basis(mutant, each)))
            for each in self.scenarios_of(mutant, state)
            if self.applies(each, state)
        ]
        for each, found in tried:
            if found is not None and found.outcome in NOTICED and self.fit(each, state):
                return NOTICED[found.outcome], each.scenario
        outcomes = {found.outcome if found is not None else "not run" for _, found in tried}
        if outcomes == {"as expected"} and all(self.fit(each, state) for each, _ in tried):
            return "survived", ""
        return ("not run" if outcomes <= {"not run", "error"} else "undecided"), ""


def cost(follower: Follower, state: State) -> tuple[bool, float, str]:
    """By this the cheapest comes first: measured seconds, else the number of sentences, behind all that were
    measured."""
    seconds = state.seconds(follower.scenario)
    return seconds is None, seconds if seconds is not None else float(follower.sentences), follower.scenario


def sample(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """So many of them, drawn at random: by a digest of the id and the seed, so that each seed always draws
    the same, and a larger count adds to a smaller one's."""
    drawn = sorted(mutants, key=lambda each: hashlib.sha256(f"{seed} {each.id}".encode()).digest())[:count]
    return [mutant for mutant in mutants if mutant in drawn]


class Drilling:
    """Work on mutants, until none is left or the time is up. `say`: told a line for each drill."""

    def __init__(self, plan: MutationPlan, state: State, bench: Bench, say: Callable[[str], None]) -> None:
        self._plan, self._state, self._bench, self._say = plan, state, bench, say
        self._errors = 0
        self._last: Ran | None = None
        self._ends_at = float("inf")
        self._failed: Counter[tuple[str, str]] = Counter()  # drills that could not be made in this run

    def work(self, mutants: Iterable[Mutant], minutes: float | None = None) -> bool:
        """Drill these, each with its cheapest scenario first, those that it did not catch with their next,
        and so on; False where the time was up before. No drill begins that would not end in time, as far as
        its length is known. Raises SetupError where drills cannot be made."""
        self._ends_at = time.monotonic() + minutes * 60 if minutes is not None else float("inf")
        order = {mutant: number for number, mutant in enumerate(mutants)}
        met = dict.fromkeys(order, 0)
        while met:
            # what is measured meanwhile changes which is the cheapest
            mutant = min(met, key=lambda each: (met[each], self._cheapest(each), order[each]))
            follower = self._next(mutant)
            if follower is None:
                del met[mutant]
                continue
            if not self._has_time(follower):
                return False
            met[mutant] += 1
            self._meet(mutant, follower)
        self._refuse()
        return True

    def _cheapest(self, mutant: Mutant) -> tuple[bool, float, str]:
        return cost(self._plan.scenarios_of(mutant, self._state)[0], self._state)

    def _next(self, mutant: Mutant) -> Follower | None:
        """The cheapest scenario whose answer on this mutant is wanted yet, None where there is none."""
        plan, state = self._plan, self._state
        if plan.fate(mutant, state)[0] in {"caught", "refused", "survived"}:
            return None
        for follower in plan.scenarios_of(mutant, state):
            wanted = [subject for subject in (None, mutant) if self._is_wanted(subject, follower)]
            if wanted and (None in wanted or plan.fit(follower, state)):
                return follower
        return None

    def _is_wanted(self, subject: Mutant | None, follower: Follower) -> bool:
        identity = subject.id if subject else CORRECTED
        if self._failed[identity, follower.scenario] >= MOST_ERRORS:
            return False
        known = self._state.tried(identity, follower.scenario, self._plan.basis(subject, follower))
        return known is None or known.outcome == "error"

    def _meet(self, mutant: Mutant, follower: Follower) -> None:
        """Drill the scenario with the corrected runbook, unless that is known, and with the mutant if it
        tells anything then."""
        if self._is_wanted(None, follower):
            self._try(None, follower)
        if self._plan.fit(follower, self._state) and self._has_time(follower):
            self._try(mutant, follower)

    def _has_time(self, follower: Follower) -> bool:
        seconds = self._state.seconds(follower.scenario) or 0.0
        return time.monotonic() + seconds < self._ends_at

    def _try(self, mutant: Mutant | None, follower: Follower) -> None:
        began = datetime.now().astimezone().isoformat(timespec="seconds")
        name = f"{mutant.id if mutant else 'corrected'}-{folder_name(follower.scenario)[:50]}"
        text = mutant.applied(self._plan.text) if mutant else self._plan.text
        ran = self._bench.drill(text, follower, name)
        outcome = OUTCOMES.get(ran.status, "error") if ran.applies else "not applicable"
        identity = mutant.id if mutant else CORRECTED
        basis = self._plan.basis(mutant, follower)
        self._state.add(
            Tried(
                identity,
                follower.scenario,
                basis,
                outcome,
                ran.status,
                round(ran.seconds, 1),
                str(ran.run),
                began,
            )
        )
        who = mutant.id if mutant else "corrected runbook"
        self._say(f"{who}: {follower.scenario}: {outcome} ({ran.seconds:.0f} s)")
        self._errors = self._errors + 1 if outcome == "error" else 0
        if outcome == "error":
            self._failed[identity, follower.scenario] += 1
        self._last = ran
        if self._errors >= MOST_ERRORS:
            self._refuse()

    def _refuse(self) -> None:
        """Raise SetupError where the last drills could not be made."""
        if self._errors and self._last is not None:
            raise SetupError(
                f"drills in a row that could not be made: {self._errors} (exit status {self._last.status}); "
                f"the last one, in {self._last.run}, said:\n{self._last.said}\nWhat was found until then is "
                "kept: put the cluster right and run this again"
            )
