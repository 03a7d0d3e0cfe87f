"""How often the symptoms that a section lists hold under its faults and only there. Flows in: the runbook's
symptoms, the faults with their sections, stored runs. Flows out: what was seen, and for each symptom a share.

The share of a symptom is, of all faults that are the section's or under which it holds, the part that is
both: 1 where it holds under each fault of its section and no other. Each fault counts once, however many
drills it has; one under which the symptom holds in some of its drills counts with that part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drill.judge.case import Case
from drill.judge.symptoms import SymptomHeld, symptom_holds
from drill.matrix.crossing import CrossedFault
from drill.matrix.stored import NO_FAULT, SEVERAL, stored_cases
from drill.runbook import ListedSymptom
from drill.runbook.document import NUMBERING
from drill.statistics import Interval, proportion_interval

LEAST_FAULTS = 3
"""Fewer of a section's own, or of the others, say nothing of how often."""


@dataclass(frozen=True)
class SymptomSeen:
    """A symptom in one drill."""

    symptom: ListedSymptom
    fault: str
    drill: str
    held: SymptomHeld


@dataclass(frozen=True)
class FaultsHeld:
    """Under which faults a symptom holds. `held`: fault -> the share of its decided drills in which it
    does."""

    held: Mapping[str, float]

    @property
    def count(self) -> int:
        """Faults with a drill that decides."""
        return len(self.held)

    @property
    def total(self) -> float:
        """Faults under which it holds."""
        return sum(self.held.values())


@dataclass(frozen=True)
class DiagnosisShare:
    """Of one symptom, or of a section's together. `own`, `others`: one a symptom; `undrilled`: the section's
    faults of which no drill decides; `share`, `interval`: None where there are too few faults to tell, and
    `would_tell` says what would."""

    own: tuple[FaultsHeld, ...]
    others: tuple[FaultsHeld, ...]
    undrilled: tuple[str, ...]
    share: float | None
    interval: Interval | None
    would_tell: str = ""


def symptoms_seen(symptoms: Sequence[ListedSymptom], reports: Path, target: str) -> list[SymptomSeen]:
    """Each symptom that a recording can tell, in each drill below `reports` of one fault or of none. Those of
    another target, those that were not carried out, and copies of kept controls are left out."""
    return symptoms_in(symptoms, stored_cases(reports, target))


def symptoms_in(
    symptoms: Sequence[ListedSymptom], cases: Iterable[tuple[str, str, Case]]
) -> list[SymptomSeen]:
    """The same in these drills. `cases`: fault, name and recording of each."""
    told = [each for each in symptoms if not each.untold]
    return [
        SymptomSeen(each, fault, drill, symptom_holds(case, each.measures, each.above))
        for fault, drill, case in cases
        if SEVERAL not in fault
        for each in told
    ]


def share_of(
    symptoms: Sequence[ListedSymptom], seen: Sequence[SymptomSeen], faults: Sequence[CrossedFault]
) -> DiagnosisShare:
    """Of the `symptoms` of one section together. `faults`: those that users feel; one of the section that
    nobody feels has no symptom that users could tell of."""
    section = _plain(symptoms[0].section)
    mine = {fault.name for fault in faults if _plain(fault.section) == section}
    felt = {fault.name for fault in faults} | {NO_FAULT}
    own, others, undrilled = [], [], set[str]()
    for symptom in symptoms:
        held = _held(symptom, seen)
        own.append(FaultsHeld({name: share for name, share in held.items() if name in mine}))
        others.append(FaultsHeld({name: share for name, share in held.items() if name in felt - mine}))
        undrilled |= mine - set(held)
    few = _too_few(own, others, sorted(undrilled))
    if few:
        return DiagnosisShare(tuple(own), tuple(others), tuple(sorted(undrilled)), None, None, few)
    right = sum(each.total for each in own)
    trials = sum(each.count for each in own) + sum(each.total for each in others)
    return DiagnosisShare(
        tuple(own),
        tuple(others),
        tuple(sorted(undrilled)),
        right / trials,
        # several symptoms of one fault are no several faults
        proportion_interval(right / len(symptoms), trials / len(symptoms)),
    )


def _held(symptom: ListedSymptom, seen: Sequence[SymptomSeen]) -> dict[str, float]:
    """Fault -> the share of its drills in which the symptom holds; only what was decided counts."""
    decided = defaultdict[str, list[bool]](list)
    for each in seen:
        if each.symptom == symptom and each.held.holding != "undecided":
            decided[each.fault].append(each.held.holding == "holds")
    return {fault: sum(drills) / len(drills) for fault, drills in decided.items()}


def _too_few(own: Sequence[FaultsHeld], others: Sequence[FaultsHeld], undrilled: Sequence[str]) -> str:
    """What would tell; empty where there are faults enough of both sides for each symptom."""
    least_own, least_others = min(each.count for each in own), min(each.count for each in others)
    if least_own >= LEAST_FAULTS and least_others >= LEAST_FAULTS:
        return ""
    if least_own < LEAST_FAULTS:
        wanted = f"drills of {', '.join(undrilled)}" if undrilled else "more faults of this section"
        return f"{least_own} of its faults decided, of {LEAST_FAULTS}; {wanted} would tell"
    return f"{least_others} faults of other sections decided, of {LEAST_FAULTS}; drills of more would tell"


def _plain(section: str) -> str:
    return NUMBERING.sub("", section)
