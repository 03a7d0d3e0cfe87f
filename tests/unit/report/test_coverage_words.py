"""`drill coverage --run`: how many of each kind have which word, which lines nobody has shown to work, and
several runs as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from recorded_runs import Shape, make_run

from drill.cli import cli
from drill.conduct.coverage import CoveredRuns, missing_lines, run_coverage_lines
from drill.errors import UsageError
from drill.judge.verdict import Criterion
from drill.lint.document import parse_document
from drill.report.marks import kinds, units
from drill.run.facts import Role

NAME = "runbook/r.md"
TEXT = """# Operations

## Down

```bash
kubectl get nodes
kubectl get pods
```

- **P0**: < 15 minutes
- **Error Rate**: < 0.1%
- [ ] Are backups made?

```yaml
- alert: Down
  expr: up == 0
```

```text
Subject: {severity}
```

| P1 | 1 hour |
| limit | 5 s |
"""
NODES, PODS, P0, RATE, BOX, ALERT, SUBJECT, P1, LIMIT = (
    next(number for number, line in enumerate(TEXT.splitlines(), start=1) if words in line)
    for words in (
        "get nodes",
        "get pods",
        "P0",
        "Error",
        "[ ]",
        "alert: Down",
        "Subject",
        "| P1",
        "| limit",
    )
)
WELL = Shape(
    runbook=NAME,
    line=NODES,
    criteria=(),
    commands=((NODES, "kubectl get nodes", 3.2, 3.5, 0, False, ""),),
)
LATER = replace(
    WELL, drill="later", line=PODS, commands=((PODS, "kubectl get pods", 3.2, 3.5, 0, False, ""),)
)


def _run(reports: Path, shapes: Sequence[Shape], *, name: str, text: str = TEXT) -> Path:
    texts: dict[tuple[Role, str], str] = {("runbook", NAME): text}
    return make_run(reports, shapes, name=name, texts=texts)[0]


def test_each_unit_is_of_one_kind() -> None:
    document = parse_document(Path("r.md"), TEXT)
    assert kinds(document, set(units(document).values())) == {
        NODES: "command",
        PODS: "command",
        P0: "severity",
        RATE: "number",
        BOX: "checklist item",
        ALERT: "alert",
        SUBJECT: "other block",
        P1: "severity",
        LIMIT: "number",
    }
    assert kinds(document, [3, 4]) == {3: "other line", 4: "other line"}


@pytest.mark.parametrize("text", ["- **P95**: 5 s", "- P0.5 is 1", "- a P1 in 5 s", "| SLO1 | 5 |"])
def test_what_only_looks_like_a_severity_is_a_number(text: str) -> None:
    document = parse_document(Path("r.md"), f"# T\n\n{text}\n")
    assert kinds(document, set(units(document).values())) == {3: "number"}


def test_kinds_are_counted_by_word(tmp_path: Path) -> None:
    held = Criterion("error_rate", "pass", source=f"r.md:{RATE}")
    run = _run(tmp_path, [replace(WELL, criteria=(held,))], name="one")
    steps, table = run_coverage_lines(CoveredRuns([run])), 5
    assert steps[:2] == [f"r.md:{NODES:<4} Down  [drilled: {WELL.drill}]", steps[1]]
    assert steps[table - 1 :] == [
        "",
        f"| {NAME} | proven | never touched | all |",
        "|---|---:|---:|---:|",
        "| command | 1 | 1 | 2 |",
        "| other block | 0 | 1 | 1 |",
        "| alert | 0 | 1 | 1 |",
        "| severity | 0 | 2 | 2 |",
        "| checklist item | 0 | 1 | 1 |",
        "| number | 1 | 1 | 2 |",
        "| all | 2 | 7 | 9 |",
    ]


def test_where_nothing_is_missing_never_touched_says_none(tmp_path: Path) -> None:
    text = "# Operations\n\n## Down\n\n```bash\n# look\nkubectl get nodes\n```\n"
    shape = replace(WELL, line=7, commands=((7, "kubectl get nodes", 3.2, 3.5, 0, False, ""),))
    runs = CoveredRuns([_run(tmp_path, [shape], name="one", text=text)])
    assert missing_lines(runs)[1:] == [
        f"| {NAME} | proven | never touched | all |",
        "|---|---:|---:|---:|",
        "| command | 1 | 0 | 1 |",
        "| all | 1 | 0 | 1 |",
        "",
        f"0 of 1 of {NAME} are not shown to work",
    ]


def test_lines_that_are_not_shown_to_work_are_listed_with_their_number(tmp_path: Path) -> None:
    failed = replace(WELL, verdict="fail")
    listed = missing_lines(CoveredRuns([_run(tmp_path, [failed], name="one")]))
    assert f"{NAME}:{NODES:<4} command, not proven ({WELL.drill}): kubectl get nodes" in listed
    assert f"{NAME}:{BOX:<4} checklist item, never touched: - [ ] Are backups made?" in listed
    assert listed[-1] == f"9 of 9 of {NAME} are not shown to work"


def test_several_runs_are_counted_as_one(tmp_path: Path) -> None:
    one, two = _run(tmp_path, [WELL], name="one"), _run(tmp_path, [LATER], name="two")
    done = CliRunner().invoke(cli, ["coverage", "--run", str(one), "--run", str(two)], catch_exceptions=False)
    assert f"[drilled: {WELL.drill}, later]" in done.output
    assert "| command | 2 | 0 | 2 |" in done.output
    alone = CliRunner().invoke(cli, ["coverage", "--run", str(two), "--missing"], catch_exceptions=False)
    assert "| command | 1 | 1 | 2 |" in alone.output
    assert f"{NAME}:{NODES:<4} command, never touched" in alone.output


def test_a_failure_in_one_run_outweighs_what_went_well_in_another(tmp_path: Path) -> None:
    worse = replace(LATER, line=NODES, commands=((NODES, "kubectl get nodes", 3.2, 3.5, 1, False, ""),))
    one = _run(tmp_path, [WELL], name="one")
    two = _run(tmp_path, [replace(worse, verdict="fail")], name="two")
    assert f"{NAME}:{NODES:<4} command, not proven ({WELL.drill}, later): kubectl get nodes" in (
        missing_lines(CoveredRuns([one, two]))
    )


def test_runs_of_different_texts_are_refused(tmp_path: Path) -> None:
    one = _run(tmp_path, [WELL], name="one")
    two = _run(tmp_path, [LATER], name="two", text=TEXT + "\nmore\n")
    with pytest.raises(UsageError, match=f"another {NAME} than .*one has: expected runs of the same texts"):
        CoveredRuns([one, two])


def test_nothing_is_missing_of_no_run() -> None:
    with pytest.raises(UsageError, match="expected --run FOLDER"):
        CliRunner().invoke(cli, ["coverage", "--missing"], catch_exceptions=False, standalone_mode=False)
