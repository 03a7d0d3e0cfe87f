"""The one word for each command, number and item of a runbook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from recorded_runs import AS_WRITTEN, Shape, make_run

from drill.judge.verdict import Criterion
from drill.lint.document import parse_document
from drill.recording.events import (
    AlertKnown,
    AlertSpell,
    AlertsReplayed,
    CommandFinished,
    PipelinePart,
    Symptom,
)
from drill.report.annotated import AnnotatedRunbook, annotate
from drill.report.marks import MARKS, Said, mark_of, units
from drill.run.defects import prove
from drill.run.facts import Role, read_facts
from drill.run.inputs import errata_of
from drill.run.stored import read_recordings

TEXT = """# Operations

## Service Completely Down

```bash
# look around
kubectl get nodes
kubectl exec deploy/web -- sh -c '
  echo one
  # two
'
for pod in a b; do
  kubectl delete pod \\
    "$pod"
done
```

- [ ] Are backups made?
- **Error Rate**: < 0.1%
- **Queue Depth**: how long it is

```yaml
groups:
  - alert: Down
    expr: up == 0
  - alert: Slow
    expr: slow
```

| limit | 5 s |
"""
LINES = TEXT.splitlines()
NODES, EXEC, DELETE, BOX, RATE, QUEUE, DOWN, SLOW = (
    next(number for number, line in enumerate(LINES, start=1) if words in line)
    for words in (
        "get nodes",
        "kubectl exec",
        "delete pod",
        "[ ]",
        "Error Rate",
        "Queue",
        "alert: Down",
        "alert: Slow",
    )
)


def _units() -> dict[int, int]:
    return units(parse_document(Path("r.md"), TEXT))


def test_a_unit_is_a_command_with_the_lines_it_goes_on_in() -> None:
    found = _units()
    assert found[NODES] == NODES
    assert {line for line, first in found.items() if first == EXEC} == set(range(EXEC, EXEC + 4))
    assert {line for line, first in found.items() if first == DELETE} == {DELETE, DELETE + 1}
    assert NODES - 1 not in found


def test_an_alert_a_box_and_a_number_are_units_and_prose_is_none() -> None:
    found = _units()
    assert (found[BOX], found[RATE]) == (BOX, RATE)
    assert QUEUE not in found
    assert (found[DOWN + 1], found[SLOW + 1]) == (DOWN, SLOW)
    assert found[len(LINES)] == len(LINES)
    assert not {1, 3} & set(found)


def test_what_a_command_is_given_to_read_belongs_to_it() -> None:
    text = """# R

```bash
kubectl exec -i web -- bash -s <<'EOF'
cd /data
for file in a b; do
    rm "$file"
done
EOF
kubectl get pods
```
"""
    assert units(parse_document(Path("r.md"), text)) == {**dict.fromkeys((4, 5, 7, 9), 4), 10: 10}


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ((), "never touched"),
        ((Said(),), "not proven"),
        ((Said(holds=True),), "proven"),
        ((Said(), Said(holds=True)), "proven"),
        ((Said(holds=True), Said(deviates=True)), "not proven"),
        ((Said(holds=True), Said(defect=True)), "defective"),
        ((Said(refused=True),), "refused"),
        ((Said(refused=True), Said()), "not proven"),
        ((Said(refused=True), Said(holds=True)), "proven"),
    ],
)
def test_a_word_for_all_that_is_said(said: tuple[Said, ...], mark: str) -> None:
    assert mark_of(said) == mark
    assert mark in MARKS


def _shape(*commands: tuple[int, str, int]) -> Shape:
    return replace(
        Shape(runbook="runbook/r.md", line=NODES, procedure="Service Completely Down / block 1", criteria=()),
        commands=tuple(
            (line, text, 3.0 + at, 3.5 + at, status, False, "")
            for at, (line, text, status) in enumerate(commands)
        ),
    )


def _annotated(tmp_path: Path, *shapes: Shape, errata: str = "[]") -> AnnotatedRunbook:
    texts: dict[tuple[Role, str], str] = {
        ("runbook", "runbook/r.md"): TEXT,
        ("errata", "runbook/errata.yaml"): errata,
    }
    folder, verdicts = make_run(tmp_path, shapes, texts=texts)
    facts = read_facts(folder)
    recordings = read_recordings(folder, verdicts)
    (text,) = annotate(
        folder, facts, verdicts, prove(errata_of(folder, facts), verdicts, recordings), recordings
    )
    return text


def _marks(text: AnnotatedRunbook) -> dict[int, str | None]:
    return {line.number: line.mark for line in text.lines if line.begins}


def test_a_drill_that_went_well_proves_what_it_ran(tmp_path: Path) -> None:
    marks = _marks(_annotated(tmp_path, _shape((NODES, "kubectl get nodes", 0), (EXEC, "kubectl exec", 1))))
    assert marks[NODES] == "proven"
    assert marks[EXEC] == "not proven"
    assert marks[DELETE] == marks[RATE] == marks[DOWN] == "never touched"


@pytest.mark.parametrize(
    "other",
    [{"verdict": "fail"}, {"verdict": "inconclusive"}, {"verdict": "fail", "expected": "fail"}],
)
def test_a_drill_that_did_not_proves_nothing(tmp_path: Path, other: dict[str, str]) -> None:
    shape = replace(_shape((NODES, "kubectl get nodes", 0)), **other)  # type: ignore[arg-type]
    assert _marks(_annotated(tmp_path, shape))[NODES] == "not proven"


def test_a_drill_that_fails_against_expectation_outweighs_one_that_went_well(tmp_path: Path) -> None:
    well = _shape((NODES, "kubectl get nodes", 0))
    badly = replace(_shape((NODES, "kubectl get nodes", 1)), drill="other", verdict="fail")
    text = _annotated(tmp_path, well, badly)
    assert _marks(text)[NODES] == "not proven"
    assert text.lines[NODES - 1].ran[0].drill == "other"


def test_what_does_not_apply_is_refused_with_its_reason(tmp_path: Path) -> None:
    shape = replace(_shape(), verdict="not applicable", why="no redis in this target", commands=())
    text = _annotated(tmp_path, shape)
    assert _marks(text)[NODES] == "refused"
    assert text.lines[NODES - 1].ran[0].how == "refused: no redis in this target"
    assert _marks(text)[RATE] == "never touched"


@pytest.mark.parametrize(("verdict", "mark"), [("pass", "proven"), ("inconclusive", "not proven")])
def test_a_limit_is_proven_by_who_held_it(tmp_path: Path, verdict: str, mark: str) -> None:
    criterion = Criterion("error_rate", verdict, source=f"r.md:{RATE}")  # type: ignore[arg-type]
    text = _annotated(tmp_path, replace(_shape(), criteria=(criterion,)))
    assert _marks(text)[RATE] == mark
    assert text.lines[RATE - 1].ran[0].how == f"Error rate: {verdict}"


@pytest.mark.parametrize(("status", "mark"), [(7, "defective"), (0, "not proven")])
def test_a_defect_counts_where_its_evidence_was_recorded(tmp_path: Path, status: int, mark: str) -> None:
    shape = replace(
        _shape((NODES, "kubectl get nodes", status)),
        drill=AS_WRITTEN.drill,
        scenario=AS_WRITTEN.scenario,
        verdict="fail",
        expected="fail",
    )
    defect = {
        "id": "RB-001",
        "section": "Service Completely Down",
        "line": NODES,
        "what": "it never ends",
        "as_written": AS_WRITTEN.scenario,
        "as_corrected": "nobody",
        "evidence": [{"line": NODES, "status": 7}],
    }
    assert _marks(_annotated(tmp_path, shape, errata=yaml.safe_dump([defect])))[NODES] == mark


PIPED = """# Operations

## Logs

```bash
kubectl logs web | \\
    grep -i error | \\
    sort
kubectl get pods | \\
    grep web
```
"""
LOGS, GREP, SORT, PODS = 6, 7, 8, 9


def _piped(tmp_path: Path, shape: Shape, errata: str = "[]") -> AnnotatedRunbook:
    texts: dict[tuple[Role, str], str] = {
        ("runbook", "runbook/r.md"): PIPED,
        ("errata", "runbook/errata.yaml"): errata,
    }
    folder, verdicts = make_run(tmp_path, [shape], texts=texts)
    facts, recordings = read_facts(folder), read_recordings(folder, verdicts)
    proofs = prove(errata_of(folder, facts), verdicts, recordings)
    (text,) = annotate(folder, facts, verdicts, proofs, recordings)
    return text


def _logs(**other: Any) -> Shape:
    """A drill that ran the first pipeline, and nothing of the second."""
    parts = [PipelinePart(line, "part", 0) for line in (LOGS, GREP, SORT)]
    ran = CommandFinished(LOGS, "kubectl logs web | grep -i error | sort", 0, 3.0, 3.5, parts=parts)
    shape = replace(_shape((3, "a word before", 0)), line=LOGS, extra=(ran,))
    return replace(shape, **other)


def test_the_parts_of_a_pipeline_are_run_with_it_on_whatever_lines_they_stand(tmp_path: Path) -> None:
    text = _piped(tmp_path, _logs())
    assert [_marks(text)[line] for line in (LOGS, GREP, SORT)] == ["proven"] * 3
    assert text.lines[SORT - 1].ran[0].how == f"goes on from line {LOGS}: ended with status 0"
    assert [_marks(text)[line] for line in (PODS, PODS + 1)] == ["never touched"] * 2


def test_a_defect_of_a_pipeline_is_none_of_the_lines_that_it_goes_on_in(tmp_path: Path) -> None:
    defect = {
        "id": "RB-001",
        "section": "Logs",
        "line": LOGS,
        "what": "ten lines of each pod",
        "as_written": AS_WRITTEN.scenario,
        "as_corrected": "nobody",
        "evidence": [{"line": LOGS, "status": 0, "command_matches": "grep"}],
    }
    shape = _logs(drill=AS_WRITTEN.drill, scenario=AS_WRITTEN.scenario, verdict="fail", expected="fail")
    marks = _marks(_piped(tmp_path, shape, yaml.safe_dump([defect])))
    assert (marks[LOGS], marks[GREP]) == ("defective", "not proven")


@pytest.mark.parametrize(
    ("criterion", "pattern", "last_line", "mark"),
    [
        ("pass", "^not well", NODES, "proven"),
        ("inconclusive", "^not well", NODES, "not proven"),
        ("pass", "^all well", NODES, "not proven"),
        ("pass", "^not well", NODES - 1, "not proven"),
    ],
)
def test_a_command_that_tells_of_the_fault_as_stated_is_proven_whatever_its_status(
    tmp_path: Path, criterion: str, pattern: str, last_line: int, mark: str
) -> None:
    shape = replace(
        _shape((NODES, "kubectl get nodes", 1)),
        commands=((NODES, "kubectl get nodes", 3.0, 3.5, 1, False, "x\nnot well"),),
        symptoms=(Symptom("Service Completely Down", pattern, NODES, last_line),),
        criteria=(Criterion("diagnosis", criterion),),  # type: ignore[arg-type]
        verdict="fail",
        expected="fail",
    )
    assert _marks(_annotated(tmp_path, shape))[NODES] == mark


@pytest.mark.parametrize(("lacking", "mark"), [("kubectl", "refused"), ("trivy", "not proven")])
def test_a_command_whose_program_is_not_here_is_refused_where_the_scenario_states_it(
    tmp_path: Path, lacking: str, mark: str
) -> None:
    said = f"inconclusive: not on this machine: {lacking}"
    shape = _shape((NODES, "kubectl get nodes", 127), (EXEC, "cat", 0))
    marks = _marks(_annotated(tmp_path, replace(shape, verdict="inconclusive", expected=said)))
    assert (marks[NODES], marks[EXEC]) == (mark, "not proven")


def test_marks_are_counted_once_a_unit(tmp_path: Path) -> None:
    text = _annotated(tmp_path, _shape((NODES, "kubectl get nodes", 0)))
    assert text.marks("proven") == 1
    assert sum(text.marks(mark) for mark in MARKS) == len(set(_units().values()))


ALERTS_TEXT = """# Operations

```yaml
- alert: Down
  expr: up == 0
  labels: {severity: P0}

# RB-000: errors of users
- alert: Ill
  expr: errors > 1
```
"""
DOWN_LINE, ILL_LINE = 4, 9
KNOWN = [
    AlertKnown("Down", "P0", 900.0, needs_seconds=60.0),
    AlertKnown("Ill", "P1", 3600.0, needs_seconds=60.0),
]


def _alerts(tmp_path: Path, *shapes: Shape) -> dict[int, tuple[str | None, list[str]]]:
    """Of each alert's line: its mark, and what the drills say."""
    texts: dict[tuple[Role, str], str] = {("runbook", "runbook/r.md"): ALERTS_TEXT}
    numbered = [
        replace(shape, drill=f"drill-{number}", runbook="runbook/r.md", criteria=())
        for number, shape in enumerate(shapes)
    ]
    folder, verdicts = make_run(tmp_path, numbered, texts=texts)
    (text,) = annotate(folder, read_facts(folder), verdicts, [], read_recordings(folder, verdicts))
    return {
        line.number: (line.mark, [here.how for here in line.ran])
        for line in text.lines
        if line.number in (DOWN_LINE, ILL_LINE)
    }


def _replayed(*spells: AlertSpell, meant: tuple[str, ...] = ("Down",), **other: Any) -> Shape:
    replay = AlertsReplayed(
        rules=KNOWN,
        spells=list(spells),
        evaluate_seconds=5.0,
        held_seconds=900.0,
        until_seconds=920.0,
        recovered=True,
        resolve_seconds=600.0,
    )
    return Shape(meant=meant, extra=(msgspec.structs.replace(replay, **other),))


FIRES = AlertSpell("Down", 60.0, 120.0, 930.0)


def test_a_comment_between_alerts_belongs_to_neither() -> None:
    found = units(parse_document(Path("r.md"), ALERTS_TEXT))
    assert set(found) == {4, 5, 6, 9, 10}


def test_an_alert_is_proven_uncovered_or_never_touched(tmp_path: Path) -> None:
    found = _alerts(tmp_path / "one", _replayed(FIRES))
    assert found[DOWN_LINE] == ("proven", ["fires 120 s after the fault"])
    assert found[ILL_LINE] == ("uncovered", [])
    assert _alerts(tmp_path / "none", Shape())[DOWN_LINE] == ("never touched", [])


@pytest.mark.parametrize(
    ("shape", "how"),
    [
        (_replayed(), "is meant for this, and did not fire within 920 s"),
        (_replayed(FIRES, meant=("Ill",)), "fires 120 s after the fault, and is not meant to"),
        (_replayed(AlertSpell("Down", -70.0, -10.0, 930.0)), "fires 10 s before the fault"),
        (
            _replayed(AlertSpell("Down", 60.0, 900.0, 930.0)),
            "fires 900 s after the fault; P0 is to be over within 900 s",
        ),
        (
            _replayed(AlertSpell("Down", 60.0, 120.0, None)),
            "fires 120 s after the fault, and still 600 s after recovery",
        ),
        (
            _replayed(FIRES, rules=[AlertKnown("Down", "critical")]),
            "fires 120 s after the fault; severity 'critical' has no response time",
        ),
        (replace(_replayed(FIRES, meant=()), fault=""), "fires, and nothing is broken"),
        (replace(_replayed(FIRES, meant=()), stated=()), "fires 120 s after the fault, and is not meant to"),
    ],
)
def test_an_alert_is_wrong_where_it_did_what_it_should_not(tmp_path: Path, shape: Shape, how: str) -> None:
    """One drill in which it went wrong outweighs another in which it did not."""
    mark, said = _alerts(tmp_path, _replayed(FIRES), shape)[DOWN_LINE]
    assert mark == "wrong"
    assert said[0] == how


@pytest.mark.parametrize(
    "shape",
    [
        _replayed(why="the tool is missing"),
        _replayed(held_seconds=0.0),
        _replayed(until_seconds=50.0),
        _replayed(AlertSpell("Ill", 60.0, 120.0, 930.0), meant=("Down", "Ill")),
        _replayed(meant=()),
    ],
)
def test_of_an_alert_that_had_not_to_fire_or_nobody_can_tell_nothing_is_said(
    tmp_path: Path, shape: Shape
) -> None:
    assert _alerts(tmp_path, _replayed(FIRES), shape)[DOWN_LINE] == (
        "proven",
        ["fires 120 s after the fault"],
    )


def test_where_nobody_says_which_alert_is_meant_any_may_call(tmp_path: Path) -> None:
    assert _alerts(tmp_path, _replayed(FIRES, meant=()))[DOWN_LINE][0] == "proven"
