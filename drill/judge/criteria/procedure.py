"""Did the runbook's own commands work? Flows in: a Case. Flows out: how many commands failed, naming the
first.
"""

from __future__ import annotations

from drill.judge.case import Case, ProcedureFinished
from drill.judge.verdict import Criterion

NAME = "procedure"
COMMAND_NOT_FOUND = 127


def procedure(case: Case) -> Criterion:
    """Fail when a command ended with another status than 0; one that streams and was interrupted did not
    fail.

    Inconclusive where the operator lacked a tool and nothing else failed, and where the recording ends within
    the procedure.
    """
    if case.timeline.procedure_started is None:
        return Criterion(NAME, "not applicable", why="the drill has no procedure: nobody acted")
    ends = [case.typed(event, ProcedureFinished) for event in case.all("procedure.finished")]
    missing = sorted({tool for end in ends for tool in end.missing_tools})
    failed = [command for command in case.commands if command.status != 0 and not command.interrupted]
    blamed = [command for command in failed if not (missing and command.status == COMMAND_NOT_FOUND)]
    ran = len(case.commands)
    if blamed:
        first = blamed[0]
        more = f" (and {len(blamed) - 1} more)" if len(blamed) > 1 else ""
        why = f"line {first.line}: `{first.command}` ended with status {first.status}{more}"
        return Criterion(
            NAME, "fail", value=float(len(blamed)), limit=0.0, unit="commands", samples=ran, why=why
        )
    doubt = _doubt(case, missing)
    if doubt:
        return Criterion(NAME, "inconclusive", samples=ran, why=doubt)
    status = next((end.status for end in ends if end.status != 0), 0)
    if status != 0 and not any(command.interrupted for command in case.commands):
        why = f"every command ended with status 0, but the procedure itself with {status}"
        return Criterion(NAME, "fail", value=1.0, limit=0.0, unit="commands", samples=ran, why=why)
    why = f"all {ran} commands ended as they should"
    return Criterion(NAME, "pass", value=0.0, limit=0.0, unit="commands", samples=ran, why=why)


def _doubt(case: Case, missing: list[str]) -> str:
    """Why a procedure without a failed command still proves nothing; empty where it does."""
    if missing:
        return f"not on this machine: {', '.join(missing)}"
    if case.timeline.procedure_finished is None:
        return "the recording ends before the procedure did"
    return "" if case.commands else "the procedure ended without a command having been run"
