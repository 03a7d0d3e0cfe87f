"""The runs of shards joined: one report, credits across parts, and what does not belong together refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from drill.cli import cli
from drill.errors import SetupError, UsageError
from drill.run.facts import Facts, Finding, Machine, read_facts, write_facts
from drill.run.manifest import check_manifest, write_manifest
from drill.run.stored import read_verdicts
from tests.unit.report.recorded_runs import Shape, make_run

SCALED = Shape(requests_per_second=5.0)
REDIS = replace(SCALED, drill="redis", scenario="Redis is restarted", fault="redis-killed", severity="P1")
RUNBOOK = "# Runbook\n\n## Down\n```bash\nkubectl get pods\n```\n"


def part(
    reports: Path,
    name: str,
    shape: Shape,
    *,
    runbook: str = RUNBOOK,
    ended: bool = True,
    findings: Sequence[Finding] = (),
    **changed: object,
) -> Path:
    texts = {("runbook", "runbook/operations-runbook.md"): runbook}
    folder, _ = make_run(reports, [shape], name=name, texts=texts, findings=findings)  # type: ignore[arg-type]
    facts: Facts = msgspec.structs.replace(read_facts(folder), **changed)
    write_facts(folder, facts)
    if ended:
        write_manifest(folder)
    return folder


def join(reports: Path, *folders: Path) -> Result:
    options = ["join", *map(str, folders), "--reports", str(reports), "--run", "joined"]
    return CliRunner().invoke(cli, options)


def test_the_drills_of_all_parts_are_in_one_report(tmp_path: Path) -> None:
    first, second = part(tmp_path, "one", SCALED), part(tmp_path, "two", REDIS)
    done = join(tmp_path, first, second)
    assert done.exit_code == 0
    assert "Redis is restarted" in done.output
    folder = tmp_path / "joined"
    facts = read_facts(folder)
    assert (facts.run, facts.exit_status) == ("joined", 0)
    assert {drill.drill for drill in facts.drills} == {"scaled-to-zero", "redis"}
    assert [verdict.drill for verdict in read_verdicts(folder, facts)] == [
        drill.drill for drill in facts.drills
    ]
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "Redis is restarted" in page
    assert SCALED.scenario in page
    alterations = check_manifest(folder)
    assert alterations is not None
    assert not alterations
    assert not check_manifest(first)


def test_not_selected_is_what_no_part_selects(tmp_path: Path) -> None:
    first = part(tmp_path, "one", SCALED, not_selected=["Redis is restarted", "Nobody acts"])
    second = part(tmp_path, "two", REDIS, not_selected=["Nobody acts", SCALED.scenario])
    assert join(tmp_path, first, second).exit_code == 0
    assert read_facts(tmp_path / "joined").not_selected == ["Nobody acts"]


def test_the_exit_status_is_that_of_all(tmp_path: Path) -> None:
    first = part(tmp_path, "one", SCALED)
    second = part(tmp_path, "two", REDIS, findings=[Finding("failure", "Redis is restarted", "it was not")])
    assert join(tmp_path, first, second).exit_code == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target": "Another"}, "another target than"),
        ({"machine": Machine(cores=64)}, "another number of cores than"),
        ({"runbook": RUNBOOK + "more\n"}, "another runbook/operations-runbook.md than"),
    ],
)
def test_what_was_made_with_something_else_is_refused(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    first = part(tmp_path, "one", SCALED)
    second = part(tmp_path, "two", REDIS, **changed)  # type: ignore[arg-type]
    error = join(tmp_path, first, second).exception
    assert isinstance(error, UsageError)
    assert said in str(error)
    assert not (tmp_path / "joined").exists()


def test_a_drill_in_two_parts_a_part_that_did_not_end_and_an_altered_one_are_refused(tmp_path: Path) -> None:
    first, same = part(tmp_path, "one", SCALED), part(tmp_path, "two", SCALED)
    error = join(tmp_path, first, same).exception
    assert isinstance(error, UsageError)
    assert "was drilled in" in str(error)
    killed = part(tmp_path, "three", REDIS, ended=False)
    error = join(tmp_path, first, killed).exception
    assert isinstance(error, UsageError)
    assert "did not end" in str(error)
    altered = part(tmp_path, "four", REDIS)
    (altered / "evidence" / "redis" / "requests.jsonl").write_text("")
    assert isinstance(join(tmp_path, first, altered).exception, SetupError)
