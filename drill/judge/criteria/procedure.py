"""Did the runbook's own commands work? Flows in: a Case. Flows out: how many commands failed, naming the
first.
"""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, not_applicable, undecided
from drill.judge.emulated import emulated, unanswered
from drill.judge.followed import Followed, followed, missing_tools
from drill.recording.events import CommandFinished, ProcedureFinished

COMMAND_NOT_FOUND = 127


def procedure(case: Case) -> Answer:
    """Fail when a command ended with another status than 0, or hung. One that streams and was interrupted did
    not fail, nor did one that is left running, nor one whose failure the text itself deals with, nor one
    that ended with 0 on the healthy target, where the operator had looked: so it tells what is wrong.

    Inconclusive where the operator lacked a tool and nothing else failed, and where the recording ends within
    the procedure. Says so where commands were answered by an emulator.
    """
    if case.timeline.procedure_started is None:
        return not_applicable("the drill has no procedure: nobody acted")
    ends = case.all(ProcedureFinished)
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
    status = next((end.status for end in ends if end.status != 0), 0)
    if status != 0 and not failed and not any(command.interrupted for command in case.commands):
        why = f"every command ended with status 0, but the procedure itself with {status}"
        return Answer("fail", why, 1.0, samples=ran)
    return Answer("pass", f"all {ran} commands ended as they should{by_whom}", 0.0, samples=ran)


def _place(each: Followed) -> tuple[bool, int]:
    return each.block.as_written, each.command.line


def _failed(command: CommandFinished) -> bool:
    if command.hung:
        return True
    return command.status != 0 and not (command.interrupted or command.handled or command.background)


def _said(command: CommandFinished) -> str:
    what = f"line {command.line}: `{command.command}`"
    if command.hung:
        return f"{what} hung, and was ended after {max(0.0, command.finished - command.started):.0f} s"
    return f"{what} ended with status {command.status}"


def _doubt(case: Case, missing: list[str]) -> str:
    """Why a procedure without a failed command still proves nothing; empty where it does."""
    if missing:
        return f"not on this machine: {', '.join(missing)}{unanswered(case.events, missing)}"
    if case.timeline.procedure_finished is None:
        return "the recording ends before the procedure did"
    return "" if case.commands else "the procedure ended without a command having been run"


QUESTION = Question("procedure", "Commands that failed", procedure, own_limit=0.0, unit="commands")
