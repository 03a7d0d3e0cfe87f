"""The page of fifty drills in headless Chromium, opened from the disk."""

from __future__ import annotations

from collections import defaultdict

import pytest

from drill.report.timeline import identifier
from drill.run.outcome import as_expected
from tests.browser.chromium import Page
from tests.browser.page_checks import (
    barriers,
    choose,
    cut_at_the_beginning,
    dead_links,
    linked_places,
    loading,
    missing_on_paper,
    not_opened,
    out_of_reach,
    search,
    shown_rows,
    too_large,
    unfold,
    unfold_once,
    wider_than_the_window,
    wrongly_chosen,
)
from tests.browser.stored_drills import DRILLS, ManyDrills

pytestmark = pytest.mark.browser
LOADS = 5


def test_it_can_be_sent(fifty: ManyDrills, tell: list[str]) -> None:
    tell.append(f"page of {DRILLS} drills: {fifty.page.stat().st_size / 1e6:.2f} MB")
    assert too_large(fifty.page) == []


def test_how_long_it_takes_to_open_is_told(page: Page, fifty: ManyDrills, tell: list[str]) -> None:
    """No limit: it would be one of this machine, busy as it is."""
    found = []
    for _ in range(LOADS):
        page.open(fifty.page)
        found.append(loading(page))
    assert all(0 < each["ready"] <= each["loaded"] for each in found)
    middle = sorted(found, key=lambda each: each["loaded"])[LOADS // 2]
    tell.append(
        f"opened in {middle['loaded']:.0f} ms (median of {LOADS}; read after {middle['ready']:.0f} ms, "
        f"drawn after {middle['drawn']:.0f} ms)"
    )


def test_it_loads_nothing_and_its_script_runs(page: Page, fifty: ManyDrills) -> None:
    page.open(fifty.page)
    unfold(page)
    assert page.complaints() == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "light"), (1280, "dark")])
def test_axe_finds_nothing(page: Page, fifty: ManyDrills, width: int, scheme: str) -> None:
    """A minute and more each, so all copies are open in one of them only."""
    page.size(width)
    page.media(scheme=scheme)
    page.open(fifty.page)
    (unfold if (width, scheme) == (1280, "light") else unfold_once)(page)
    assert barriers(page) == []


@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_nothing_is_wider_than_the_window(page: Page, fifty: ManyDrills, width: int) -> None:
    page.size(width)
    page.open(fifty.page)
    assert wider_than_the_window(page) == []
    unfold(page)
    assert wider_than_the_window(page) == []


@pytest.mark.parametrize("width", [400, 1280])
def test_no_command_is_cut_at_its_beginning(page: Page, fifty: ManyDrills, width: int) -> None:
    page.size(width)
    page.open(fifty.page)
    unfold(page)
    assert cut_at_the_beginning(page) == []


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
@pytest.mark.parametrize("width", [400, 1280])
def test_each_control_is_reached_by_keyboard_and_shows_it(
    page: Page, fifty: ManyDrills, width: int, key: str
) -> None:
    page.size(width)
    page.open(fifty.page)
    page.evaluate("for (const fold of [...document.querySelectorAll('.full')].slice(0, 3)) fold.open = true")
    assert out_of_reach(page, key=key) == []


def test_a_drill_is_opened_and_folded_by_keyboard(page: Page, fifty: ManyDrills) -> None:
    page.open(fifty.page)
    page.evaluate("document.querySelector('.row .full:not([open]) > summary').focus()")
    for opened in (True, False):
        page.press("Enter")
        assert page.evaluate("document.activeElement.parentElement.open") is opened


def test_what_deviates_is_first_and_a_control_is_a_line_within_its_drill(
    page: Page, fifty: ManyDrills
) -> None:
    page.open(fifty.page)
    rows = shown_rows(page)
    assert sorted(rows) == sorted(verdict.scenario for verdict in fifty.drills)
    deviating = {verdict.scenario for verdict in fifty.drills if not as_expected(verdict)}
    assert deviating
    assert set(rows[: len(deviating)]) == deviating
    headings = page.evaluate("[...document.querySelectorAll('.group > h2')].map((each) => each.textContent)")
    assert headings[0] == f"Not as expected {len(deviating)}"
    lines = page.evaluate(
        "[...document.querySelectorAll('.group > h2 a')].map((each) => Number(each.hash.split('-').pop()))"
    )
    assert lines == sorted(lines)
    controls = page.evaluate(
        "[...document.querySelectorAll('.row .line > .says ~ .says a')].map((each) => each.hash.slice(1))"
    )
    assert {identifier(verdict.drill) for verdict in fifty.verdicts if verdict.control} == set(controls)


def test_each_choice_leaves_its_rows(page: Page, fifty: ManyDrills) -> None:
    wanted: dict[str, dict[str, list[str]]] = {"severity": {}, "fault": {}, "chapter": {}, "outcome": {}}
    page.open(fifty.page)
    for verdict in fifty.drills:
        wanted["severity"].setdefault(verdict.severity, []).append(verdict.scenario)
        for fault in verdict.faults:
            wanted["fault"].setdefault(fault.fault, []).append(verdict.scenario)
    told = page.evaluate(
        "[...document.querySelectorAll('.row')].map((row) =>"
        " [row.querySelector('h3').textContent, row.dataset.chapter, row.dataset.outcome])"
    )
    for scenario, chapter, outcome in told:
        wanted["chapter"].setdefault(chapter, []).append(scenario)
        wanted["outcome"].setdefault(outcome, []).append(scenario)
    assert all(len(entries) > 1 for entries in wanted.values())
    assert wrongly_chosen(page, wanted) == []


def test_words_leave_the_rows_that_have_them(page: Page, fifty: ManyDrills) -> None:
    page.open(fifty.page)
    search(page, "kubectl port-forward")
    with_command = {
        verdict.scenario
        for verdict in fifty.drills
        if any("port-forward" in run.command for run in verdict.commands)
    }
    assert 0 < len(with_command) < DRILLS
    assert set(shown_rows(page)) == with_command
    assert page.evaluate("document.querySelector('#filters output').textContent") == (
        f"{len(with_command)} of {DRILLS} drills"
    )
    choose(page, "severity", "P2")
    less_urgent = {verdict.scenario for verdict in fifty.drills if verdict.severity == "P2"}
    assert 0 < len(with_command & less_urgent) < len(with_command)
    assert set(shown_rows(page)) == with_command & less_urgent


def test_what_was_chosen_is_in_the_address_and_comes_back_from_it(page: Page, fifty: ManyDrills) -> None:
    page.open(fifty.page)
    choose(page, "fault", "redis-killed")
    search(page, "platform")
    chosen = shown_rows(page)
    assert 0 < len(chosen) < DRILLS
    place = page.evaluate("location.hash")
    page.open(fifty.page, place)
    assert shown_rows(page) == chosen
    page.evaluate("document.querySelector('#filters [type=reset]').focus()")
    page.press("Enter")
    page.evaluate("new Promise((done) => setTimeout(done))")
    assert len(shown_rows(page)) == DRILLS


def test_a_link_opens_what_it_leads_to(page: Page, fifty: ManyDrills) -> None:
    page.open(fifty.page)
    assert dead_links(page) == []
    by_kind = defaultdict(list)
    for place in linked_places(page):
        by_kind[place.split("-")[0]].append(place)
    assert {"drill", "text", "defect"} <= set(by_kind)
    # every drill and control; of hundreds of lines one in ten
    some = [place for kind, of_kind in by_kind.items() for place in of_kind[:: 10 if kind == "text" else 1]]
    assert not_opened(page, some) == []


def test_a_link_into_the_file_opens_its_drill(page: Page, fifty: ManyDrills) -> None:
    last = identifier(fifty.drills[-1].drill)
    page.open(fifty.page, f"#{last}")
    assert page.evaluate(f"document.getElementById('{last}').checkVisibility()")


def test_on_paper_the_details_are_there(page: Page, fifty: ManyDrills, tell: list[str]) -> None:
    page.open(fifty.page)
    assert missing_on_paper(page) == []
    choose(page, "outcome", "not as expected")
    paper = page.paper()
    sheets = paper.count(b"/Type /Page") - paper.count(b"/Type /Pages")
    assert sheets > 1
    tell.append(f"what deviates, on paper: {sheets} sheets")
