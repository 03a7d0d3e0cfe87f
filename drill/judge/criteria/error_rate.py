"""How many requests failed in the window after. Flows in: a Case. Flows out: their rate, by a test that may
look again and again while the window lasts."""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, undecided
from drill.recording.events import Calibration
from drill.statistics import Held, hold, rate_bounds


def error_rate(case: Case) -> Answer:
    """Failed requests over all measured. With a limit of 0.1 %, none may fail in 3,291 requests for that to
    be said.
    """
    requests, settings = case.after, case.setup.settings
    count, failed = len(requests), int(requests.failed.sum())
    if count < settings.minimum_requests:
        return undecided(f"{count} requests, fewer than the minimum of {settings.minimum_requests}", count)
    limit = case.setup.limits["error_rate"].value
    interval = rate_bounds(failed, count, dispersion_of(case.calibration))
    why = f"{failed} of {count} requests failed; {assumption(case.calibration)}"
    return Answer(hold(interval, limit), why, failed / count, interval, count)


def error_rate_so_far(failed: int, count: int, limit: float, calibration: Calibration | None = None) -> Held:
    """Is the error rate decided yet, `failed` of `count` requests of the window after having failed?
    "inconclusive" while it is not. It may be asked as often as one likes: the bounds are right at all looks
    together."""
    return hold(rate_bounds(failed, count, dispersion_of(calibration)), limit)


def dispersion_of(calibration: Calibration | None) -> float:
    """Variance of failures over that of independent ones; 1 without calibration."""
    return max(1.0, calibration.dispersion) if calibration else 1.0


def assumption(calibration: Calibration | None) -> str:
    """What the interval rests on, in words."""
    if calibration is None:
        return "failures taken as independent: no calibration"
    return f"failures taken to come in bursts as in calibration (dispersion {dispersion_of(calibration):.2g})"


QUESTION = Question(
    "error_rate", "Error rate", error_rate, limit="error_rate", unit="ratio", needs=("window after",)
)
