"""Life and replay: series as Prometheus has them, on the grid of its evaluations; both accounts compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.alerts.rules import AlertRules, alert_rules
from drill.alerts.series import Gap, SeriesFile, SeriesHeader
from drill.machine.promtool import ensure_promtool
from drill.monitoring.live import (
    AlertAccount,
    LifeAndReplay,
    Lived,
    by_replay,
    first_evaluation,
    longest_seconds,
    on_grid,
)
from drill.monitoring.prometheus import QueriedSeries
from drill.runbook import parse

RUNBOOK = (
    "# T\n\n### Response Times\n- **P0**: 1 hour\n\n## A\n\n```yaml\n"
    "- alert: Down\n  expr: sum(up) == 0\n  for: 10s\n  labels: {severity: P0}\n```\n"
)


@pytest.fixture
def rules(tmp_path: Path) -> AlertRules:
    (tmp_path / "runbook.md").write_text(RUNBOOK)
    return alert_rules(parse(tmp_path / "runbook.md"))


def series(name: str, *samples: tuple[float, float], job: str = "a") -> QueriedSeries:
    return QueriedSeries({"__name__": name, "job": job, "instance": "1"}, tuple(samples))


def test_a_sample_stands_at_the_first_evaluation_that_saw_it() -> None:
    found = [series("up", (1001.0, 1), (1006.0, 0), (1011.0, 1)), series("x_total", (1001.0, 7), (1011.0, 9))]
    first = first_evaluation(found, 1043.0, 5.0)
    assert first == 1003.0
    up, total = sorted(on_grid(found, first, 5.0), key=lambda each: each.name)
    assert up.values == (1.0, 0.0, 1.0)
    # a scrape without it, of a target that was scraped: it had ended there
    assert (total.kind, total.values) == ("counter", (7.0, Gap.STALE, 9.0))


def test_a_target_that_is_scraped_no_more_has_ended_while_others_go_on() -> None:
    gone = series("up", (1003.0, 1), job="gone")
    stays = series("up", (1003.0, 1), (1008.0, 1))
    by_job = {each.labels["job"]: each.values for each in on_grid([gone, stays], 1003.0, 5.0)}
    assert by_job == {"gone": (1.0, Gap.STALE), "a": (1.0, 1.0)}


def test_the_replay_names_the_evaluation_from_which_it_fires(rules: AlertRules) -> None:
    found = [series("up", *((1000.0 + 5 * each, 0.0 if each >= 4 else 1.0) for each in range(10)))]
    header = SeriesHeader("drill alert series 1", "made", 5.0)
    life = Lived(SeriesFile("life", header, on_grid(found, 1000.0, 5.0)), 1000.0, 5.0)
    replayed = by_replay(ensure_promtool(), rules, life, 1000.0)
    assert replayed == {"Down": AlertAccount("Down", 1030.0)}
    assert by_replay(ensure_promtool(), rules, life, 1031.0) == {"Down": AlertAccount("Down", None)}
    assert longest_seconds(rules.rules[0]) == 70.0


@pytest.mark.parametrize(
    ("life", "replay", "apart", "agree"),
    [
        (1030.0, 1030.0, 0.0, True),
        (1030.0, 1035.0, 5.0, True),
        (1030.0, 1035.000977, 5.000977, True),
        (1030.0, 1035.1, 5.1, False),
        (1030.0, 1036.0, 6.0, False),
        (None, None, 0.0, True),
        (1030.0, None, None, False),
        (None, 1030.0, None, False),
    ],
)
def test_life_and_replay_agree_within_one_evaluation(
    life: float | None, replay: float | None, apart: float | None, agree: bool
) -> None:
    both = LifeAndReplay(AlertAccount("A", life), AlertAccount("A", replay), 5.0)
    assert both.apart_seconds == pytest.approx(apart)
    assert both.agree == agree
