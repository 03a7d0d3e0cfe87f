"""What a row says: the word that a reader wants to know of a drill, not whether a box is green."""

from __future__ import annotations

from collections.abc import Sequence

from drill.judge.verdict import DrillVerdict
from drill.run.facts import Facts
from drill.run.outcome import as_expected


def summary_lines(facts: Facts, verdicts: Sequence[DrillVerdict]) -> list[str]:
    """The verdicts, one line each, and what went wrong beside them."""
    lines = []
    for each in verdicts:
        took = f", restored after {each.restored_seconds:.1f} s" if each.restored_seconds is not None else ""
        credit = "" if each.control or each.verdict == "not applicable" else f", repaired by: {each.credit}"
        mark = "as expected" if as_expected(each) else f"expected {each.expected}"
        mark = "neither passed nor failed" if each.verdict == "not applicable" else mark
        lines.append(f"{each.verdict:>14} ({mark}): {each.scenario}{took}{credit}")
        if not as_expected(each) or each.verdict == "not applicable":
            lines.append(f"{'':>14}  {each.why}")
    named = {"failure": "fail", "doubt": "inconclusive", "trouble": "setup"}
    return lines + [f"{named[finding.kind]:>14}: {finding.text}" for finding in facts.findings]
