"""What a script answers, line by line, against the truth. Flows in: a Case, and what a line of a script says
in which words. Flows out: right, wrong or silent for each time that the script was followed.

The truth is the recording's: whether users were out while the line was made, and what the platform showed of
the fault. What it showed is no truth any more once users are served again or somebody has changed something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from drill.judge.case import Case
from drill.judge.followed import Followed, followed
from drill.judge.outages import Outage
from drill.judge.symptoms import as_found

Answered = Literal["right", "wrong", "silent"]


@dataclass(frozen=True)
class ScriptLine:
    """One thing that a script tells. `script`: the section's title; `well`, `unwell`: what it prints, as
    patterns of a line; without `well` it prints nothing where all is well; `users`: it is to say unwell while
    users are so; `witness`: or while the fault is one whose witness this pattern is found in; `keeps_past`:
    it looks back, so that what is over counts, and of a time before the drill nothing is known."""

    script: str
    name: str
    unwell: str
    well: str = ""
    users: Literal["failed", "slow", ""] = ""
    witness: str = ""
    keeps_past: bool = False


class ScriptAnswer(NamedTuple):
    """`healthy`: it was followed before anything was broken; `said`: the line that decided, empty where none
    did."""

    line: ScriptLine
    healthy: bool
    answered: Answered
    said: str


def script_answers(
    case: Case, lines: Sequence[ScriptLine], witnesses: Mapping[str, str], *, as_written: bool
) -> Iterator[ScriptAnswer]:
    """Every time that a script was followed, on the healthy target too. `witnesses`: fault -> what the
    platform shows, in words; times of which the truth is not known are left out."""
    for events, healthy in ((case.looked, True), (case.events, False)):
        for ran in _times(list(followed(events))):
            block = ran[0].block
            for line in lines:
                if line.script == block.section and block.as_written == as_written:
                    truth = _of_healthy(line) if healthy else _truth(case, line, ran, witnesses)
                    if truth is not None:
                        yield ScriptAnswer(line, healthy, *_answered(line, ran, truth))


def _times(ran: Sequence[Followed]) -> Iterator[list[Followed]]:
    """The commands of each time that a block was followed."""
    for begun in dict.fromkeys(each.begun for each in ran):
        yield [each for each in ran if each.begun == begun]


def _answered(line: ScriptLine, ran: Sequence[Followed], truth: str) -> tuple[Answered, str]:
    printed = [text.rstrip() for each in ran for text in each.command.output.splitlines()]
    unwell = [text for text in printed if re.search(line.unwell, text)]
    well = [text for text in printed if line.well and re.search(line.well, text)]
    if unwell:
        return ("right" if truth == "unwell" else "wrong"), unwell[0]
    if well:
        return ("right" if truth == "well" else "wrong"), well[0]
    return ("right" if truth == "well" and not line.well else "silent"), ""


def _of_healthy(line: ScriptLine) -> Literal["well"] | None:
    return None if line.keeps_past else "well"


def _truth(
    case: Case, line: ScriptLine, ran: Sequence[Followed], witnesses: Mapping[str, str]
) -> Literal["well", "unwell"] | None:
    """None where it is not known."""
    start = (case.timeline.origin or 0.0) if line.keeps_past else min(each.command.started for each in ran)
    end = max(each.command.finished for each in ran)
    if line.users and any(
        _covers(each, start, end) for each in case.timeline.outages if each.felt == line.users
    ):
        return "unwell"
    if not line.witness:
        return "well"
    shown = [
        fault.fault for fault in case.setup.faults if re.search(line.witness, witnesses.get(fault.fault, ""))
    ]
    if not shown:
        return "well"
    found = as_found(case)
    return "unwell" if found is not None and start < found.end else None


def _covers(outage: Outage, start: float, end: float) -> bool:
    return outage.start <= end and (outage.end is None or outage.end >= start)
