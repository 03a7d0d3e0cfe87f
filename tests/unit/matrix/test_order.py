"""Which pairs of a fault and a procedure come first, what stands for a section, and which kept controls stand
for nobody acting. No cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from drill.lint.document import parse_document
from drill.matrix.crossing import (
    CrossedFault,
    CrossedProcedure,
    Crossing,
    changing_lines,
    chapter_line,
    crossed,
)
from drill.matrix.kept import reuse_controls, stands_for_nobody
from drill.matrix.order import emergencies_once, in_order
from drill.matrix.state import CrossedState
from drill.matrix.words import as_json, table_lines
from drill.matrix.work import CrossingPlan, outlook
from drill.run.kept import Ground, Kept, Note
from drill.runbook import parse
from tests.unit.report.recorded_runs import CONTROL, Shape, make_run

DOWN, SLOW, BREACH, OTHER = "1. Down (P0)", "2. Slow (P1)", "Breach (P0)", "Tuning"


def procedure(
    title: str, section: str, line: int, *, chapter: int = 1, repairs: int = 0, looks: int = 0
) -> CrossedProcedure:
    sections = (section,) * (1 + looks)
    return CrossedProcedure(title, sections, "P0", (), (title,), line, chapter, repairs)


PROCEDURES = (
    procedure("tune", OTHER, 90, chapter=80),
    procedure("isolate", BREACH, 70, chapter=60),
    procedure("look at it", DOWN, 10, looks=3),
    procedure("undo", DOWN, 10, repairs=1),
    procedure("look and undo", DOWN, 10, repairs=1, looks=1),
    procedure("wait", SLOW, 20),
)
FAULTS = tuple(CrossedFault(name, "Elsewhere") for name in ("gone", "hog", "lock"))
ALL = crossed(FAULTS, PROCEDURES)


def titles(found: Sequence[Crossing]) -> list[tuple[str, str]]:
    return [(each.fault.name, each.procedure.title if each.procedure else "") for each in found]


def test_who_follows_most_places_that_change_something_stands_for_a_section() -> None:
    ranks = {each.procedure.title: each.rank for each in ALL[:7] if each.procedure}
    assert ranks == {"look and undo": 0, "undo": 1, "look at it": 2, "wait": 0, "isolate": 0, "tune": 0}
    own = crossed([CrossedFault("gone", SLOW)], [*PROCEDURES, replace(PROCEDURES[4], sections=(SLOW, DOWN))])
    assert {each.rank for each in own if each.procedure and each.procedure.title == "undo"} == {1}


def test_emergency_sections_once_is_what_a_quarter_has_time_for() -> None:
    found = emergencies_once(ALL[:7])
    assert titles(found) == [("gone", ""), ("gone", "look and undo"), ("gone", "wait"), ("gone", "isolate")]


def test_where_no_heading_states_a_severity_every_section_counts() -> None:
    plain = [replace(each, sections=("Plain " + each.section[:4],)) for each in PROCEDURES]
    found = emergencies_once(crossed(FAULTS[:1], plain))
    assert titles(found) == [
        ("gone", ""),
        ("gone", "undo"),
        ("gone", "wait"),
        ("gone", "isolate"),
        ("gone", "tune"),
    ]


def test_a_table_that_is_broken_off_is_filled_evenly() -> None:
    order = titles(in_order(ALL, ALL, lambda _: False))
    assert order[:6] == [
        ("gone", ""),
        ("gone", "look and undo"),
        ("hog", ""),
        ("hog", "wait"),
        ("lock", ""),
        ("lock", "look and undo"),
    ]
    # each fault has got a second section before any of another chapter
    assert order[6:9] == [("gone", "wait"), ("hog", "look and undo"), ("lock", "wait")]
    assert [title for _, title in order[9:15]] == ["isolate"] * 3 + ["tune"] * 3
    assert {title for _, title in order[15:18]} == {"undo"}
    assert {title for _, title in order[18:]} == {"look at it"}
    assert sorted(order) == sorted(titles(ALL))


def test_a_pair_that_is_decided_at_once_comes_before_one_that_needs_two_drills() -> None:
    known = {Crossing(FAULTS[1], None)}
    order = titles(
        in_order(ALL, [each for each in ALL if each not in known], lambda fault: fault == FAULTS[1])
    )
    assert order[:3] == [("hog", "wait"), ("gone", ""), ("gone", "look and undo")]
    assert ("hog", "") not in order


def test_nobody_is_not_drilled_for_its_own_sake() -> None:
    waiting = [each for each in ALL if each.procedure is None]
    assert in_order(ALL, waiting, lambda _: False) == []


def test_what_changes_the_cluster_is_told_by_the_verb() -> None:
    text = (
        "# T\n\n```bash\nkubectl get pods\nkubectl exec deploy/web -- kill 1\n"
        "kubectl scale deploy web --replicas=2\nkubectl rollout status deploy/web\n"
        "kubectl set selector service/web app=web\n```\n"
    )
    assert changing_lines(parse_document(Path("t.md"), text)) == {6, 8}


def test_a_chapter_is_outermost_below_the_title(tmp_path: Path) -> None:
    file = tmp_path / "t.md"
    file.write_text("# T\n\n## A\n\n### B\n\n#### C\n\n```bash\ntrue\n```\n\n## D\n\n```bash\ntrue\n```\n")
    runbook = parse(file)
    assert [chapter_line(runbook, each) for each in runbook.sections] == [1, 3, 3, 3, 13]


def test_it_is_told_beforehand_how_long_it_takes() -> None:
    said = "21 drills to make: 18 of procedures, 3 of nobody acting; about 21 min, 60 s each"
    assert outlook(ALL, 60.0, None) == said
    assert outlook(ALL, 60.0, 5.0) == f"{said}; in 5 min about 5 of them"
    assert outlook(ALL, 60.0, 90.0) == f"{said}; in 90 min about 21 of them"
    assert outlook([], 60.0, 5.0) == "0 drills to make: 0 of procedures, 0 of nobody acting"


STAYS_OUT = replace(CONTROL, requests_per_second=5.0)


def a_plan() -> CrossingPlan:
    return CrossingPlan("# Runbook\n", tuple(crossed(FAULTS[:1], PROCEDURES[:1])), "P0", "[target]")


def kept_control(tmp_path: Path, shape: Shape, *, stale: str = "") -> Kept:
    run, (verdict,) = make_run(tmp_path, [shape], name="earlier")
    note = Note(Ground("t", "v", "l"), "earlier", 1_795_000_000.0, {}, faults=("gone",))
    return Kept(run / verdict.evidence, note, 7200.0, stale)


def test_a_kept_control_stands_for_nobody_acting(tmp_path: Path) -> None:
    plan, state, said = a_plan(), CrossedState(tmp_path / "state.json"), [""][:0]
    kept = kept_control(tmp_path, STAYS_OUT)
    reuse_controls(plan, state, lambda _: [kept], 20.0, said.append)
    assert said == ["Under gone acts nobody: known from run earlier, 2 hours ago"]
    assert plan.unknown_alone(state) == []
    assert [each.procedure for each in plan.unknown(state)] == [PROCEDURES[0]]
    assert list(table_lines(plan, CrossedState(state.file)))[2] == "| gone | Elsewhere | out | not run |"
    assert as_json(plan, state)["faults"][0]["alone"]["taken_from"] == "earlier"
    assert state.mean_seconds == 0


@pytest.mark.parametrize("why", ["stale", "watched too briefly", "none"])
def test_a_control_that_does_not_say_the_same_is_drilled_anew(tmp_path: Path, why: str) -> None:
    plan, state = a_plan(), CrossedState(tmp_path / "state.json")
    kept = kept_control(tmp_path, STAYS_OUT, stale="the fault has changed" if why == "stale" else "")
    patience = 60.0 if why == "watched too briefly" else 20.0
    reuse_controls(plan, state, lambda _: [] if why == "none" else [kept], patience, [""].append)
    assert [each.title for each in plan.unknown_alone(state)] == ["Under gone acts nobody"]


def test_a_control_in_which_users_were_served_again_is_long_enough(tmp_path: Path) -> None:
    _, (verdict,) = make_run(tmp_path, [replace(Shape(requests_per_second=5.0), control=True)], name="one")
    assert stands_for_nobody(verdict, 900.0)
    assert not stands_for_nobody(msgspec.structs.replace(verdict, flapping=True), 900.0)
    assert not stands_for_nobody(msgspec.structs.replace(verdict, recovered_seconds=None), 900.0)
