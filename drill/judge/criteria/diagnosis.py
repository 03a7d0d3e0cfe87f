"""Do the blocks that look tell what they should: the fault, and not on a healthy target? Flows in: a Case.
Flows out: how many of the scenario's statements do not hold, and each of them with what was printed.

A statement is of lines: one line of what the block's commands printed holds the pattern under the fault. On
the healthy target, where the operator had looked before, no line may; or, of a log that keeps what is past,
only lines that are not there any more or again are news. Where the scenario states only that a block prints
something, it need not have been looked at before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, not_applicable, shortened, undecided
from drill.judge.emulated import emulated
from drill.judge.followed import followed, missing_tools
from drill.judge.verdict import Criterion
from drill.recording import Event
from drill.recording.events import CommandFinished, ProcedureStarted, Symptom


def diagnosis(case: Case) -> Answer:
    """Fail when a statement does not hold; inconclusive while none fails and one cannot be told."""
    answers = [(symptom, _told(case, symptom)) for symptom in case.setup.symptoms]
    if not answers:
        return not_applicable("the scenario does not state what a block tells of the fault")
    wrong = [f"{_named(symptom)} {answer.why}" for symptom, answer in answers if answer.verdict == "fail"]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Answer("fail", f"{wrong[0]}{more}", float(len(wrong)), samples=len(answers))
    doubts = [
        f"{_named(symptom)} {answer.why}" for symptom, answer in answers if answer.verdict == "inconclusive"
    ]
    if doubts:
        return undecided("; ".join(doubts), len(answers))
    why = "; ".join(f"{_named(symptom)} {answer.why}" for symptom, answer in answers)
    return Answer("pass", why, 0.0, samples=len(answers))


def told(case: Case) -> list[Criterion]:
    """Each statement of its own: `name` is the place, `title` the pattern."""
    found = []
    for symptom in case.setup.symptoms:
        answer = _told(case, symptom)
        found.append(
            Criterion(
                _place(symptom), answer.verdict, title=symptom.pattern, why=answer.why, samples=answer.samples
            )
        )
    return found


@dataclass(frozen=True)
class _Output:
    """What the block's commands printed, line by line, in one of the two looks. `doubt`: why it is not known
    whole, empty where it is; `last_began`: monotonic seconds; None where none of its commands ran; `by_whom`:
    what is to be said of them where an emulator answered."""

    lines: list[str]
    doubt: str
    last_began: float | None
    by_whom: str

    def holding(self, pattern: str) -> list[str]:
        """The lines that the pattern is found in."""
        return [line for line in self.lines if re.search(pattern, line)]


def _told(case: Case, symptom: Symptom) -> Answer:
    return _printed(case, symptom) if symptom.before == "anything" else _news(case, symptom)


def _printed(case: Case, symptom: Symptom) -> Answer:
    output = _output(case.events, symptom)
    if output.last_began is None:
        return _not_run(case, symptom)
    found = output.holding(symptom.pattern)
    if found:
        return Answer("pass", f"prints: {_short(found[0])}{output.by_whom}", samples=len(found))
    if output.doubt:
        return undecided(output.doubt)
    lines = (
        f"of {len(output.lines)} lines none holds {symptom.pattern!r}"
        if output.lines
        else "it printed nothing"
    )
    return Answer("fail", f"does not print it: {lines}{output.by_whom}")


def _not_run(case: Case, symptom: Symptom) -> Answer:
    """Of a block none of whose commands ran: it was not followed, or it was and they are gone."""
    if not any(_holds(block, symptom) for block in case.all(ProcedureStarted)):
        return undecided("was not followed under the fault" if case.setup.faults else "was not followed")
    if case.timeline.procedure_finished is None:
        return undecided("was not followed, for the recording ends before the procedure did")
    missing = missing_tools(case.events)
    if missing:
        return undecided(f"was not followed, and not on this machine: {', '.join(missing)}")
    return Answer("fail", "tells nothing: the procedure is over, and none of its commands was run")


def _holds(block: ProcedureStarted, symptom: Symptom) -> bool:
    """True where all lines of what must tell are the block's."""
    last_line = block.line + len(block.text.splitlines()) - 1
    return (
        block.as_written == symptom.as_written
        and block.line <= symptom.line
        and symptom.last_line <= last_line
    )


def _news(case: Case, symptom: Symptom) -> Answer:
    before, under = _output(case.looked, symptom), _output(case.events, symptom)
    was = before.holding(symptom.pattern)
    if was and symptom.before == "absent":
        return Answer("fail", f"told it on the healthy target already: {_short(was[0])}")
    if before.last_began is None:
        return undecided("was not followed on the healthy target")
    if under.last_began is None:
        return _not_run(case, symptom)
    known = set(before.lines)
    news = [line for line in under.holding(symptom.pattern) if line not in known]
    if news:
        if before.doubt:
            return undecided(f"tells it, but of the healthy target {before.doubt}")
        return Answer("pass", f"tells it: {_short(news[0])}{under.by_whom}", samples=len(news))
    doubt = under.doubt or _too_late(case, under.last_began)
    return undecided(doubt) if doubt else Answer("fail", f"{_silence(symptom, before, under)}{under.by_whom}")


def _too_late(case: Case, began: float) -> str:
    recovered = case.timeline.recovered
    late = recovered is not None and began >= recovered
    return "was followed when users were served again already" if late else ""


def _silence(symptom: Symptom, before: _Output, under: _Output) -> str:
    if not under.lines:
        return "informs nobody: it printed nothing under the fault"
    if under.lines == before.lines:
        last = _short(under.lines[-1])
        return f"informs nobody: it printed under the fault what it prints on a healthy target, last {last}"
    new = "no new line" if symptom.before == "older" else "no line"
    return f"does not tell it: of {len(under.lines)} lines under the fault, {new} holds {symptom.pattern!r}"


def _output(events: Sequence[Event], symptom: Symptom) -> _Output:
    ran = [
        each
        for each in followed(events)
        if each.block.as_written == symptom.as_written
        and symptom.line <= each.command.line <= symptom.last_line
    ]
    commands = [each.command for each in ran]
    lines = [line.rstrip() for command in commands for line in command.output.splitlines() if line.strip()]
    return _Output(
        lines,
        _doubt(events, commands),
        max((command.started for command in commands), default=None),
        emulated(events, commands),
    )


def _doubt(events: Iterable[Event], commands: Sequence[CommandFinished]) -> str:
    """Why what the commands printed does not say what they would tell."""
    needed = [
        tool
        for tool in missing_tools(events)
        if any(re.search(rf"(?<![\w./-]){re.escape(tool)}(?![\w-])", command.command) for command in commands)
    ]
    if needed:
        return f"nothing is known: not on this machine: {', '.join(needed)}"
    if any(command.hung for command in commands):
        return "not all is known: a command hung, and was ended"
    if any(command.cut for command in commands):
        return "not all is known: of what it printed only the end was kept"
    return ""


def _named(symptom: Symptom) -> str:
    return f'"{_place(symptom)}"'


def _place(symptom: Symptom) -> str:
    return f"{symptom.place} as first written" if symptom.as_written else symptom.place


def _short(line: str) -> str:
    return shortened(" ".join(line.split()))


QUESTION = Question(
    "diagnosis", "Blocks that tell what they should", diagnosis, own_limit=0.0, unit="statements"
)
