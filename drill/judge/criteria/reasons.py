"""Why a criterion cannot be judged at all. Flows in: a Case. Flows out: the Criterion that says so, or None
where it can be judged."""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.verdict import Criterion


def lacking(case: Case, name: str, parts: tuple[str, ...]) -> Criterion | None:
    """Not applicable where the target has no such part."""
    missing = [part for part in parts if part in case.setup.lacks]
    if not missing:
        return None
    return Criterion(name, "not applicable", why=f"the target has no {' and no '.join(missing)}")


def unlimited(case: Case, name: str) -> Criterion | None:
    """Not applicable where the runbook states no limit."""
    if name in case.setup.limits:
        return None
    return Criterion(name, "not applicable", why=f"the runbook states no limit for {name}")


def never_after(case: Case, name: str) -> Criterion | None:
    """Inconclusive where there is no window after, for the service was not restored."""
    if case.timeline.after is not None:
        return None
    return undecided(case, name, "the service was not restored, so there is no window after")


def undecided(case: Case, name: str, why: str, samples: int = 0) -> Criterion:
    """Inconclusive, with the limit that would have applied."""
    limit = case.setup.limits.get(name)
    if limit is None:
        return Criterion(name, "inconclusive", samples=samples, why=why)
    return Criterion(
        name,
        "inconclusive",
        limit=limit.value,
        unit=limit.unit,
        samples=samples,
        source=limit.source,
        why=why,
    )
