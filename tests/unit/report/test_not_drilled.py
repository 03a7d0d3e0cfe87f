"""not-drilled.yaml: the reason why a line has no drill, and what is wrong with an entry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from recorded_runs import Shape, make_run

from drill.cli import cli
from drill.conduct.coverage import CoveredRuns, missing_lines
from drill.errors import InputError, UsageError
from drill.report.not_drilled import check_not_drilled
from drill.run.facts import Role

NAME = "runbook/r.md"
TEXT = """# Operations

## Down

```bash
kubectl get nodes
kubectl patch web \\
    --patch '{}'
```

## Limits

- **Error Rate**: < 0.1%
- **Queue**: < 5
"""
NODES, PATCH, RATE, QUEUE = 6, 7, 13, 14
RAN_NODES = Shape(
    runbook=NAME,
    line=NODES,
    criteria=(),
    commands=((NODES, "kubectl get nodes", 3.2, 3.5, 0, False, ""),),
)
PATCHING = """- text: r.md
  section: Down
  line: "--patch '{}'"
  reason: nobody may
"""


def _run(reports: Path, entries: str, *, shape: Shape = RAN_NODES, kept: bool = True) -> Path:
    texts: dict[tuple[Role, str], str] = {("runbook", NAME): TEXT}
    if kept:
        texts["not drilled", "runbook/not-drilled.yaml"] = f"not_drilled:\n{entries}"
    return make_run(reports, [shape], texts=texts)[0]


def _marks(run: Path, beside: Path | None = None) -> Mapping[int, str]:
    ((_, units),) = CoveredRuns([run], beside).units
    return {unit.number: unit.mark for unit in units}


def test_a_line_with_a_reason_is_not_drilled_and_one_without_never_touched(tmp_path: Path) -> None:
    run = _run(tmp_path, PATCHING)
    assert _marks(run) == {
        NODES: "proven",
        PATCH: "not drilled",
        RATE: "never touched",
        QUEUE: "never touched",
    }
    listed = missing_lines(CoveredRuns([run]))
    assert f"{NAME}:{PATCH:<4} command, not drilled (nobody may): kubectl patch web \\" in listed
    assert listed[-1] == f"3 of 4 of {NAME} are not shown to work, 1 of them for a named reason"
    done = CliRunner().invoke(cli, ["report", str(run)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "not drilled: nobody may" in (run / "index.html").read_text()


def test_an_entry_without_a_line_is_of_all_in_the_section(tmp_path: Path) -> None:
    marks = _marks(_run(tmp_path, "- {text: r.md, section: Limits, reason: too long a wait}\n"))
    assert (marks[RATE], marks[QUEUE], marks[PATCH]) == ("not drilled", "not drilled", "never touched")


def test_what_a_drill_could_not_decide_stays_not_proven(tmp_path: Path) -> None:
    shape = Shape(**{**RAN_NODES.__dict__, "verdict": "inconclusive"})
    entry = "- {text: r.md, section: Down, line: kubectl get nodes, reason: nobody may}\n"
    assert _marks(_run(tmp_path, entry, shape=shape))[NODES] == "not proven"


def test_what_was_proven_meanwhile_is_refused_with_file_line_and_value(tmp_path: Path) -> None:
    run = _run(tmp_path, f"{PATCHING}- text: r.md\n  section: Down\n  line: kubectl get nodes\n  reason: x\n")
    with pytest.raises(InputError) as error:
        _marks(run)
    said = str(error.value)
    assert f"{run / 'inputs' / 'runbook' / 'not-drilled.yaml'}:8" in said
    assert "'kubectl get nodes'" in said
    assert f"no entry for what is proven ({RAN_NODES.drill}): take it out" in said


@pytest.mark.parametrize(
    ("entry", "line", "said"),
    [
        (
            "{text: s.md, section: Down, reason: x}",
            2,
            "expected the name of a text: r.md",
        ),
        (
            "{text: r.md, section: Dwn, reason: x}",
            2,
            "expected the title of a section of r.md: Down",
        ),
        ("{text: r.md, section: Operations, reason: x}", 2, "a section with a command"),
        (
            "{text: r.md, section: Down, line: kubectl get node, reason: x}",
            2,
            "expected a line of a command, number or item of 'Down', such as kubectl get nodes",
        ),
        ("{text: r.md, section: Down, reason: ' '}", 2, "reason"),
        ("{text: r.md, section: Down, because: x}", 2, "because"),
        ("r.md", 2, "'r.md' is not right here: expected not_drilled.0: names with values"),
        (
            "{text: r.md, section: Limits, reason: x}\n- {text: r.md, section: Limits, reason: y}",
            3,
            "named once",
        ),
    ],
)
def test_a_wrong_entry_is_refused_before_anything_runs(
    tmp_path: Path, entry: str, line: int, said: str
) -> None:
    (tmp_path / "r.md").write_text(TEXT)
    (tmp_path / "not-drilled.yaml").write_text(f"not_drilled:\n- {entry}\n")
    with pytest.raises(InputError) as error:
        check_not_drilled(tmp_path, "r.md", None)
    assert f"not-drilled.yaml:{line}" in str(error.value)
    assert said in str(error.value)


def test_a_folder_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text(TEXT)
    (tmp_path / "not-drilled.yaml").mkdir()
    with pytest.raises(UsageError, match=r"not-drilled\.yaml: a folder: name the file"):
        check_not_drilled(tmp_path, "r.md", None)


def test_an_empty_file_is_told_what_belongs_into_it(tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text(TEXT)
    (tmp_path / "not-drilled.yaml").write_text("# nothing yet\n")
    with pytest.raises(InputError, match=r"the file: names with values \(not_drilled\)"):
        check_not_drilled(tmp_path, "r.md", None)


def test_a_title_that_two_sections_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text(f"{TEXT}\n## Down\n\n- < 5 s\n")
    (tmp_path / "not-drilled.yaml").write_text("not_drilled:\n- {text: r.md, section: Down, reason: x}\n")
    with pytest.raises(InputError, match=r"only one section of r\.md has; those at lines 3, 16 share it"):
        check_not_drilled(tmp_path, "r.md", None)


def test_a_run_that_kept_no_such_file_takes_the_one_beside(tmp_path: Path) -> None:
    run = _run(tmp_path / "reports", PATCHING, kept=False)
    assert _marks(run)[PATCH] == "never touched"
    (tmp_path / "not-drilled.yaml").write_text(f"not_drilled:\n{PATCHING}")
    assert _marks(run, tmp_path)[PATCH] == "not drilled"


def test_the_projects_own_entries_are_right() -> None:
    root = Path(__file__).parents[3] / "runbook"
    assert (root / "not-drilled.yaml").is_file()
    check_not_drilled(root, "operations-runbook.md", "as-first-written.md")
