"""What the runbook's scripts answer under each fault, against the truth. Flows in: stored runs, the lines of
the scripts. Flows out: a table fault x line: right, wrong, silent; and each answer that was not right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drill.judge.answers import Answered, ScriptAnswer, ScriptLine, script_answers
from drill.matrix.stored import NO_FAULT, stored_cases
from drill.report.templates import markdown_cell

ORDER: tuple[Answered, ...] = ("wrong", "silent", "right")


@dataclass(frozen=True)
class AnswerSeen:
    """One answer in one drill. `fault`: that was in, NO_FAULT where it was made on the healthy target."""

    fault: str
    drill: str
    answer: ScriptAnswer


def answers_seen(
    lines: Sequence[ScriptLine], reports: Path, target: str, witnesses: Mapping[str, str], *, as_written: bool
) -> list[AnswerSeen]:
    """In each drill below `reports`, also of several faults."""
    return [
        AnswerSeen(NO_FAULT if answer.healthy else fault, drill, answer)
        for fault, drill, case in stored_cases(reports, target)
        for answer in script_answers(case, lines, witnesses, as_written=as_written)
    ]


def answer_lines(lines: Sequence[ScriptLine], seen: Sequence[AnswerSeen]) -> Iterator[str]:
    """As Markdown. A fault under which no script was followed has no row."""
    yield f"| fault | {' | '.join(markdown_cell(f'{each.script}: {each.name}') for each in lines)} |"
    yield f"|---|{'---|' * len(lines)}"
    for fault in sorted({each.fault for each in seen}, key=lambda name: (name == NO_FAULT, name)):
        cells = [
            _cell([each for each in seen if (each.fault, each.answer.line) == (fault, line)])
            for line in lines
        ]
        yield f"| {fault} | {' | '.join(cells)} |"
    counted = Counter(each.answer.answered for each in seen)
    yield ""
    sums = ", ".join(f"{counted[word]} {word}" for word in ORDER if counted[word])
    yield f"{len(seen)} answers: {sums or 'no drill followed a script'}"
    told = dict.fromkeys(
        f"{each.answer.answered}: {each.answer.line.script}: {each.answer.line.name}, under {each.fault}: "
        f"{each.answer.said or 'it said nothing of it'}"
        for word in ORDER[:2]
        for each in seen
        if each.answer.answered == word
    )
    yield from told


def _cell(seen: Sequence[AnswerSeen]) -> str:
    counted = Counter(each.answer.answered for each in seen)
    several = counted.total() > 1
    return ", ".join(f"{counted[word]} {word}" if several else word for word in ORDER if counted[word]) or "-"
