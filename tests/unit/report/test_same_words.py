"""What the drills of one text say of the same words in the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from recorded_runs import AS_WRITTEN, Shape, make_run

from drill.conduct.coverage import CoveredRuns
from drill.errors import InputError
from drill.report.annotated import AnnotatedRunbook, annotate
from drill.run.defects import prove
from drill.run.facts import Role, read_facts
from drill.run.inputs import errata_of
from drill.run.stored import read_recordings

FIRST = """# Operations

## 1. Down (P0)

```bash
kubectl get nodes
kubectl get pods --watch
```

## Costs

```bash
kubectl get nodes
```
"""
CORRECTED = """# Operations

## Down

```bash
# look
kubectl get nodes  # RB-001
kubectl get pods
```
"""
NODES, WATCH, COSTS = 6, 7, 13
THERE = 7
RAN = Shape(
    runbook="runbook/corrected.md",
    line=6,
    criteria=(),
    commands=((THERE, "kubectl get nodes", 3.2, 3.5, 0, False, ""),),
)


def _first(tmp_path: Path, *shapes: Shape, errata: str = "[]") -> AnnotatedRunbook:
    texts: dict[tuple[Role, str], str] = {
        ("runbook as written", "runbook/first.md"): FIRST,
        ("runbook", "runbook/corrected.md"): CORRECTED,
        ("errata", "runbook/errata.yaml"): errata,
    }
    folder, verdicts = make_run(tmp_path, shapes, texts=texts)
    facts, recordings = read_facts(folder), read_recordings(folder, verdicts)
    proofs = prove(errata_of(folder, facts), verdicts, recordings)
    return annotate(folder, facts, verdicts, proofs, recordings)[0]


def _marks(text: AnnotatedRunbook) -> dict[int, str]:
    return {unit.number: unit.mark for unit in text.units}


def test_the_same_words_in_the_same_section_are_proven_there(tmp_path: Path) -> None:
    text = _first(tmp_path, RAN)
    assert _marks(text) == {NODES: "proven", WATCH: "never touched", COSTS: "never touched"}
    assert text.lines[NODES - 1].mark == "proven"
    said = [note.text for note in text.lines[NODES - 1].notes]
    assert said == [f"in the same words at runbook/corrected.md:{THERE}, proven there"]


@pytest.mark.parametrize(
    ("verdict", "mark"), [("inconclusive", "not proven"), ("fail", "not proven"), ("pass", "proven")]
)
def test_they_say_no_more_than_was_shown_there(tmp_path: Path, verdict: str, mark: str) -> None:
    assert _marks(_first(tmp_path, replace(RAN, verdict=verdict)))[NODES] == mark


def test_a_reason_is_idle_where_the_same_words_are_proven(tmp_path: Path) -> None:
    texts: dict[tuple[Role, str], str] = {
        ("runbook as written", "runbook/first.md"): FIRST,
        ("runbook", "runbook/corrected.md"): CORRECTED,
        ("not drilled", "runbook/not-drilled.yaml"): (
            "not_drilled:\n- {text: first.md, section: 1. Down (P0), line: kubectl get nodes, reason: x}\n"
        ),
    }
    folder, _ = make_run(tmp_path, [RAN], texts=texts)
    with pytest.raises(InputError, match="no entry for what is proven"):
        _ = CoveredRuns([folder]).units


def test_a_line_with_a_defect_has_nothing_from_the_other_text(tmp_path: Path) -> None:
    defect = {
        "id": "RB-001",
        "section": "Down",
        "line": NODES,
        "what": "nobody waits after it",
        "as_written": "drill lint",
        "as_corrected": "drill lint",
        "shown_by": "drill lint r.md",
    }
    text = _first(tmp_path, RAN, errata=yaml.safe_dump([defect]))
    assert _marks(text)[NODES] == "not drilled"
    assert text.lines[NODES - 1].notes[0].text == "not drilled: RB-001 is shown by `drill lint r.md`"


def test_a_line_that_failed_here_has_nothing_from_the_other_text(tmp_path: Path) -> None:
    here = replace(
        RAN,
        drill=AS_WRITTEN.drill,
        scenario=AS_WRITTEN.scenario,
        runbook="runbook/first.md",
        line=NODES,
        commands=((NODES, "kubectl get nodes", 3.2, 3.5, 1, False, ""),),
        verdict="fail",
        expected="fail",
    )
    assert _marks(_first(tmp_path, RAN, here))[NODES] == "not proven"
    well = replace(here, commands=((NODES, "kubectl get nodes", 3.2, 3.5, 0, False, ""),))
    assert _marks(_first(tmp_path / "well", RAN, well))[NODES] == "proven"
