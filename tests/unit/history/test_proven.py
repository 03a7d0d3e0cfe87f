"""When each piece of the runbook was last proven, and what makes a proof stale."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from stored_runs import DAY, FIRST_WALL, IMAGES, RUNBOOK, SMALL, store_run

from drill.alerts.rules import alert_rules
from drill.errors import InputError
from drill.history.badge import badge
from drill.history.proven import LastProven, last_proven, terms_of
from drill.history.store import History
from drill.history.taken import digest_of_rule
from drill.history.words import proven_table
from drill.judge.verdict import Criterion
from drill.recording.events import AlertSpell, AlertsReplayed
from drill.runbook import parse
from tests.unit.report.recorded_runs import Shape

BLOCK = "Service Completely Down (P0) / Immediate Actions"
ITEM = "Weekly Checklist / Restore a backup, for practice"
FAILING = replace(SMALL, verdict="fail", recovered=False, out=(0.42, 48.0), why="users were still out")
NEW = {**IMAGES, "redis/redis": "redis@sha256:dddd"}


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.sqlite")


def pieces(
    history: History,
    *,
    text: str = RUNBOOK,
    day: float = 1.0,
    most_days: float = 30,
    checklists: dict[str, tuple[str, ...]] | None = None,
) -> dict[str, LastProven]:
    """By name, as of so many days after the first run."""
    file = history.file.with_name("operations-runbook.md")
    file.write_text(text)
    named = [{"item": item, "scenarios": list(titles)} for item, titles in (checklists or {}).items()]
    file.with_name("checklists.yaml").write_text(yaml.safe_dump({"checklists": named}))
    drills = history.drills()
    terms = terms_of(drills, FIRST_WALL + day * DAY, most_days)
    return {piece.name: piece for piece in last_proven(parse(file), drills, terms)}


def test_all_that_the_runbook_has_is_listed_in_its_order(history: History) -> None:
    assert [(each.kind, each.name, each.state) for each in pieces(history).values()] == [
        ("procedure", BLOCK, "never"),
        ("procedure", "Service Completely Down (P0) / Later", "never"),
        ("alert", "HighErrorRate", "never"),
        ("checklist item", ITEM, "never"),
        ("checklist item", "Weekly Checklist / Teach the team", "never"),
    ]


def test_a_passing_drill_proves_the_block_that_it_carried_out(history: History) -> None:
    history.add(store_run(history.file.parent, "one"))
    found = pieces(history, day=3)
    assert (found[BLOCK].state, found[BLOCK].days) == ("proven", pytest.approx(3.0))
    assert (found[BLOCK].by, found[BLOCK].credit, found[BLOCK].line) == ("scaled-to-zero", "runbook", 6)
    assert found["Service Completely Down (P0) / Later"].state == "never"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"text": RUNBOOK.replace("--replicas=5", "--replicas=4")}, "its own text has changed"),
        ({"text": RUNBOOK.replace("Teach", "Tell")}, "the runbook has changed elsewhere"),
        ({"day": 31.0}, "longer ago than 30 days"),
    ],
)
def test_a_proof_of_another_text_or_of_long_ago_is_stale(
    history: History, changed: dict[str, object], why: str
) -> None:
    history.add(store_run(history.file.parent, "one"))
    assert pieces(history)[BLOCK].state == "proven"
    found = pieces(history, **changed)[BLOCK]  # type: ignore[arg-type]
    assert (found.state, found.why) == ("stale", why)


def test_a_proof_with_another_image_is_stale(history: History) -> None:
    history.add(store_run(history.file.parent, "one"))
    history.add(
        store_run(history.file.parent, "two", day=1, shapes=[replace(SMALL, procedure_at=None)], images=NEW)
    )
    found = pieces(history)[BLOCK]
    assert (found.state, found.why) == ("stale", "another image of redis/redis")


def test_what_fails_after_it_passed_is_failing_until_it_passes_again(history: History) -> None:
    folder = history.file.parent
    history.add(store_run(folder, "one"))
    history.add(store_run(folder, "two", day=1, shapes=[FAILING]))
    found = pieces(history, day=2)[BLOCK]
    assert (found.state, found.why) == ("failing", "fails since, in run two: users were still out")
    history.add(store_run(folder, "three", day=2))
    assert pieces(history, day=2)[BLOCK].state == "proven"


def test_a_proof_of_a_day_that_has_not_come_is_stale(history: History) -> None:
    """By a clock that was wrong; it would hide for years what fails, and never grow old."""
    history.add(store_run(history.file.parent, "ahead", day=400))
    history.add(store_run(history.file.parent, "after", day=2, shapes=[FAILING]))
    found = pieces(history, day=3)[BLOCK]
    assert found.state == "stale"
    assert found.why.startswith("its day has not come: a clock was wrong")
    assert pieces(history, day=399.5)[BLOCK].state == "proven"


@pytest.mark.parametrize("verdict", ["inconclusive", "not noticed", "setup"])
def test_only_a_pass_proves(history: History, verdict: str) -> None:
    history.add(store_run(history.file.parent, "one", shapes=[replace(SMALL, verdict=verdict)]))
    assert pieces(history)[BLOCK].state == "never"


def test_neither_a_control_nor_a_kept_drill_nor_a_killed_run_proves(history: History) -> None:
    folder = history.file.parent
    history.add(store_run(folder, "control", shapes=[replace(SMALL, control=True)]))
    history.add(store_run(folder, "kept", kept="before"))
    history.add(store_run(folder, "killed", ended=False))
    assert pieces(history)[BLOCK].state == "never"


def test_an_item_of_a_checklist_is_proven_by_all_of_its_scenarios(history: History) -> None:
    folder = history.file.parent
    history.add(store_run(folder, "one", shapes=[replace(SMALL, scenario="First")]))
    both = {ITEM: ("First", "Second")}
    assert pieces(history, checklists=both)[ITEM].state == "never"
    history.add(store_run(folder, "two", day=1, shapes=[replace(SMALL, scenario="Second")]))
    found = pieces(history, checklists=both, day=2)[ITEM]
    assert (found.state, found.days) == ("proven", pytest.approx(2.0))
    history.add(store_run(folder, "three", day=2, shapes=[replace(FAILING, scenario="First")]))
    assert pieces(history, checklists=both, day=2)[ITEM].state == "failing"


def test_an_item_of_a_checklist_is_stale_after_its_period_and_a_day(history: History) -> None:
    history.add(store_run(history.file.parent, "one", shapes=[replace(SMALL, scenario="First")]))
    alone = {ITEM: ("First",)}
    assert pieces(history, checklists=alone, day=7.9)[ITEM].state == "proven"
    found = pieces(history, checklists=alone, day=8.1)[ITEM]
    assert (found.state, found.why) == ("stale", "longer ago than 8 days")


def test_an_item_that_the_runbook_does_not_have_is_an_error(history: History) -> None:
    with pytest.raises(
        InputError, match=r"checklists\.yaml:2: 'Weekly Checklist / Dance.*expected.*Restore a backup"
    ):
        pieces(history, checklists={"Weekly Checklist / Dance": ("First",)})


def test_the_table_is_markdown_and_the_badge_counts_procedures(history: History) -> None:
    assert "0 of 2 procedures proven" in badge(list(pieces(history).values()))
    history.add(store_run(history.file.parent, "one"))
    found = list(pieces(history, day=3).values())
    table = proven_table(found).splitlines()
    assert len({line.count("|") for line in table}) == 1
    assert "| 6 | Service Completely Down (P0) / Immediate Actions | 2026-11-18 (3 days ago) |" in table[2]
    assert "scaled-to-zero in one, runbook" in table[2]
    assert found[0].runbook[:8] in table[2]
    assert "novel-engine aaaaaaaa" in table[2]
    picture = badge(found)
    assert "1 of 2 procedures proven, the oldest 3 d ago" in picture
    history.add(store_run(history.file.parent, "two", day=1, shapes=[FAILING]))
    assert "failing" in badge(list(pieces(history, day=3).values()))


def announced(outcome: str, *fired: str, **more: object) -> Shape:
    """A drill for which HighErrorRate is meant, in which these alerts fire and `detected` says so."""
    replayed = AlertsReplayed(spells=[AlertSpell(name, 60.0, 120.0, 930.0) for name in fired])
    told = Criterion("detected", outcome, value=120.0, unit="s")  # type: ignore[arg-type]
    shape = replace(SMALL, meant=("HighErrorRate",), extra=(replayed,), criteria=(told,))
    return replace(shape, **more)  # type: ignore[arg-type]


def test_an_alert_that_fired_in_time_is_proven_also_by_a_control(history: History) -> None:
    folder = history.file.parent
    history.add(store_run(folder, "one", shapes=[announced("pass", "HighErrorRate")]))
    found = pieces(history, day=3)["HighErrorRate"]
    assert (found.state, found.days, found.by) == ("proven", pytest.approx(3.0), "scaled-to-zero")
    (row,) = (line for line in proven_table([found]).splitlines() if "HighErrorRate" in line)
    (rule,) = alert_rules(parse(folder / "operations-runbook.md")).rules
    assert f"| scaled-to-zero in one | rule {digest_of_rule(rule)[:8]} |" in row
    control = announced("pass", "HighErrorRate", control=True, verdict="fail", expected="fail")
    history.add(store_run(folder, "two", day=2, shapes=[control]))
    assert pieces(history, day=3)["HighErrorRate"].days == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changed", "state", "why"),
    [
        ({"text": RUNBOOK.replace("up == 0", "up == 1")}, "stale", "its own text has changed"),
        ({"text": RUNBOOK.replace("up == 0", "up == 0\n  for: 5m")}, "stale", "its own text has changed"),
        ({"text": RUNBOOK.replace("Teach", "Tell")}, "proven", ""),
        ({"text": RUNBOOK.replace("- alert", "# moved\n- alert")}, "proven", ""),
        ({"day": 31.0}, "stale", "longer ago than 30 days"),
    ],
)
def test_the_proof_of_an_alert_is_stale_when_its_rule_has_changed(
    history: History, changed: dict[str, object], state: str, why: str
) -> None:
    history.add(store_run(history.file.parent, "one", shapes=[announced("pass", "HighErrorRate")]))
    found = pieces(history, **changed)["HighErrorRate"]  # type: ignore[arg-type]
    assert (found.state, found.why) == (state, why)


def test_an_alert_whose_measure_is_gone_is_not_proven(history: History) -> None:
    history.add(store_run(history.file.parent, "one", shapes=[announced("pass", "HighErrorRate")]))
    with sqlite3.connect(history.file) as connection:
        connection.execute("DELETE FROM measures WHERE name = 'detected'")
    assert pieces(history)["HighErrorRate"].state == "never"


def test_an_alert_that_calls_nobody_in_time_is_failing_until_it_does(history: History) -> None:
    folder = history.file.parent
    history.add(store_run(folder, "one", shapes=[announced("pass", "HighErrorRate")]))
    history.add(store_run(folder, "two", day=1, shapes=[announced("fail")]))
    found = pieces(history, day=2)["HighErrorRate"]
    assert (found.state, found.why) == (
        "failing",
        "fails since, in run two: nobody would have been called in time",
    )
    history.add(store_run(folder, "three", day=2, shapes=[announced("pass", "HighErrorRate")]))
    assert pieces(history, day=2)["HighErrorRate"].state == "proven"


@pytest.mark.parametrize(
    ("outcome", "fired", "meant"),
    [
        ("inconclusive", ("HighErrorRate",), ("HighErrorRate",)),
        ("not applicable", ("HighErrorRate",), ("HighErrorRate",)),
        ("pass", ("Other",), ("HighErrorRate", "Other")),  # another one called
        ("pass", ("HighErrorRate",), ("Other",)),  # it was noise
    ],
)
def test_an_alert_of_which_nothing_was_told_stays_unproven(
    history: History, outcome: str, fired: tuple[str, ...], meant: tuple[str, ...]
) -> None:
    shape = announced(outcome, *fired, meant=meant)
    history.add(store_run(history.file.parent, "one", shapes=[shape]))
    assert pieces(history)["HighErrorRate"].state == "never"


def test_a_run_whose_recording_has_no_replay_proves_no_alert(history: History) -> None:
    shape = replace(announced("pass", "HighErrorRate"), extra=())
    history.add(store_run(history.file.parent, "one", shapes=[shape]))
    assert pieces(history)["HighErrorRate"].state == "never"
