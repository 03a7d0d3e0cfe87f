"""Did the procedure leave the target as it was? Flows in: a Case. Flows out: how many of its objects were not
as before the fault when all was over, but for what the scenario states to be changed.

A pod that nobody ended, an autoscaler made anew with half of its rules: users feel nothing of it today.
"""

from __future__ import annotations

import re

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, not_applicable, shortened, undecided
from drill.recording.events import TargetCompared


def left_behind(case: Case) -> Answer:
    """Fail where an object is left over, missing or changed and the scenario does not state it, and where
    what it states to be changed is not."""
    stated = case.setup.leaves
    if stated is None:
        return not_applicable("the scenario does not state what is left of the procedure")
    compared = case.first(TargetCompared)
    if compared is None:
        return undecided("the target was not compared with what it was before the fault")
    if compared.trouble:
        return undecided(f"the target could not be compared: {compared.trouble}")
    unstated = [
        line for line in compared.differences if not any(re.search(pattern, line) for pattern in stated)
    ]
    unseen = [
        pattern for pattern in stated if not any(re.search(pattern, line) for line in compared.differences)
    ]
    wrong = [*map(shortened, unstated), *(f"nothing is changed that holds {pattern!r}" for pattern in unseen)]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Answer("fail", f"{wrong[0]}{more}", float(len(wrong)), samples=len(compared.differences))
    why = f"as stated: {'; '.join(map(shortened, compared.differences))}" if stated else "all is as it was"
    return Answer("pass", why, 0.0, samples=len(compared.differences))


QUESTION = Question(
    "left_behind", "Left over, missing or changed", left_behind, own_limit=0.0, unit="differences"
)
