"""A class name that is there twice makes who reads it ask which one is meant."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import drill

TWICE = {
    **dict.fromkeys(
        ("Evidence", "History", "Load", "Operator"), "a table of drill.toml, and what it is about"
    ),
    **dict.fromkeys(("DrillError", "Limit"), "as drill itself has it, and as recorded"),
    **dict.fromkeys(("Cluster", "Outage"), "as it is met, and as run.json or the verdict tell it"),
    "Command": "of a runbook's text; and the kind of fault that is called `command`",
    "Facts": "of a scenario, and of a run",
    "Finding": "of lint, of doctor, of a run, and of findings.yaml: each is what its list holds",
    "Node": "a machine of kind's cluster; and the kind of fault that is called `node`",
    "Part": "of a target: the module of each kind has one; and what lies within an event",
    "Section": "of a runbook, and of drill.toml",
}


def _names() -> Counter[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in Path(drill.__path__[0]).rglob("*.py"))
    return Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def test_no_class_name_is_there_twice_but_for_a_reason() -> None:
    assert {name for name, count in _names().items() if count > 1} == set(TWICE)
