"""Crossings under drills. Flows in: crossings, and what is known so far. Flows out: the state, with one more
drill in it each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from drill.conduct.scenario import folder_name
from drill.errors import DrillError, SetupError
from drill.matrix.crossing import Crossing, follower_of
from drill.matrix.effect import CrossedSeen, Effect, effect, seen_in
from drill.matrix.order import in_order
from drill.matrix.state import CrossedDrill, CrossedState
from drill.mutate.drilling import MOST_ERRORS, Bench
from drill.mutate.state import digest
from drill.mutate.workbench import CAME_TO_NOTHING, Ran
from drill.run.facts import read_facts
from drill.run.stored import read_verdicts


@dataclass(frozen=True)
class CrossingPlan:
    """`text`: of the corrected runbook; `severity`: where nobody acts; `target`: of drill.toml, and of the
    runbook as first written where that is followed."""

    text: str
    crossings: tuple[Crossing, ...]
    severity: str
    target: str

    def known(self, crossing: Crossing, state: CrossedState) -> CrossedDrill | None:
        """What became of it with these texts."""
        return state.of(crossing.title, self.basis(crossing))

    def unknown(self, state: CrossedState) -> list[Crossing]:
        """Those of which nothing is known with these texts, or whose drill could not be made."""
        return [
            each for each in self.crossings if (known := self.known(each, state)) is None or not known.seen
        ]

    def unknown_alone(self, state: CrossedState) -> list[Crossing]:
        """Of these, those in which nobody acts, as far as a pair waits for one."""
        unknown = self.unknown(state)
        waiting = {each.fault for each in unknown if each.procedure is not None}
        return [each for each in unknown if each.procedure is None and each.fault in waiting]

    def basis(self, crossing: Crossing) -> str:
        """A digest of all that its outcome depends on, but the cluster and drill itself."""
        return digest(self.text, crossing.scenario(self.severity), self.target)

    def effect(self, crossing: Crossing, state: CrossedState) -> tuple[Effect, str]:
        """What it did to users, by comparison with nobody acting under the same fault."""
        alone = self.known(Crossing(crossing.fault, None), state)
        found = self.known(crossing, state)
        return effect(found.seen if found else None, alone.seen if alone else None)


def work(
    plan: CrossingPlan,
    state: CrossedState,
    bench: Bench,
    say: Callable[[str], None],
    minutes: float | None = None,
) -> bool:
    """Drill what is not known yet, in the order of order.py; False where the time was up before. No drill
    begins that would not end in time, as far as is known. Raises SetupError where drills cannot be made."""
    ends_at = time.monotonic() + minutes * 60 if minutes is not None else float("inf")
    unknown = set(plan.unknown(state))
    waiting = in_order(plan.crossings, unknown, lambda fault: Crossing(fault, None) not in unknown)
    say(outlook(waiting, state.mean_seconds, minutes))
    errors = 0
    for number, crossing in enumerate(waiting):
        if time.monotonic() + state.mean_seconds >= ends_at:
            return False
        began = datetime.now().astimezone().isoformat(timespec="seconds")
        ran = bench.drill(plan.text, follower_of(crossing), folder_name(crossing.title)[:60])
        seen = _seen(ran)
        drill = CrossedDrill(
            crossing.title, plan.basis(crossing), seen, ran.status, round(ran.seconds, 1), str(ran.run), began
        )
        state.add(drill)
        word, why = plan.effect(crossing, state) if crossing.procedure else _alone(seen)
        left = state.mean_seconds * (len(waiting) - number - 1) / 60
        budget = f", {max(0.0, ends_at - time.monotonic()) / 60:.0f} min to spend" if minutes else ""
        say(
            f"{number + 1} of {len(waiting)}: {crossing.title}: "
            f"{word if seen else 'could not be made'}{f' ({why})' if why else ''}; "
            f"{ran.seconds:.0f} s, about {left:.0f} min left{budget}"
        )
        errors = 0 if seen else errors + 1
        if errors >= MOST_ERRORS or (errors and crossing == waiting[-1]):
            _refuse(errors, ran)
    return True


def outlook(waiting: Sequence[Crossing], mean_seconds: float, minutes: float | None) -> str:
    """What is going to be drilled, and how long that takes."""
    alone = sum(each.procedure is None for each in waiting)
    counted = f"{len(waiting)} drills to make: {len(waiting) - alone} of procedures, {alone} of nobody acting"
    if not waiting:
        return counted
    if not mean_seconds:
        return f"{counted}; how long one takes is unmeasured until the first has ended"
    said = f"{counted}; about {len(waiting) * mean_seconds / 60:.0f} min, {mean_seconds:.0f} s each"
    if minutes is None:
        return said
    fits = min(len(waiting), int(minutes * 60 / mean_seconds))
    return f"{said}; in {minutes:g} min about {fits} of them"


def _alone(seen: CrossedSeen | None) -> tuple[str, str]:
    if seen is None or seen.served is None:
        return "undecided", seen.why if seen else ""
    return ("served" if seen.served else "out"), ""


def _seen(ran: Ran) -> CrossedSeen | None:
    """What the run's own verdict says; None where it has none."""
    if ran.status == CAME_TO_NOTHING:
        return None
    try:
        verdicts = read_verdicts(ran.run, read_facts(ran.run))
    except DrillError:
        return None
    found = [each for each in verdicts if each.verdict != "setup"]
    return seen_in(found[0]) if found else None


def _refuse(errors: int, ran: Ran) -> None:
    raise SetupError(
        f"drills in a row that could not be made: {errors} (exit status {ran.status}); the last one, in "
        f"{ran.run}, said:\n{ran.said}\nWhat was found until then is kept: put the cluster right and run "
        "this again"
    )
