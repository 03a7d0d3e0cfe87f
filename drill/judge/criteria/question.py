"""What a criterion is: its name and title, what it needs, and how it is answered. Flows in: a Case. Flows
out: a Criterion.

Each file beside this one makes one Question, named QUESTION; the folder's __init__ lists them. What a
question needs is stated in its record, so that its answer speaks of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from drill.judge.accounting import Stretch
from drill.judge.case import Case
from drill.judge.verdict import Criterion, Outcome
from drill.recording.events import Limit
from drill.statistics import Interval

LONGEST_SHOWN = 160
Need = Literal["window after", "data in reach", "a restored backup"]


class Answer(NamedTuple):
    """What was found. `value` and `interval` in the limit's unit, or in the question's own."""

    verdict: Outcome
    why: str
    value: float | None = None
    interval: Interval | None = None
    samples: int = 0


@dataclass(frozen=True)
class Question:
    """`name`: in data; `title`: for people; `limit`: the name of the runbook's limit that it is judged by,
    empty where it has one of its own: `own_limit` in `unit`; `unlimited`: what becomes of it where the
    runbook states none; `parts`: what drill.started may list as lacking; `needs`: what must have come; `ask`:
    finds the answer, given that all of this is there; `counts`: whether the drill's verdict depends on it in
    every drill. Alerts are another section's work than the procedure, so they count where they are stated."""

    name: str
    title: str
    ask: Callable[[Case], Answer]
    limit: str = ""
    unlimited: Literal["not applicable", "asked all the same"] = "not applicable"
    own_limit: float | None = None
    unit: str = ""
    parts: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    counts: Literal["always", "where the scenario speaks of alerts"] = "always"

    def counts_in(self, case: Case) -> bool:
        """True where the drill's verdict depends on the answer."""
        return self.counts == "always" or case.setup.alerts is not None

    def judge(self, case: Case) -> Criterion:
        """The answer, or why there is none."""
        limit = case.setup.limits.get(self.limit)
        answer = self._unanswerable(case, limit) or self.ask(case)
        if self.needs:
            answer = guarded(answer, doubt_of_recovery(case))  # whether it had come would be another answer
        applies = answer.verdict != "not applicable"
        return Criterion(
            name=self.name,
            title=self.title,
            verdict=answer.verdict,
            value=answer.value,
            limit=None if not applies else limit.value if limit else self.own_limit,
            unit=self.unit,
            interval=answer.interval,
            samples=answer.samples,
            source=limit.source if limit and applies else "",
            why=answer.why,
        )

    def failed_to_answer(self, error: Exception) -> Criterion:
        """A question that crashes is unknown, and costs nothing else."""
        why = f"the judge could not answer this: {type(error).__name__}: {error}"
        return Criterion(self.name, "inconclusive", title=self.title, why=why)

    def _unanswerable(self, case: Case, limit: Limit | None) -> Answer | None:
        missing = [part for part in self.parts if part in case.setup.lacks]
        if missing:
            return not_applicable(f"the target has no {' and no '.join(missing)}")
        if self.limit and limit is None and self.unlimited == "not applicable":
            return not_applicable(f"the runbook states no limit for {self.limit.replace('_', ' ')}")
        if "a restored backup" in self.needs and (not case.setup.restores or case.setup.control):
            return not_applicable("no backup is restored in this drill")
        if "window after" in self.needs and case.timeline.after is None:
            return undecided("users were not served for long enough, so there is no window after")
        if "data in reach" in self.needs and case.timeline.out_at_the_end:
            return undecided("users are out, so what is absent cannot be told from what is out of reach")
        return None


def not_applicable(why: str) -> Answer:
    """The question does not arise."""
    return Answer("not applicable", why)


def undecided(why: str, samples: int = 0) -> Answer:
    """The recording cannot tell."""
    return Answer("inconclusive", why, samples=samples)


def unmeasured_in(case: Case, start: float, end: float) -> str:
    """What was not measured in [start, end), in words; empty where all was."""
    return told(case, case.account.touching(start, end))


def doubt_of_recovery(case: Case) -> str:
    """What was not measured although users may have been out then: all but what lies within an outage."""
    since = case.timeline.origin or 0.0
    stretches = case.account.touching(since, case.timeline.watched[1])
    if case.timeline.recovered is None:
        return told(case, stretches)
    known = known_out_until(case, case.timeline.recovered)
    return told(case, [each for each in stretches if each.end > known])


def known_out_until(case: Case, recovered: float) -> float:
    """The last moment before that recovery of which anything is known: users were out then."""
    since = case.timeline.origin or 0.0
    last = case.account.measured.between(since, recovered)
    return float(last.planned[-1]) if len(last) else since


def told(case: Case, stretches: list[Stretch]) -> str:
    """Unmeasured stretches in words, in seconds since the origin."""
    if not stretches:
        return ""
    first, origin = stretches[0], case.timeline.origin or 0.0
    more = f" and in {len(stretches) - 1} more stretches" if len(stretches) > 1 else ""
    slots = sum(each.slots for each in stretches)
    stretch = f"from {first.start - origin:+.1f} s to {first.end - origin:+.1f} s"
    return f"{slots} planned requests unmeasured {stretch}{more} ({first.what})"


def shortened(line: str) -> str:
    """A line of what a command printed, or the like, as an answer quotes it."""
    return line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 3]}..."


def guarded(answer: Answer, unmeasured: str) -> Answer:
    """A pass that rests on a window which was not measured whole is none; a failure that was measured is
    one, and what does not apply does not apply to any part of it.
    """
    if answer.verdict in ("fail", "not applicable") or not unmeasured:
        return answer
    return answer._replace(verdict="inconclusive", why=f"{unmeasured}; of the rest: {answer.why}")
