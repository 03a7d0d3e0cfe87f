"""What a reader has of a panel: data or none, a fault that shows or does not, and what cannot be told."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from benchmarks.monitoring_live import LOCKED_OUT, SCALED_AWAY, numbers_row, page_aim, page_row
from benchmarks.panels import PageVerdict, Panel, Shows, judged, number_of, panel_of
from drill.conduct.book import Book
from drill.inject.experiment import OWN_EXPERIMENTS
from drill.monitoring.dashboards import HEIGHT, WIDTH
from drill.monitoring.key_metrics import KeyMetric, key_metrics
from drill.settings import load

SETTINGS = load(OWN_EXPERIMENTS.parent / "drill.toml")
METRIC = KeyMetric("Error Rate", "app", 1, "of requests", "up", "")
AGO = 60.0
"""How long the fault has been in."""


def curve(before: float, now: float, until: float = 0.0) -> tuple[tuple[float, float], ...]:
    """A curve that had one height until the fault and has another since, and ends so long ago."""
    ages = (float(age) for age in range(300, -1, -5))
    return tuple((age, before if age > AGO else now) for age in ages if age >= until)


def panel(*curves: tuple[tuple[float, float], ...], values: tuple[str, ...] = ("12.3m",)) -> Panel:
    return Panel("Error Rate", "", values, "15 minutes; 0 to 1.000", True, curves)


def verdict(found: Panel, how: Shows | None = None) -> PageVerdict:
    return judged([found], [METRIC], {} if how is None else {"Error Rate": how}, AGO)


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        ("0", 0.0),
        ("150.2", 150.2),
        ("12.3m", 0.0123),
        ("58.72M", 58.72e6),
        ("-1.5k", -1500.0),
        ("1e+03k", 1e6),
        ("NaN", None),
        ("+Inf", None),
        ("", None),
        ("no data", None),
    ],
)
def test_a_value_is_read_as_prometheus_writes_it(shown: str, number: float | None) -> None:
    found = number_of(shown)
    assert found == (None if number is None else pytest.approx(number))


def test_a_curve_is_read_where_it_is_drawn() -> None:
    found = {
        "name": "Error Rate",
        "missing": "",
        "values": [" 12.3m "],
        "scale": "15 minutes; 0 to 1.000",
        "visible": True,
        "curves": [f"0.0,{HEIGHT}.0 {WIDTH / 2},{HEIGHT / 2} {WIDTH}.0,4.0"],
    }
    read = panel_of(found)
    assert read.values == ("12.3m",)
    assert [age for age, _ in read.curves[0]] == pytest.approx([900, 450, 0])
    assert [height for _, height in read.curves[0]] == pytest.approx([0, 0.5, 1 - 4 / HEIGHT])
    with pytest.raises(ValueError, match="could not convert"):
        panel_of(found | {"curves": ["0.0,NaN? 1,2"]})


@pytest.mark.parametrize(
    ("found", "how", "wrong"),
    [
        (panel(curve(0.5, 0.5)), None, ""),
        (panel(curve(0.5, 0.5), values=()), None, "no number, but no data"),
        (panel(curve(0.5, 0.5), values=("NaN",)), None, "no number, but NaN"),
        (panel(), None, "a number, but no curve"),
        (panel(((0.0, 0.5),)), None, "a number, but no curve"),
        (panel(curve(0.5, 0.5, until=40)), None, "every curve has ended, the last one 40 s ago"),
        (panel(curve(0.5, 0.5, until=40), curve(0.5, 0.5)), None, ""),
        (replace(panel(curve(0.5, 0.5)), visible=False), None, "no room on the page"),
        (panel(curve(0.0, 0.3)), "rises", ""),
        (panel(curve(0.3, 0.3)), "rises", "does not rise, of the panel's height: 0.30 to 0.30"),
        (panel(curve(0.3, 0.0)), "rises", "does not rise"),
        (panel(curve(0.3, 0.3), curve(0.1, 0.3)), "rises", ""),
        (panel(curve(0.0, 0.3), values=("NaN",)), "rises", "no number, but NaN"),
        (panel(curve(0.9, 0.1)), "falls", ""),
        (panel(curve(0.9, 0.5)), "falls", "does not fall to half, of the panel's height: 0.90 to 0.50"),
        (panel(curve(0.9, 0.1), curve(0.4, 0.4)), "falls", "does not fall to half"),
        (panel(curve(0.9, 0.9, until=40), curve(0.9, 0.2)), "falls", ""),
        (panel(curve(0.9, 0.1), curve(0.05, 0.05)), "falls", ""),
        (panel(curve(0.9, 0.9, until=AGO - 5), values=()), "ends", ""),
        (panel(curve(0.9, 0.9, until=AGO - 5), values=("NaN",)), "ends", ""),
        (panel(curve(0.9, 0.9), values=("NaN",)), "ends", "no number, but a curve until 0 s ago"),
        (panel(curve(0.9, 0.9, until=AGO - 5)), "ends", "still a number: 12.3m"),
    ],
)
def test_what_a_reader_does_not_find_is_wrong(found: Panel, how: Shows | None, wrong: str) -> None:
    told = verdict(found, how)
    assert told.unknown == ()
    assert len(told.wrong) == (1 if wrong else 0)
    assert ("the fault shows" in told.said[0]) == (not wrong and how is not None)
    assert wrong in "".join(told.wrong)


@pytest.mark.parametrize(
    ("found", "how"),
    [
        (panel(tuple((age, 0.5) for age, _ in curve(0.5, 0.5) if age < AGO)), "rises"),
        (panel(tuple((age, 0.5) for age, _ in curve(0.5, 0.5) if age < AGO)), "falls"),
        (panel(curve(0.05, 0.0)), "falls"),
        (panel(values=()), "ends"),
        (panel(((400.0, 0.5), (390.0, 0.5)), values=("NaN",)), "ends"),
    ],
)
def test_what_was_not_drawn_before_the_fault_cannot_be_told(found: Panel, how: Shows) -> None:
    told = verdict(found, how)
    assert (told.wrong, len(told.unknown)) == ((), 1)


def test_panels_are_those_of_the_page() -> None:
    missing = msgspec.structs.replace(METRIC, missing="nothing counts it", query="")
    assert judged([], [METRIC], {}, AGO).wrong == ("Error Rate: there is no such panel",)
    assert "no key metric" in judged([panel(curve(1, 1))], [], {}, AGO).wrong[0]
    told = judged([replace(panel(), missing="missing: nothing counts it")], [missing], {}, AGO)
    assert (told.wrong, told.said) == ((), ("Error Rate: missing: nothing counts it",))
    assert "missing in one" in judged([panel(curve(1, 1))], [missing], {}, AGO).wrong[0]
    assert "missing in one" in judged([replace(panel(), missing="missing: x")], [METRIC], {}, AGO).wrong[0]


@pytest.mark.parametrize(
    ("found", "outcome", "measured"),
    [
        (PageVerdict((), (), ("a", "b")), "reached", "they do"),
        (PageVerdict(("a: no number",), (), ("a", "b")), "missed", "1 wrong"),
        (PageVerdict((), ("a: nothing is drawn",), ("a",)), "error", "of 1 it cannot be told"),
        (PageVerdict(("b: no",), ("a: nothing",), ("a",)), "missed", "1 wrong, of 1 it cannot be told"),
    ],
)
def test_a_page_is_reached_missed_or_not_measured(found: PageVerdict, outcome: str, measured: str) -> None:
    row = page_row("novel-engine-app", [METRIC], LOCKED_OUT, found, OWN_EXPERIMENTS / "x.png")
    assert (row.outcome, row.measured) == (outcome, measured)
    assert row.notes[-1].endswith("x.png")


def test_what_a_page_is_to_show_is_said() -> None:
    rate = msgspec.structs.replace(METRIC, name="Request Rate")
    missing = msgspec.structs.replace(METRIC, name="Cache Hit Rate", missing="nothing counts it")
    assert page_aim([METRIC, rate, missing], LOCKED_OUT) == "1 panels show the fault, 1 have data"
    assert page_aim([METRIC, rate], SCALED_AWAY) == "2 panels show the fault"
    assert page_aim([rate], LOCKED_OUT) == "1 panels have data"


def test_key_metrics_without_a_number_are_named() -> None:
    missing = msgspec.structs.replace(METRIC, name="Lock Wait", missing="nothing counts it", query="")
    row = numbers_row([METRIC, missing], [], "redis-locked-out")
    assert (row.outcome, row.measured, row.notes) == (
        "reached",
        "1 of 2",
        ("Lock Wait: missing: nothing counts it",),
    )
    row = numbers_row([METRIC, missing], ["Error Rate: missing: nothing"], "redis-locked-out")
    assert (row.outcome, row.measured, row.notes[0]) == ("missed", "0 of 2", "Error Rate: missing: nothing")
    assert numbers_row([], [], "redis-locked-out").outcome == "missed"


def test_what_the_faults_show_are_key_metrics_and_one_on_each_page() -> None:
    metrics = {each.name: each.page for each in key_metrics(SETTINGS, Book(SETTINGS).corrected)}
    assert len(metrics) == 13
    shown = set[str]()
    for each in (LOCKED_OUT, SCALED_AWAY):
        assert (OWN_EXPERIMENTS / f"{each.fault}.yaml").is_file()
        assert set(each.shows) <= set(metrics)
        shown |= {metrics[name] for name in each.shows}
    assert SETTINGS.monitoring is not None
    assert shown == set(SETTINGS.monitoring.dashboards)
