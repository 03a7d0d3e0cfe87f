"""What a procedure did to users under a fault that is not its own. Flows in: what became of the drill, and of
the one in which nobody acted. Flows out: one word, and why.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from drill.judge.verdict import DrillVerdict

Effect = Literal["helps", "harmless", "worse", "undecided", "not run"]
OF_THE_TEXT = frozenset({"procedure", "diagnosis", "detected", "quiet", "resolved"})
"""Criteria that are about commands or alerts, not about users or data: where nobody acts commands are not
asked for, and who is served sooner calls nobody."""


class CrossedSeen(msgspec.Struct, frozen=True):
    """What is compared of a drill. `served`: whether users were, at the end of watching; None where that was
    not decided; `lost`: acknowledged writes, None where not counted; `failed`: criteria about users and data
    that fail; `why`: the verdict's own sentence."""

    served: bool | None
    recovered_seconds: float | None
    lost: int | None
    failed: tuple[str, ...]
    why: str = ""


def seen_in(verdict: DrillVerdict) -> CrossedSeen:
    """The same of a verdict."""
    recovered = next((each.verdict for each in verdict.criteria if each.name == "recovered"), "")
    served: bool | None = verdict.recovered_seconds is not None or not verdict.outages
    if verdict.verdict in ("setup", "not applicable") or recovered == "inconclusive":
        served = None
    failed = tuple(
        sorted(
            each.name for each in verdict.criteria if each.verdict == "fail" and each.name not in OF_THE_TEXT
        )
    )
    lost = verdict.writes.lost if verdict.writes is not None else None
    return CrossedSeen(served, verdict.recovered_seconds, lost, failed, verdict.why)


def effect(seen: CrossedSeen | None, alone: CrossedSeen | None) -> tuple[Effect, str]:
    """Worse: users are out who are served without it, or more writes are lost, or more criteria fail. Helps:
    users are served who are out without it. Harmless: neither."""
    if seen is None or alone is None:
        return "not run", ""
    if seen.served is None or alone.served is None:
        return "undecided", seen.why if seen.served is None else f"alone: {alone.why}"
    harm = _harm(seen, alone)
    if harm:
        return "worse", harm
    if seen.served and not alone.served:
        return "helps", "users are served, alone they stay out"
    return "harmless", "served as without it" if seen.served else "out as without it"


def _harm(seen: CrossedSeen, alone: CrossedSeen) -> str:
    """What is worse than where nobody acts; empty where nothing is."""
    if alone.served and not seen.served:
        return "users stay out, alone they are served"
    if seen.lost is not None and seen.lost > (alone.lost or 0):
        return f"{seen.lost} writes lost, alone {'unmeasured' if alone.lost is None else alone.lost}"
    if len(seen.failed) > len(alone.failed):
        return f"fails besides: {', '.join(name for name in seen.failed if name not in alone.failed)}"
    return ""
