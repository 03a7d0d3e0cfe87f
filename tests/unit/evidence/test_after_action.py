"""The after-action report says what was planned and measured; what is undecided has failed."""

from __future__ import annotations

from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from judged_runs import BEGAN_WALL, SCENARIO, judged_run
from test_pack import PLAN

from drill.errors import InputError
from drill.evidence.demands import DEMANDS
from drill.evidence.plan import ExercisePlan, read_plan
from drill.evidence.report import AfterAction, after_action, html, markdown
from drill.history.store import History


def plan_of(tmp_path: Path, text: str = PLAN) -> ExercisePlan:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    return read_plan(path)


def report_of(tmp_path: Path, *, text: str | None = PLAN, **changes: object) -> AfterAction:
    folder = judged_run(tmp_path / "reports", **changes)  # type: ignore[arg-type]
    history = History(tmp_path / "history.sqlite")
    history.add(folder)
    return after_action(
        folder,
        plan=plan_of(tmp_path, text) if text else None,
        plan_stated_wall=BEGAN_WALL - 60 if text else None,
        plan_sha256="ab12" if text else "",
        findings=[],
        drills=history.drills(),
        today=date(2001, 9, 10),
    )


def test_an_exercise_that_went_as_planned_has_succeeded(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    assert report.succeeded
    (result,) = report.results
    assert (result.objective, result.asked, result.outcome, result.line) == (
        "Users are served again",
        "at most 15 min",
        "met",
        "line 17",
    )
    (carried,) = report.carried
    assert (carried.outcome, carried.plausible) == ("passed", "a slip of the keyboard")
    assert carried.recovered.startswith("10 s after the fault: from then users were served until the end")
    assert carried.lost == "0 of 900 acknowledged writes are absent"
    assert [name for name, _, _ in report.coverage] == ["Down / Immediate"]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"settings": {"minimum_requests": 1_000_000}}, "FAILED: could not be decided"),
        ({"failing": set(range(3700, 6700, 30))}, "FAILED: fail, expected pass"),
    ],
)
def test_what_failed_or_was_not_decided_is_failed(
    tmp_path: Path, changes: dict[str, object], outcome: str
) -> None:
    report = report_of(tmp_path, **changes)
    assert not report.succeeded
    assert report.carried[0].outcome == outcome
    for text in (html(report), markdown(report)):
        assert outcome in text
        assert "Succeeded" not in text


def test_a_procedure_that_fails_as_its_scenario_states_did_not_pass(tmp_path: Path) -> None:
    report = report_of(tmp_path, failing=set(range(3700, 6700, 30)), started={"expected": "fail: RB-001"})
    assert report.carried[0].outcome == "as its scenario states: the procedure fails"
    assert "passed" not in {each.outcome for each in report.carried}
    assert report.coverage == ()


def test_what_failed_without_a_finding_is_named(tmp_path: Path) -> None:
    report = report_of(tmp_path, failing=set(range(3700, 6700, 30)))
    assert report.without_finding == (SCENARIO,)
    for text in (html(report), markdown(report)):
        assert "no finding was opened" in text


def test_why_it_failed_stands_first(tmp_path: Path) -> None:
    report = report_of(tmp_path, text=None)
    assert report.failures == ["no plan was stated before the run"]
    assert "<li>no plan was stated before the run</li>" in html(report)
    assert "- no plan was stated before the run" in markdown(report)


def test_what_is_empty_is_named_as_such(tmp_path: Path) -> None:
    page = html(report_of(tmp_path, text=None))
    for field in ("Place", "People and roles", "Plausible because"):
        assert f"<dt>{field}</dt><dd>not stated</dd>" in page
    assert "<dd></dd>" not in page
    assert "No finding stands in findings.yaml." in page
    assert "No objective was stated." in page


def test_an_objective_that_is_missed_or_measured_by_nobody_is_failed(tmp_path: Path) -> None:
    missed = report_of(tmp_path, text=PLAN.replace("at_most: 900", "at_most: 5"))
    assert [each.outcome for each in missed.results] == ["FAILED: 10 s"]
    assert not missed.succeeded


def test_an_objective_that_no_drill_measures_is_failed(tmp_path: Path) -> None:
    report = report_of(tmp_path, text=PLAN.replace("criterion: recovered", "criterion: data_age"))
    assert [each.outcome for each in report.results] == ["FAILED: not measured"]
    assert not report.succeeded


def test_what_was_planned_and_not_done_and_the_reverse_are_deviations(tmp_path: Path) -> None:
    other = PLAN.replace("scenario: The scale-up brings the service back", "scenario: Another")
    report = report_of(tmp_path, text=other)
    assert report.deviations == (
        "Planned and not carried out: Another",
        f"Carried out and not planned: {SCENARIO}",
    )
    assert not report.succeeded


def test_without_a_plan_it_has_not_succeeded(tmp_path: Path) -> None:
    report = report_of(tmp_path, text=None)
    assert not report.succeeded
    assert "No plan was stated before this run." in html(report)


class Sections(HTMLParser):
    """Headings of a page, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_both_forms_have_every_section_and_demand_and_claim_nothing(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    page, text = html(report), markdown(report)
    for section in ("Identity", "Plan", "Execution", "Results", "Findings", "Governance", "Sign-off"):
        assert section in page
    for demand in DEMANDS:
        assert demand.source in page
        assert demand.source in text
    assert {"SOC 2 A1.2", "SOC 2 A1.3", "ISO 22301 8.5", "ISO 27001 A.5.30", "ISO 27001 A.8.13"} <= {
        each.source for each in DEMANDS
    }
    assert "complies" in page
    assert "does not claim" in page
    assert "script" not in Sections(page).tags
    assert "@page" in page
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert tables
    assert "A. Person" in text


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("next", "soon", "a day"),
        ("objectives", [], "at least 1"),
        ("people", [{"name": "A"}], "role"),
        ("budget", 5, "a name that drill knows"),
    ],
)
def test_a_plan_is_read_strictly(tmp_path: Path, key: str, value: object, expected: str) -> None:
    data = yaml.safe_load(PLAN) | {key: value}
    with pytest.raises(InputError, match=r"plan\.yaml:\d+: ") as caught:
        plan_of(tmp_path, yaml.safe_dump(data, sort_keys=False))
    assert expected in str(caught.value)
