"""How near an alert came to firing: the curves of its expression, by promtool."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.alerts.curves import comparisons_of, curves_of, told_until
from drill.alerts.engine import RulesRefusedError, values_of
from drill.alerts.rules import AlertRule, AlertRules, alert_rules
from drill.alerts.series import Gap, ScrapedSeries, SeriesFile, SeriesHeader
from drill.machine.promtool import ensure_promtool
from drill.recording.events import AlertCurve
from drill.runbook import parse
from tests.unit.alerts.made_drill import event_of, made

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def promtool() -> Path:
    return ensure_promtool()


@pytest.fixture(scope="module")
def rules() -> AlertRules:
    return alert_rules(parse(ROOT / "runbook" / "operations-runbook.md"))


def rule(expression: str) -> AlertRule:
    return AlertRule("A", 1, expression, "", {}, {})


def case(*series: ScrapedSeries) -> SeriesFile:
    return SeriesFile("made", SeriesHeader("drill alert series 1", "made", 5.0), series)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('sum(rate(a{b="x > 7"}[5m])) > 0.05', [('sum(rate(a{b="x > 7"}[5m]))', ">", 0.05)]),
        ("(sum(a) or vector(0)) == 0", [("(sum(a) or vector(0))", "==", 0.0)]),
        (
            "a / b > 0.05 and (b <= 3 unless c != 1)",
            [("a / b", ">", 0.05), ("b", "<=", 3.0), ("c", "!=", 1.0)],
        ),
        ("1 < a", [("a", ">", 1.0)]),
        ("a >= -1", [("a", ">=", -1.0)]),
        ("a > b", []),
        ("absent(a)", []),
        ("a >", []),
    ],
)
def test_what_an_expression_compares_with_a_number(
    expression: str, found: list[tuple[str, str, float]]
) -> None:
    told = [(each.expression, each.sign, each.threshold) for each in comparisons_of(rule(expression))]
    assert told == found


def test_of_several_series_the_one_nearest_to_firing_is_told(promtool: Path) -> None:
    low = ScrapedSeries({"__name__": "a", "pod": "x"}, "gauge", (1.0, 5.0, Gap.STALE, Gap.STALE))
    high = ScrapedSeries({"__name__": "a", "pod": "y"}, "gauge", (2.0, 3.0, 4.0, Gap.STALE))

    def values(expression: str) -> list[float | None]:
        (curve,) = curves_of(promtool, [rule(expression)], case(low, high), 5.0, 15.0)
        assert (curve.first_seconds, curve.every_seconds) == (-5.0, 5.0)
        return curve.values

    assert values("a > 9") == [2.0, 5.0, 4.0, None]
    assert values("a < 9") == [1.0, 3.0, 4.0, None]
    assert values("a == 3.4") == [2.0, 3.0, 4.0, None]


def test_what_cannot_be_evaluated_has_no_curve(promtool: Path) -> None:
    gauge = ScrapedSeries({"__name__": "a"}, "gauge", (1.0, 1.0))
    with pytest.raises(RulesRefusedError):
        values_of(promtool, case(gauge), ["a", "scalar(a)"], [0.0])
    assert curves_of(promtool, [rule("scalar(a) > 1")], case(gauge), 0.0, 5.0) == []
    assert curves_of(promtool, [rule("absent(a)")], case(gauge), 0.0, 5.0) == []


def test_the_replay_of_a_drill_has_a_curve_for_each_comparison_of_each_rule(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    event = event_of(promtool, rules, made(tmp_path, {500: 40.0}))
    assert [curve.alert for curve in event.curves] == [
        "ServiceDown",
        "HighErrorRate",
        "HighErrorRate",
        "HighResponseTime",
        "PodCrashLooping",
    ]

    def at(curve: AlertCurve, seconds: float) -> float | None:
        return curve.values[round((seconds - curve.first_seconds) / curve.every_seconds)]

    down, _, errors, _, _ = event.curves
    assert at(down, -10.0) == pytest.approx(120.0, rel=0.05)
    assert at(down, 100.0) == 0.0
    assert at(errors, -10.0) is None  # nothing failed, so there is no such series
    assert at(errors, 100.0) == 1.0
    pending = next(each.pending for each in event.spells if each.alert == "ServiceDown")
    assert pending is not None
    assert at(down, pending) == 0.0
    assert at(down, pending - 5.0) != 0.0
    assert down.first_seconds >= -60.0
    last = down.first_seconds + down.every_seconds * (len(down.values) - 1)
    fires = max(each.firing for each in event.spells if each.firing is not None)
    assert fires < last <= 1.25 * fires


def test_a_drill_of_nothing_has_no_curves(tmp_path: Path, promtool: Path, rules: AlertRules) -> None:
    assert event_of(promtool, rules, made(tmp_path, None, fault=False)).curves == []


def test_curves_go_on_until_all_is_told() -> None:
    assert told_until([], 930.0) == 930.0
    assert told_until([60.0], 930.0) == 120.0
    assert told_until([60.0, 200.0], 930.0) == 250.0
    assert told_until([900.0], 930.0) == 930.0
