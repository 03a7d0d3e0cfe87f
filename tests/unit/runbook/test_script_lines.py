"""answers.yaml beside the runbook."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.errors import InputError
from drill.runbook import parse, script_lines
from drill.runbook.answers import FILE

ROOT = Path(__file__).parents[3]


def lines_of(folder: Path, reading: str) -> list[str]:
    file = folder / "runbook.md"
    file.write_text("# Runbook\n\n## Script\n\n```bash\ndate\n```\n")
    (folder / FILE).write_text(f"answers:\n- {reading}\n")
    return [f"{each.script}: {each.name}" for each in script_lines(parse(file))]


def test_a_line_is_read_with_the_sections_own_title(tmp_path: Path) -> None:
    assert lines_of(tmp_path, "{script: script, line: nodes, unwell: lost, users: failed}") == [
        "Script: nodes"
    ]
    (tmp_path / FILE).unlink()
    assert script_lines(parse(tmp_path / "runbook.md")) == []


@pytest.mark.parametrize(
    ("reading", "line", "said"),
    [
        ("{script: Other, line: nodes, unwell: lost, users: failed}", 2, "a section of the runbook"),
        ("{script: Script, line: nodes, unwell: lost}", 2, "users or witness"),
        ("{script: Script, line: nodes, unwell: '(', users: failed}", 2, "a regular expression"),
        ("{script: Script, line: nodes, unwell: lost, users: sad}", 2, "users"),
        ("{script: Script, line: nodes, unwell: lost, colour: red}", 2, "a name that drill knows"),
        (
            "{script: Script, line: nodes, unwell: lost, users: failed}\n"
            "- {script: Script, line: nodes, unwell: lost, users: failed}",
            3,
            "named once",
        ),
    ],
)
def test_what_is_not_right_is_refused_with_its_line(
    tmp_path: Path, reading: str, line: int, said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        lines_of(tmp_path, reading)
    assert f"{FILE}:{line}:" in str(refused.value)


def test_both_scripts_of_the_runbook_under_test_are_read() -> None:
    found = script_lines(parse(ROOT / "runbook" / "operations-runbook.md"))
    assert {each.script for each in found} == {"Quick Diagnosis Script", "Log Analysis Script"}
