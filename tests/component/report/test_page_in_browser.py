"""The page of a run in headless Chromium, opened from the disk: it loads nothing, fits any width, is read by
keyboard and screen reader, and places and choices can be linked to.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from drill.report import write_report
from tests.unit.report.fifty import DRILLS, TEXTS, make_fifty
from tests.unit.report.recorded_runs import EVERYTHING, SURPRISE, make_run

MOST_BYTES = 3_000_000
PLACES = {"wide": (1280, "light"), "narrow": (400, "light"), "dark": (1280, "dark")}
LATE = (170, "kubectl rollout status deployment/novel-engine -n novel-engine-production " * 2)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium: DRILL_CHROMIUM, or the one on the PATH, or playwright's own."""
    program = os.environ.get("DRILL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of fifty drills."""
    folder, verdicts = make_fifty(tmp_path_factory.mktemp("fifty"))
    write_report(folder, verdicts)
    return folder / "index.html"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with each kind of verdict, a defect, and a command that begins late in its drill."""
    texts = {key: path.read_text() for key, path in TEXTS.items()}
    line, command = LATE
    late = replace(
        SURPRISE,
        drill="late",
        scenario="A long command begins at the end",
        commands=((line, command, 44.0, 47.9, 0, False, ""), (170, command, 3.2, 47.9, 0, False, "")),
    )
    folder, verdicts = make_run(tmp_path_factory.mktemp("few"), [*EVERYTHING, late], texts=texts)
    write_report(folder, verdicts)
    return folder / "index.html"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window that fails the test for an error of a script, or a request beyond the file."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on(
        "request", lambda request: None if request.url.startswith("file:") else wrong.append(request.url)
    )
    yield opened
    context.close()
    assert wrong == []


def _open(page: Page, file: Path, where: str = "") -> None:
    page.goto(f"{file.as_uri()}{where}")


def _shown(page: Page) -> list[str]:
    """The scenarios of the rows that can be seen."""
    return page.locator(".row:visible h3").all_inner_texts()


def test_fifty_drills_fit_into_a_file_that_can_be_sent(fifty: Path) -> None:
    assert fifty.stat().st_size <= MOST_BYTES


def test_all_drills_have_a_row_and_what_deviates_is_first(page: Page, fifty: Path) -> None:
    _open(page, fifty)
    assert page.locator(".row").count() == DRILLS
    groups = page.locator(".group > h2").all_inner_texts()
    assert groups[0] == "Not as expected 2"
    assert groups[1].startswith("1. Service Completely Down (P0)")
    titles = [group.rpartition(" ")[0] for group in groups]
    assert titles.index("Database Recovery") < titles.index("Full System Recovery")
    assert page.locator(".full[open]").count() == 2


def test_the_page_is_readable_without_its_script(browser: Browser, fifty: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{fifty.as_uri()}#drill-drill-7")
    assert not opened.locator("#filters").is_visible()
    opened.locator("#drill-drill-7 .picture").first.wait_for(state="visible")
    context.close()


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [
        ("severity", "P0", 10),
        ("fault", "fault-3", 2),
        ("outcome", "not as expected", 2),
        ("outcome", "stays out", 7),
    ],
)
def test_one_choice_leaves_its_rows(page: Page, fifty: Path, name: str, value: str, count: int) -> None:
    _open(page, fifty)
    page.locator(f"#filters [name={name}]").select_option(value)
    assert len(_shown(page)) == count
    assert page.locator("#filters output").inner_text() == f"{count} of {DRILLS} drills"


def test_choices_add_up_and_can_be_linked_to(page: Page, fifty: Path) -> None:
    _open(page, fifty)
    page.locator("#filters [name=chapter]").select_option("Database Recovery")
    page.locator("#filters [name=q]").fill("kubectl wait")
    chosen = _shown(page)
    assert 0 < len(chosen) < 3
    link = page.url.rpartition("/index.html")[2]
    _open(page, fifty.parent / "index.html", "#drills")
    _open(page, fifty, link)
    assert _shown(page) == chosen
    assert page.locator("#filters [name=q]").input_value() == "kubectl wait"
    page.locator("#filters button[type=reset]").click()
    page.wait_for_function(f"document.querySelectorAll('.row:not([hidden])').length === {DRILLS}")


def test_a_link_to_a_drill_opens_it_though_it_is_folded_and_not_chosen(page: Page, fifty: Path) -> None:
    _open(page, fifty)
    page.locator("#filters [name=fault]").select_option("fault-3")
    page.evaluate("location.hash = 'drill-drill-7'")
    page.wait_for_function("document.getElementById('drill-drill-7').checkVisibility()")
    assert page.locator("#drill-drill-7 .picture").first.is_visible()
    page.evaluate("location.hash = 'drill-control-4'")
    page.wait_for_function("document.getElementById('drill-control-4').checkVisibility()")


def test_from_a_command_to_its_line_and_back(page: Page, fifty: Path) -> None:
    _open(page, fifty, "#drill-drill-7")
    link = page.locator("#drill-drill-7 td[data-label=line] a").first
    number = link.inner_text()
    link.click()
    line = page.locator(f"#text-2-line-{number}")
    line.wait_for(state="visible")
    assert line.locator("b").inner_text() == "proven"
    page.locator(f"#text-2-line-{number} + ul a[href='#drill-drill-7']").click()
    page.wait_for_function("location.hash === '#drill-drill-7'")
    assert page.locator("#drill-drill-7").is_visible()


def test_lines_of_one_mark_alone(page: Page, fifty: Path) -> None:
    _open(page, fifty, "#line-by-line")
    text = page.locator("#line-by-line > details").nth(1)
    text.locator("> summary").click()
    text.locator("select").select_option("never-touched")
    seen = set(text.locator(".runbook > div:visible > b").all_inner_texts())
    assert seen == {"never touched"}


def test_the_matrix_leads_to_its_drills(page: Page, fifty: Path) -> None:
    _open(page, fifty, "#matrix")
    row = page.locator("#matrix tbody tr").filter(
        has=page.get_by_role("rowheader", name="fault-1", exact=True)
    )
    assert row.locator("td").first.inner_text() == "stays out"
    row.get_by_text("helps: 7.7 s").click()
    page.wait_for_function("document.getElementById('drill-drill-1').checkVisibility()")


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing(browser: Browser, few: Path, place: str) -> None:
    width, scheme = PLACES[place]
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    opened = context.new_page()
    opened.goto(few.as_uri())
    opened.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    found = Axe().run(opened)
    said = [
        f"{each['id']}: {each['help']}: {node['html'][:200]}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]
    assert said == []
    context.close()


@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_nothing_is_wider_than_the_window(page: Page, fifty: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    _open(page, fifty)
    page.evaluate("for (const fold of document.querySelectorAll('.row details')) fold.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_can_be_reached_by_keyboard(page: Page, few: Path) -> None:
    _open(page, few)
    page.keyboard.press("Tab")
    reached = []
    for _ in range(80):
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.tagName"))
        page.keyboard.press("Tab")
    assert {"q", "severity", "fault", "chapter", "outcome", "SUMMARY", "A"} <= set(reached)
    page.locator(".row .full > summary").last.focus()
    before = page.locator(".row .full").last.evaluate("fold => fold.open")
    page.keyboard.press("Enter")
    assert page.locator(".row .full").last.evaluate("fold => fold.open") != before


def test_no_label_is_cut_at_its_beginning(page: Page, few: Path) -> None:
    _open(page, few)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    cut = page.evaluate(
        """[...document.querySelectorAll('.timeline text')].filter((text) => {
            const box = text.getBBox();
            return box.x < 0 || box.x + box.width > 1160;
        }).map((text) => text.textContent)"""
    )
    assert cut == []


def test_what_is_folded_stays_one_line_on_paper(page: Page, fifty: Path) -> None:
    _open(page, fifty)
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert page.locator(".row:visible").count() == DRILLS
    assert page.locator(".row .picture:visible").count() == 2
