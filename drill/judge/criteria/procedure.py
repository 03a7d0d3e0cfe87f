"""Did the runbook's own commands work? Flows in: a Case. Flows out: how many commands failed, naming the
first.
"""

from __future__ import annotations

from collections import Counter

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, not_applicable, undecided
from drill.judge.emulated import emulated, unanswered
from drill.judge.followed import Followed, followed, missing_tools
from drill.recording.events import CommandFinished, ProcedureFinished, ProcedureStarted

COMMAND_NOT_FOUND = 127


def procedure(case: Case) -> Answer:
    """Fail when a command ended with another status than 0, or hung. One that streams and was interrupted did
    not fail, nor did one that is left running, nor one whose failure the text itself deals with, nor one
    that ended with 0 on the healthy target, where the operator had looked: so it tells what is wrong.

    Inconclusive where the operator lacked a tool and nothing else failed, where the recording ends within the
    procedure, and where the scenario names a place that was not followed. Says so where commands were
    answered by an emulator.
    """
    if case.timeline.procedure_started is None and (case.setup.control or not case.setup.procedures):
        return not_applicable("the drill has no procedure: nobody acted")
    missing = missing_tools(case.events)
    works = {_place(each) for each in followed(case.looked) if not _failed(each.command)}
    failed = [each for each in followed(case.events) if _failed(each.command)]
    blamed = [
        each.command
        for each in failed
        if (each.command.hung or _place(each) not in works)
        and not (missing and each.command.status == COMMAND_NOT_FOUND)
    ]
    ran = len(case.commands)
    by_whom = emulated(case.events, case.commands)
    if blamed:
        more = f" (and {len(blamed) - 1} more)" if len(blamed) > 1 else ""
        return Answer(
            "fail",
            f"{_said(blamed[0])}{more}{emulated(case.events, blamed)}",
            float(len(blamed)),
            samples=ran,
        )
    doubt = _doubt(case, missing)
    if doubt:
        return undecided(doubt, ran)
    status = _status_of_its_own(case)
    if status:
        why = f"every command ended with status 0, but the procedure itself with {status}"
        return Answer("fail", why, 1.0, samples=ran)
    return Answer("pass", f"all {ran} commands ended as they should{by_whom}", 0.0, samples=ran)


def _place(each: Followed) -> tuple[bool, int]:
    return each.block.as_written, each.command.line


def _failed(command: CommandFinished) -> bool:
    if command.hung:
        return True
    return command.status != 0 and not (command.interrupted or command.handled or command.background)


def _status_of_its_own(case: Case) -> int:
    """The status, not 0, of a block none of whose commands failed or was interrupted; 0 where there is no
    such block.
    """
    told = False
    for event in case.events:
        if isinstance(event.data, ProcedureStarted):
            told = False
        elif isinstance(event.data, CommandFinished):
            told = told or _failed(event.data) or event.data.interrupted
        elif isinstance(event.data, ProcedureFinished) and event.data.status and not told:
            return event.data.status
    return 0


def _said(command: CommandFinished) -> str:
    what = f"line {command.line}: `{command.command}`"
    if command.hung:
        return f"{what} hung, and was ended after {max(0.0, command.finished - command.started):.0f} s"
    printed = command.output.strip().splitlines()
    last = printed[-1].strip() if printed else ""
    printed_last = f", and printed last: {last[:160]}" if last else ""
    return f"{what} ended with status {command.status}{printed_last}"


def _doubt(case: Case, missing: list[str]) -> str:
    """Why a procedure without a failed command still proves nothing; empty where it does."""
    if missing:
        return f"not on this machine: {', '.join(missing)}{unanswered(case.events, missing)}"
    begun = Counter(block.procedure for block in case.all(ProcedureStarted))
    left_out = Counter(case.setup.procedures) - begun
    if left_out:
        return f"was not followed: {', '.join(left_out)}"
    if case.timeline.procedure_finished is None:
        return "the recording ends before the procedure did"
    blocks = {event.monotonic for event in case.events if isinstance(event.data, ProcedureStarted)}
    idle = blocks - {each.begun for each in followed(case.events)}
    return "the procedure ended without a command having been run" if idle else ""


QUESTION = Question("procedure", "Commands that failed", procedure, own_limit=0.0, unit="commands")
