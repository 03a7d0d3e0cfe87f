"""The symptoms that a runbook lists, and symptoms.yaml beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.errors import InputError
from drill.runbook import listed_symptoms, parse
from drill.runbook.symptoms import FILE, NOT_STATED

ROOT = Path(__file__).parents[3]
RUNBOOK = """# Runbook

#### 1. Down (P0)

**Symptoms:**
- every request fails
- Error rate > 5%

**Actions:**
- restart it

#### 2. Slow (P2)

**Symptoms:**
- Response times > 1000ms
```bash
date
```
- not a symptom any more
"""


def written(folder: Path, readings: str) -> Path:
    file = folder / "runbook.md"
    file.write_text(RUNBOOK)
    (folder / FILE).write_text(readings)
    return file


def test_what_stands_under_the_label_is_listed_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "runbook.md"
    file.write_text(RUNBOOK)
    found = listed_symptoms(parse(file))
    assert [(each.name, each.line) for each in found] == [
        ("1. Down (P0) / every request fails", 6),
        ("1. Down (P0) / Error rate > 5%", 7),
        ("2. Slow (P2) / Response times > 1000ms", 15),
    ]
    assert {each.untold for each in found} == {NOT_STATED}


def test_a_number_is_that_of_the_text_else_of_the_file_else_the_baseline(tmp_path: Path) -> None:
    found = listed_symptoms(
        parse(
            written(
                tmp_path,
                "symptoms:\n"
                "- {symptom: 1. Down (P0) / every request fails, measures: [failed requests], above: 0.95}\n"
                "- {symptom: 1. Down (P0) / Error rate > 5%, measures: [failed requests]}\n"
                "- {symptom: 2. Slow (P2) / Response times > 1000ms, measures: [response time, cpu]}\n",
            )
        )
    )
    assert [each.above for each in found] == [0.95, 0.05, 1.0]
    assert {each.untold for each in found} == {""}


@pytest.mark.parametrize(
    ("reading", "line", "said"),
    [
        ("{symptom: 1. Down (P0) / restart it, measures: [cpu]}", 2, "a symptom that the runbook lists"),
        ("{symptom: 1. Down (P0) / every request fails}", 2, "either measures"),
        ("{symptom: 1. Down (P0) / every request fails, measures: [cpu], untold: so}", 2, "either measures"),
        ("{symptom: 1. Down (P0) / every request fails, measures: [colour]}", 2, "Input should be"),
        ("{symptom: 1. Down (P0) / every request fails, untold: so, above: 0.5}", 2, "no number"),
        ("{symptom: 1. Down (P0) / every request fails, measures: [cpu], above: -1}", 2, "greater than 0"),
        ("{symptom: 1. Down (P0) / every request fails, measures: [cpu], above: .inf}", 2, "a finite number"),
        ("{symptom: 1. Down (P0) / every request fails, measures: cpu}", 2, "measures: a list"),
        ("{symptom: 1. Down (P0) / Error rate > 5%, measures: [cpu], above: 0.1}", 2, "itself states '> 5%'"),
        (
            "{symptom: 1. Down (P0) / every request fails, measures: [cpu]}\n"
            "- {symptom: 1. Down (P0) / every request fails, measures: [cpu]}",
            3,
            "named once",
        ),
    ],
)
def test_what_is_not_right_is_refused_with_its_line(
    tmp_path: Path, reading: str, line: int, said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        listed_symptoms(parse(written(tmp_path, f"symptoms:\n- {reading}\n")))
    assert f"{FILE}:{line}:" in str(refused.value)


def test_of_the_runbook_under_test_each_symptom_is_told_or_said_why_not() -> None:
    found = listed_symptoms(parse(ROOT / "runbook" / "operations-runbook.md"))
    assert len({each.section for each in found}) == 3
    assert [each.name for each in found if each.untold == NOT_STATED] == []
