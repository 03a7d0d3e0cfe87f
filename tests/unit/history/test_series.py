"""Series, their changes, and the pictures and lines made of them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from stored_runs import IMAGES, passing, store_run

from drill.history.picture import page
from drill.history.series import Series, series_of
from drill.history.store import History
from drill.history.words import history_lines

NEW = {**IMAGES, "novel-engine/novel-engine": "novel-engine@sha256:cccccccccc"}


def remembered(tmp_path: Path, recovered: list[float], changed_at: int = 10**9, **other: object) -> History:
    history = History(tmp_path / "history.sqlite")
    for number, seconds in enumerate(recovered):
        images = NEW if number >= changed_at else IMAGES
        folder = store_run(
            tmp_path,
            f"run-{number:02}",
            day=number,
            shapes=[passing(seconds)],
            images=images,
            **other,  # type: ignore[arg-type]
        )
        history.add(folder)
    return history


def recovery(history: History) -> Series:
    return next(each for each in series_of(history.drills()) if each.title == "Time to recovery")


LEVEL = [9.1, 9.4, 8.8, 9.6, 9.0, 9.3, 8.9, 9.2]
SLOWER = [14.2, 13.8, 14.6, 14.1, 13.9, 14.4, 14.0, 14.3]


def test_a_series_has_a_point_a_run_with_its_interval(tmp_path: Path) -> None:
    history = remembered(tmp_path, LEVEL)
    found = recovery(history)
    assert [point.value for point in found.points] == LEVEL
    assert [point.run.run for point in found.points] == [f"run-{number:02}" for number in range(8)]
    assert (found.unit, found.bound, found.changes) == ("s", 900.0, ())
    response = next(each for each in series_of(history.drills()) if each.title == "Response time, p95")
    assert (response.points[0].low, response.points[0].high, response.points[0].samples) == (
        0.0205,
        0.0224,
        3432,
    )


def test_a_change_says_since_when_from_what_to_what_and_what_was_new(tmp_path: Path) -> None:
    history = remembered(tmp_path, LEVEL + SLOWER, changed_at=8)
    (change,) = recovery(history).changes
    assert change.index == 8
    assert (change.before, change.after) == (pytest.approx(9.15), pytest.approx(14.15))
    assert change.new == ("image of novel-engine/novel-engine",)
    text = "\n".join(history_lines(history.drills(), series_of(history.drills())))
    assert "changed: Time to recovery from 9.15 s to 14.15 s since run run-08" in text
    assert "new in it: image of novel-engine/novel-engine" in text


def test_one_spike_is_no_change(tmp_path: Path) -> None:
    assert recovery(remembered(tmp_path, [*LEVEL, 40.0, *LEVEL])).changes == ()


def test_a_kept_control_and_a_run_that_did_not_end_are_no_points(tmp_path: Path) -> None:
    history = remembered(tmp_path, LEVEL[:2])
    history.add(store_run(tmp_path, "later", day=5, shapes=[passing(9.9)], kept="run-00"))
    history.add(store_run(tmp_path, "killed", day=6, shapes=[passing(9.9)], ended=False))
    assert [point.run.run for point in recovery(history).points] == ["run-00", "run-01"]


def test_only_the_last_runs_when_asked_for(tmp_path: Path) -> None:
    history = remembered(tmp_path, LEVEL)
    found = series_of(history.drills(), last=3)
    assert {len(each.points) for each in found} == {3}


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_the_page_has_every_point_and_change_and_needs_nothing_else(tmp_path: Path) -> None:
    history = remembered(tmp_path, LEVEL + SLOWER, changed_at=8)
    series = series_of(history.drills())
    text = page("Novel <Engine>", series, [])
    tags = Page(text).tags
    assert tags.count("svg") == len(series)
    assert tags.count("circle") == sum(len(each.points) for each in series)
    assert text.count('class="change"') == 1
    assert text.count('class="spread"') == sum(
        1 for each in series for point in each.points if point.low is not None and point.low != point.high
    )
    assert "run-08" in text
    assert "Novel &lt;Engine&gt;" in text
    assert "script" not in tags
    assert not re.search(r"(src|href)=|url\(|http-equiv=.refresh", text.replace('http-equiv="Content', ""))


def test_a_page_of_nothing_says_so() -> None:
    assert "No run that ended is remembered" in page("Novel Engine", [], [])
