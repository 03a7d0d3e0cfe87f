"""What is said of symptoms. Flows in: what was seen of them, the faults with their sections. Flows out: a
table fault x section, each symptom's share, and what no drill tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drill.matrix.crossing import CrossedFault
from drill.matrix.diagnosis import DiagnosisShare, FaultsHeld, SymptomSeen, share_of
from drill.matrix.stored import NO_FAULT
from drill.report.templates import markdown_cell
from drill.run.apart import SymptomShare, SymptomShares
from drill.runbook import ListedSymptom

ALL = "all of them"


def diagnosis_lines(
    symptoms: Sequence[ListedSymptom], seen: Sequence[SymptomSeen], faults: Sequence[CrossedFault]
) -> Iterator[str]:
    """As Markdown."""
    told = [each for each in symptoms if not each.untold]
    sections = list(dict.fromkeys(each.section for each in told))
    yield from _crossed(sections, seen, faults)
    yield ""
    yield "| section | symptom | under its faults | under others | share |"
    yield "|---|---|---|---|---|"
    for section in sections:
        mine = [each for each in told if each.section == section]
        for each in mine:
            yield _row(section, each.text, share_of([each], seen, faults))
        if len(mine) > 1:
            yield _row(section, ALL, share_of(mine, seen, faults))
    untold = [each for each in symptoms if each.untold]
    if untold:
        yield ""
    yield from (f"not told by any drill: {each.name} (line {each.line}): {each.untold}" for each in untold)


def symptom_shares(
    symptoms: Sequence[ListedSymptom], seen: Sequence[SymptomSeen], faults: Sequence[CrossedFault]
) -> SymptomShares:
    """The shares for the report of a run."""
    told = [each for each in symptoms if not each.untold]
    shares = []
    for section in dict.fromkeys(each.section for each in told):
        mine = [each for each in told if each.section == section]
        shares += [_measured(section, each.text, share_of([each], seen, faults)) for each in mine]
        if len(mine) > 1:
            shares.append(_measured(section, "", share_of(mine, seen, faults)))
    return SymptomShares(
        len({each.drill for each in seen}),
        shares,
        [f"{each.name} (line {each.line}): {each.untold}" for each in symptoms if each.untold],
    )


def _measured(section: str, text: str, share: DiagnosisShare) -> SymptomShare:
    own, others = (
        (sum(each.total for each in held), sum(each.count for each in held))
        for held in (share.own, share.others)
    )
    missing = f"decided by no drill: {', '.join(share.undrilled)}" if share.undrilled else ""
    why = share.would_tell or missing
    interval = None if share.interval is None else (share.interval[0], share.interval[1])
    return SymptomShare(section, text, own, others, share.share, interval, why)


def _crossed(
    sections: Sequence[str], seen: Sequence[SymptomSeen], faults: Sequence[CrossedFault]
) -> Iterator[str]:
    """How many of a section's symptoms hold, of those that were decided, over all drills of a fault."""
    yield f"| fault | its section | drills | {' | '.join(sections)} |"
    yield f"|---|---|---|{'---|' * len(sections)}"
    rows = [*((each.name, each.section) for each in faults), (NO_FAULT, "none")]
    for fault, own in rows:
        drills = len({each.drill for each in seen if each.fault == fault})
        cells = [
            _cell([each for each in seen if (each.fault, each.symptom.section) == (fault, section)])
            for section in sections
        ]
        yield f"| {fault} | {own} | {drills} | {' | '.join(cells)} |"


def _cell(seen: Sequence[SymptomSeen]) -> str:
    decided = [each.held.holding for each in seen if each.held.holding != "undecided"]
    if not decided:
        return "undecided" if seen else "-"
    return f"{decided.count('holds')} of {len(decided)}"


def _row(section: str, symptom: str, share: DiagnosisShare) -> str:
    cells = [section, symptom, _faults(share.own), _faults(share.others), _share(share)]
    return f"| {' | '.join(markdown_cell(cell) for cell in cells)} |"


def _faults(held: Sequence[FaultsHeld]) -> str:
    return f"{sum(each.total for each in held):.3g} of {sum(each.count for each in held)}"


def _share(share: DiagnosisShare) -> str:
    if share.share is None or share.interval is None:
        return f"inconclusive: {share.would_tell}"
    low, high = share.interval
    missing = f"; decided by no drill: {', '.join(share.undrilled)}" if share.undrilled else ""
    return f"{share.share:.0%} ({low:.0%} to {high:.0%}){missing}"
