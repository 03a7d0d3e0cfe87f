"""Each check of the page finds what was spoilt on purpose: none of them is empty."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from drill.report.timeline import identifier
from tests.browser.chromium import BrowserError, Page, find_chromium
from tests.browser.page_checks import (
    MOST_BYTES,
    barriers,
    choose,
    cut_at_the_beginning,
    dead_links,
    missing_on_paper,
    not_opened,
    out_of_reach,
    search,
    shown_rows,
    too_large,
    unfold,
    wider_than_the_window,
    wrongly_chosen,
)
from tests.browser.stored_drills import DRILLS, ManyDrills

pytestmark = pytest.mark.browser

POLICY = '<meta http-equiv="Content-Security-Policy"'


@dataclass(frozen=True)
class Damage:
    """Something spoilt, by a script or by rules of style, and what its check has to find. `width`: of the
    window."""

    check: Callable[[Page], list[str]]
    finding: str
    script: str = ""
    style: str = ""
    width: int = 1280


def _axe(rule: str) -> Callable[[Page], list[str]]:
    """One rule alone, since all of them take minutes on a page of fifty drills."""
    return partial(barriers, rules=[rule])


DAMAGES = [
    Damage(_axe("color-contrast"), "color-contrast", style="h1 { color: #ddd }"),
    Damage(_axe("select-name"), "select-name", "const list = document.querySelector('#filters select');"
           "list.parentElement.replaceWith(list)"),
    Damage(_axe("role-img-alt"), "role-img-alt", "const strip = document.querySelector('.strip[role=img]');"
           "strip.removeAttribute('aria-label'); strip.removeAttribute('title')"),
    Damage(_axe("scrollable-region-focusable"), "scrollable-region-focusable",
           "document.querySelector('#matrix .scroll').tabIndex = -1;"
           "for (const link of document.querySelectorAll('#matrix a')) link.tabIndex = -1", width=400),
    Damage(wider_than_the_window, "pixels in a window of", style=".scroll { overflow: visible }",
           width=400),
    Damage(wider_than_the_window, "timeline", style=".picture { overflow: visible }", width=400),
    Damage(cut_at_the_beginning, "begins outside of timeline",
           "document.querySelector('.commandname').setAttribute('x', -40)"),
    Damage(cut_at_the_beginning, "begins outside of scroll", style="td code { margin-left: -900px }"),
    Damage(cut_at_the_beginning, "begins left of the window", style=".runbook { margin-left: -400px }"),
    Damage(cut_at_the_beginning, "is not how",
           "document.querySelector('.commandname').textContent = '1  …me -n novel-engine'"),
    Damage(out_of_reach, "does not lead", "document.querySelector('#filters button').tabIndex = -1"),
    Damage(out_of_reach, "nothing shows the focus", style="summary:focus-visible { outline: none }"),
    Damage(out_of_reach, "is covered by article", style="#defects { position: fixed; inset: 50% 0 0 }"),
    Damage(out_of_reach, "is out of view", style="nav { position: absolute; left: -999px }"),
    Damage(dead_links, "matrix", "document.getElementById('matrix').id = 'elsewhere'"),
    Damage(missing_on_paper, "no picture", style="@media print { .row .picture { display: none } }"),
    Damage(missing_on_paper, "of no use", style="@media print { nav { display: flex !important } }"),
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.finding)
def test_a_check_finds_what_was_spoilt(page: Page, fifty: ManyDrills, damage: Damage) -> None:
    page.size(damage.width)
    page.open(fifty.page)
    if damage.check in (wider_than_the_window, cut_at_the_beginning):
        unfold(page)
    _spoil(page, damage.script, damage.style)
    found = damage.check(page)
    assert any(damage.finding in each for each in found), found


def test_a_file_too_large_is_one(tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_bytes(b" " * (MOST_BYTES + 1))
    assert too_large(file) == [f"{MOST_BYTES + 1} bytes, more than {MOST_BYTES}"]
    file.write_bytes(b" " * MOST_BYTES)
    assert too_large(file) == []


def test_rows_that_stay_though_hidden_are_seen(page: Page, fifty: ManyDrills) -> None:
    page.open(fifty.page)
    _spoil(page, style=".row[hidden], .group[hidden] { display: block !important }")
    named = fifty.drills[0].scenario
    wanted = {"severity": {"P0": [named], "P1": [named], "P2": [named]}}
    assert f"severity=P0: shows {DRILLS} rows, not 1" in wrongly_chosen(page, wanted)
    search(page, "no drill has these words")
    assert len(shown_rows(page)) == DRILLS


def test_an_entry_that_is_missing_is_seen(page: Page, fifty: ManyDrills) -> None:
    page.open(fifty.page)
    page.evaluate("document.querySelector('#filters [name=severity] option:last-child').remove()")
    with pytest.raises(BrowserError, match="severity has no entry P2"):
        choose(page, "severity", "P2")
    assert "severity offers" in wrongly_chosen(page, {"severity": {}})[0]


def test_a_link_that_opens_nothing_is_seen(page: Page, fifty: ManyDrills, tmp_path: Path) -> None:
    page.open(
        _altered(fifty, tmp_path, {'if (place.closest("[hidden]"))': "if (false)", POLICY: "<meta name=x"})
    )
    place = identifier(fifty.drills[-1].drill)
    assert not_opened(page, [place]) == [f"{place} stays folded"]


def test_another_script_than_the_pages_own_is_refused(page: Page, fifty: ManyDrills, tmp_path: Path) -> None:
    page.open(_altered(fifty, tmp_path, {"form.reset()": "form.reset(1)"}))
    assert any("Content Security Policy" in each for each in page.complaints())


def test_what_leaves_the_file_is_seen(page: Page, fifty: ManyDrills, tmp_path: Path) -> None:
    beacon = '<img alt="" src="http://127.0.0.1:9/beacon.png">'
    page.open(_altered(fifty, tmp_path, {"<main>": f"<main>{beacon}", POLICY: "<meta name=x"}))
    assert "asks for http://127.0.0.1:9/beacon.png" in page.complaints()


def _altered(fifty: ManyDrills, folder: Path, changes: Mapping[str, str]) -> Path:
    """A copy of the page. `changes`: what is replaced, by what."""
    text = fifty.page.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    file = folder / "index.html"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_chromium_one_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DRILL_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserError, match="apt-get install chromium"):
        find_chromium()
    monkeypatch.setenv("DRILL_CHROMIUM", "no-such-program")
    with pytest.raises(BrowserError, match="no-such-program"):
        find_chromium()


def test_without_a_chromium_the_tests_fail_and_are_not_skipped(tmp_path: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", "tests/browser", "-k", "when_chromium_is_there"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "DRILL_CHROMIUM": "no-such-program"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "DRILL_CHROMIUM=no-such-program: no such program" in done.stdout
    assert "1 error" in done.stdout


def test_it_runs_when_chromium_is_there(page: Page) -> None:
    assert page.evaluate("1 + 1") == 2


def _spoil(page: Page, script: str = "", style: str = "") -> None:
    rules = (
        f"document.head.append(Object.assign(document.createElement('style'), {{textContent: {style!r}}}))"
    )
    page.evaluate(f"{{ {script}; {rules}; undefined }}")
