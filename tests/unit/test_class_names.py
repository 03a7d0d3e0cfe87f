"""A class name that is there twice makes who reads it ask which one is meant."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import drill

TWICE = {
    "AbsentWrite": "as recorded, and as the page shows it",
    "Cluster": "the client of the one that is there, and what run.json says of it",
    "Command": "of a runbook's text; and the kind of fault that is called `command`",
    "DrillError": "raised, and as recorded",
    "Facts": "of a scenario, and of a run",
    "Finding": "of lint, of doctor, and of a run: each is what its report lists",
    "Limit": "as read from the runbook, and as recorded",
    "Load": "what [load] says, and the process that does it",
    "Operator": "what [operator] says, and who does it",
    "Outage": "in moments of the clock, and in seconds of the verdict",
    "Part": "of a target: the module of each kind has one; and what lies within an event",
    "Section": "of a runbook, and of drill.toml",
    "Timeline": "the moments of a drill, and their picture",
}


def _names() -> Counter[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in Path(drill.__path__[0]).rglob("*.py"))
    return Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def test_no_class_name_is_there_twice_but_for_a_reason() -> None:
    assert {name for name, count in _names().items() if count > 1} == set(TWICE)
