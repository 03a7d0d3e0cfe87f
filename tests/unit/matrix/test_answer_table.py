"""`drill matrix --answers`: the table, and what was not right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from drill.cli import cli
from drill.judge.answers import Answered, ScriptAnswer, ScriptLine
from drill.matrix.answers import AnswerSeen, answer_lines
from drill.matrix.stored import NO_FAULT
from tests.unit.report.recorded_runs import Shape, make_run

ROOT = Path(__file__).parents[3]
LINE = ScriptLine("Script", "nodes", "lost", "ready", witness="kubelet")


def seen(fault: str, answered: Answered, said: str = "", line: ScriptLine = LINE) -> AnswerSeen:
    return AnswerSeen(fault, "run/drill", ScriptAnswer(line, fault == NO_FAULT, answered, said))


def test_a_cell_has_all_answers_and_what_is_not_right_is_named_once() -> None:
    other = replace(LINE, name="pods")
    drills = [
        seen(NO_FAULT, "wrong", "node/a lost"),
        seen("node-lost", "right", "node/a lost"),
        seen("node-lost", "silent"),
        seen("node-lost", "silent"),
        seen("redis-full", "right", "ready", other),
    ]
    assert list(answer_lines([LINE, other], drills)) == [
        "| fault | Script: nodes | Script: pods |",
        "|---|---|---|",
        "| node-lost | 2 silent, 1 right | - |",
        "| redis-full | - | right |",
        "| no-fault | wrong | - |",
        "",
        "5 answers: 1 wrong, 2 silent, 2 right",
        "wrong: Script: nodes, under no-fault: node/a lost",
        "silent: Script: nodes, under node-lost: it said nothing of it",
    ]
    assert list(answer_lines([LINE], []))[-1] == "0 answers: no drill followed a script"


def test_the_command_tells_it_from_stored_runs(tmp_path: Path) -> None:
    make_run(tmp_path, [Shape()])
    options = ["--target", str(ROOT / "drill.toml"), "matrix", "--answers", "--reports", str(tmp_path)]
    done = CliRunner().invoke(cli, options, catch_exceptions=False, standalone_mode=False)
    assert "Quick Diagnosis Script: nodes | Quick Diagnosis Script: ready pods" in done.output
    assert "0 answers: no drill followed a script" in done.output
