"""What was measured apart from a run, in its folder and its report: wrong sections, and commands left out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from recorded_runs import WALL, Shape, make_run

from drill import settings as target_settings
from drill.cli import cli
from drill.conduct.apart import put_into
from drill.conduct.rejudge import rejudge
from drill.errors import InputError, SetupError, UsageError
from drill.report import write_report
from drill.report.chapters import ChapterPlace
from drill.report.matrix import Matrix, MatrixEntry, MatrixRow, with_apart
from drill.report.needed import needed_view
from drill.report.words import apart_text
from drill.run.apart import (
    AblatedProcedure,
    CrossedCell,
    CrossedRow,
    LeftOutCommand,
    NeededCommands,
    SymptomShare,
    SymptomShares,
    WrongSections,
    needed_commands_of,
    symptom_shares_of,
    wrong_sections_of,
)
from drill.run.facts import Role
from drill.run.manifest import check_manifest, write_manifest
from drill.settings import Settings

ROOT = Path(__file__).parents[3]
DAY = 86400.0
BEGAN = WALL - 60
DOWN, RATE = ChapterPlace("1. Service Completely Down (P0)", 24), ChapterPlace("2. High Error Rate (P1)", 89)
CROSSED = WrongSections(
    [
        CrossedRow(
            "redis-full",
            "out",
            [
                CrossedCell(DOWN.title, "Undo it", "worse", "3 writes lost, alone 0", BEGAN - 2 * DAY),
                CrossedCell("3. Slow", "Clear <it>", "not run"),
            ],
        ),
        CrossedRow("node-lost", "served", [CrossedCell(RATE.title, "Restart", "harmless", "", BEGAN - DAY)]),
        CrossedRow("cpu-hog", "unmeasured", [CrossedCell(DOWN.title, "Undo it", "not run")]),
    ]
)
NEEDED = NeededCommands(
    [
        AblatedProcedure(
            DOWN.title,
            [
                LeftOutCommand(34, "kubectl get <pods>", "not shown to be needed"),
                LeftOutCommand(66, "kubectl undo", "needed", "'A release' fails without it"),
                LeftOutCommand(67, "kubectl status", "not run"),
            ],
        ),
        AblatedProcedure("Weekly Checklist", [LeftOutCommand(300, "date", "not run")]),
    ],
    (BEGAN - 2 * DAY, BEGAN + 7200),
)

SHARES = SymptomShares(
    21,
    [
        SymptomShare(
            RATE.title, "errors > 5%", (3.0, 3), (2.0, 3), 0.6, (0.147, 0.947), "decided by no drill: x"
        ),
        SymptomShare(RATE.title, "", (0.5, 6), (4.0, 9), None, None, "decided by no drill: x"),
        SymptomShare(DOWN.title, "nobody answers", (0.0, 0), (1.0, 9), None, None, "drills of y would tell"),
    ],
    ["Down / /health fails: nobody asks"],
)


def _place(title: str) -> ChapterPlace:
    return next((each for each in (DOWN, RATE) if each.title == title), ChapterPlace(title, None))


def _settings() -> Settings:
    return target_settings.load(ROOT / "drill.toml")


def _run(tmp_path: Path, *, ended: bool = True, text: str | None = None) -> Path:
    whole = (ROOT / "runbook/operations-runbook.md").read_text() if text is None else text
    texts: dict[tuple[Role, str], str] = {("runbook", "runbook/operations-runbook.md"): whole}
    folder, verdicts = make_run(tmp_path, [Shape(requests_per_second=5.0)], name="one", texts=texts)
    write_report(folder, verdicts)
    if ended:
        write_manifest(folder)
    return folder


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_run_has_it_and_still_stands_alone(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    rejudge(folder)
    assert "drill matrix --into" in (folder / "index.html").read_text()
    for measured in (CROSSED, NEEDED, SHARES):
        put_into(folder, _settings(), measured)
    found = wrong_sections_of(folder), needed_commands_of(folder), symptom_shares_of(folder)
    assert found == (CROSSED, NEEDED, SHARES)
    assert not check_manifest(folder)
    before = _content(folder)
    names = ("wrong-sections", "needed-commands", "symptom-shares")
    assert {f"apart/{name}.json" for name in names} <= set(before)
    assert rejudge(folder).notes == []
    assert _content(folder) == before


def test_the_page_shows_it_as_drilled_apart(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    for measured in (CROSSED, NEEDED, SHARES):
        put_into(folder, _settings(), measured)
    page = (folder / "index.html").read_text()
    view = page[page.index('id="matrix"') : page.index('id="calls"')]
    assert "the first 2 days before this run, the last 1 day before this run: 2 of 4 pairs" in view
    assert re.search(r'<span class="apart worse" title="Undo it">✕ worse <span role="img"', view)
    assert "<li>redis-full, 1. Service Completely Down (P0): 3 writes lost, alone 0</li>" in view
    assert "cpu-hog" not in view
    shares = view[view.index('id="symptoms"') :]
    assert "From 21 drills of this run." in shares
    assert "<b>60 %</b> (15 to 95 %)" in shares
    assert shares.count("inconclusive") == 2
    assert re.search(r"2\. High Error Rate.*all of them.*1\. Service Completely Down", shares, re.DOTALL)
    assert shares.count("2. High Error Rate (P1): decided by no drill: x.") == 1
    assert "Told by no recording: Down / /health fails: nobody asks." in shares
    needed = page[page.index('id="needed"') :]
    assert "kubectl get &lt;pods&gt;" in needed
    assert '<td class="number">1</td><td class="number">1</td><td class="number">0</td>' in needed
    assert "None left out yet of: Weekly Checklist (1 command)." in needed
    assert "the last 2 hours after this run began" in needed
    assert "--into" not in view + needed


def test_a_run_of_another_text_takes_nothing(tmp_path: Path) -> None:
    folder = _run(tmp_path, text="# Another\n\n## Section\n\n```bash\ntrue\n```\n")
    before = _content(folder)
    with pytest.raises(UsageError, match="expected a run of the same text"):
        put_into(folder, _settings(), CROSSED)
    assert _content(folder) == before


def test_a_run_that_did_not_end_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this run did not end"):
        put_into(_run(tmp_path, ended=False), _settings(), CROSSED)


def test_what_was_put_in_may_not_be_altered(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    put_into(folder, _settings(), CROSSED)
    file = folder / "apart/wrong-sections.json"
    file.write_text(file.read_text().replace('"worse"', '"helps"'))
    with pytest.raises(SetupError, match=r"altered: apart/wrong-sections\.json"):
        rejudge(folder)


@pytest.mark.parametrize("text", ["{", '{"rows": [{"fault": "x", "alone": "dead", "cells": []}]}'])
def test_a_file_that_is_not_right_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart/wrong-sections.json").write_text(text)
    with pytest.raises(InputError, match=r"wrong-sections\.json"):
        wrong_sections_of(tmp_path)


def test_rows_and_columns_of_both_stand_in_the_order_of_the_text() -> None:
    own = MatrixEntry("drill", "scenario", "helps", "helps: 3 s", as_expected=True, as_written=False)
    alone = replace(own, drill="alone", kind="open", words="stays out")
    found = with_apart(Matrix([RATE], [MatrixRow("redis-full", [alone], [[own]])]), CROSSED, _place, BEGAN)
    assert found.sections == [DOWN, RATE]
    assert [row.fault for row in found.rows] == ["node-lost", "redis-full"]
    lost, full = found.rows
    assert [entry.words for entry in lost.alone] == ["served"]
    assert [[entry.words for entry in cell] for cell in lost.cells] == [[], ["harmless"]]
    assert full.alone == [alone]
    assert [[entry.words for entry in cell] for cell in full.cells] == [["worse"], ["helps: 3 s"]]
    assert found.apart is not None
    assert (found.apart.made, found.apart.wanted) == (2, 4)


def test_what_was_not_measured_changes_nothing() -> None:
    own = Matrix([RATE], [])
    assert with_apart(own, None, _place, BEGAN) == own
    assert needed_view(None, BEGAN) is None
    none_run = with_apart(own, WrongSections(CROSSED.rows[2:]), _place, BEGAN)
    assert (none_run.rows, none_run.sections) == ([], [RATE])
    assert none_run.apart is not None
    assert (none_run.apart.made, none_run.apart.when) == (0, "")


def test_the_time_is_told_from_the_run() -> None:
    assert apart_text(BEGAN, (BEGAN - 3 * DAY, BEGAN - 3 * DAY)) == "3 days before this run"
    assert apart_text(BEGAN, (BEGAN - 3 * DAY, BEGAN + 60)) == (
        "the first 3 days before this run, the last 1 minute after this run began"
    )


def test_the_commands_put_in_what_they_know(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    kept = str(tmp_path / "kept")
    options = ["--features", str(ROOT / "features"), "--told", "--folder", kept, "--into", str(folder)]
    for command in (["matrix", "--fault", "redis-slow"], ["ablation", "--only", "Down"]):
        CliRunner().invoke(
            cli,
            ["--target", str(ROOT / "drill.toml"), *command, *options],
            catch_exceptions=False,
            standalone_mode=False,
        )
    crossed, needed = wrong_sections_of(folder), needed_commands_of(folder)
    assert crossed is not None
    assert needed is not None
    assert {cell.effect for row in crossed.rows for cell in row.cells} == {"not run"}
    assert [row.fault for row in crossed.rows] == ["redis-slow"]
    (procedure,) = needed.procedures
    assert procedure.heading == DOWN.title
    assert "kubectl rollout undo" in " ".join(each.command for each in procedure.commands)
    assert needed.began_walls is None


def test_the_shares_are_those_of_the_runs_own_recordings(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    made_elsewhere, _ = make_run(
        tmp_path, [replace(Shape(requests_per_second=5.0), drill="other")], name="two"
    )
    assert made_elsewhere.parent == folder.parent
    command = ["--target", str(ROOT / "drill.toml"), "matrix", "--into", str(folder)]
    CliRunner().invoke(cli, [*command, "--symptoms"], catch_exceptions=False, standalone_mode=False)
    shares = symptom_shares_of(folder)
    assert shares is not None
    assert shares.drills == 1
    assert {each.section for each in shares.shares} >= {DOWN.title, RATE.title}
    assert {each.share for each in shares.shares} == {None}
    assert all("would tell" in each.why for each in shares.shares)
    with pytest.raises(UsageError, match="expected it without --answers"):
        CliRunner().invoke(cli, [*command, "--answers"], catch_exceptions=False, standalone_mode=False)
