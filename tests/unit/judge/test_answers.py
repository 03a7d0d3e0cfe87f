"""What a script answers against the truth: right, wrong, silent, or not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drill.judge.answers import ScriptLine, script_answers
from drill.judge.case import Case
from tests.unit.judge.recorded_drill import BACK, FAULT, INJECTED, RecordedDrill, command

SCRIPT = "1."
"""The section that the recorded drills follow."""
USERS = ScriptLine(SCRIPT, "application", "^not responding$", "^responding$", users="failed")
PODS = ScriptLine(SCRIPT, "endpoints", "^0 endpoints$", r"^\d+ endpoints$", witness="no endpoints")
ERRORS = ScriptLine(SCRIPT, "errors", r"^\d+ \w+Error$", users="failed", keeps_past=True)
SLOW = ScriptLine(SCRIPT, "times", r"^Average: \d{3,}$", r"^Average: \d\d?$", users="slow", keeps_past=True)
WITNESSES = {FAULT: "the service has no endpoints"}


def answers(folder: Path, line: ScriptLine, said: str, **changes: Any) -> list[tuple[bool, str]]:
    drill = RecordedDrill(folder, commands=[command(52, "script", output=said)], **changes)
    found = script_answers(Case(drill.write()), [line], WITNESSES, as_written=False)
    return [(each.healthy, each.answered) for each in found]


@pytest.mark.parametrize(
    ("line", "said", "changes", "answered"),
    [
        (USERS, "not responding\n", {}, "right"),
        (USERS, "responding\n", {}, "wrong"),
        (USERS, "responding\nnot responding\n", {}, "right"),
        (USERS, "anything\n", {}, "silent"),
        (USERS, "responding\n", {"procedure": (BACK + 2, BACK + 5)}, "right"),
        (USERS, "not responding\n", {"procedure": (BACK + 2, BACK + 5)}, "wrong"),
        (USERS, "", {"procedure": (BACK + 2, BACK + 5)}, "silent"),
        (PODS, "0 endpoints\n", {}, "right"),
        (PODS, "3 endpoints\n", {}, "wrong"),
        (PODS, "", {}, "silent"),
        (ERRORS, "7 RedisOutError\n", {}, "right"),
        (ERRORS, "", {}, "silent"),
        (ERRORS, "", {"procedure": (BACK + 2, BACK + 5)}, "silent"),
        (ERRORS, "", {"outages": []}, "right"),
        (ERRORS, "7 RedisOutError\n", {"outages": []}, "wrong"),
        (SLOW, "Average: 12\n", {}, "right"),
        (SLOW, "Average: 12\n", {"outages": [], "slowness": [(INJECTED, BACK)]}, "wrong"),
        (SLOW, "Average: 812\n", {"outages": [], "slowness": [(INJECTED, BACK)]}, "right"),
    ],
)
def test_a_line_is_right_wrong_or_silent(
    tmp_path: Path, line: ScriptLine, said: str, changes: dict[str, Any], answered: str
) -> None:
    assert answers(tmp_path, line, said, **changes) == [(False, answered)]


@pytest.mark.parametrize("changes", [{"changes": [INJECTED + 1]}, {"procedure": (BACK + 2, BACK + 5)}])
def test_what_the_platform_showed_is_no_truth_after_a_change_or_recovery(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert answers(tmp_path, PODS, "3 endpoints\n", **changes) == []


def test_a_fault_of_another_witness_is_well_for_the_line(tmp_path: Path) -> None:
    line = ScriptLine(SCRIPT, "nodes", "^lost$", "^ready$", witness="kubelet")
    assert answers(tmp_path, line, "ready\n") == [(False, "right")]
    assert answers(tmp_path, line, "lost\n") == [(False, "wrong")]


def test_another_section_and_another_text_are_not_asked(tmp_path: Path) -> None:
    assert answers(tmp_path, ScriptLine("2.", "application", "x", "y", users="failed"), "x") == []
    case = Case(tmp_path)
    assert list(script_answers(case, [USERS], WITNESSES, as_written=True)) == []


def test_on_the_healthy_target_a_line_that_says_unwell_is_wrong(tmp_path: Path) -> None:
    recorded = RecordedDrill(tmp_path, looked=[command(52, "script", output="not responding\n")])
    case = Case(recorded.write())
    line = ScriptLine("", "application", "^not responding$", "^responding$", users="failed")
    assert [(a.healthy, a.answered) for a in script_answers(case, [line], {}, as_written=False)] == [
        (True, "wrong")
    ]
    past = ScriptLine("", "errors", "^not", users="failed", keeps_past=True)
    assert list(script_answers(case, [past], {}, as_written=False)) == []
