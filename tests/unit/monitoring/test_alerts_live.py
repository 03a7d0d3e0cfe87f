"""The row that compares alerts in life with their replay: what is missing is never a pass."""

from __future__ import annotations

import pytest

from benchmarks.alerts_live import FAULTS, Injected, compared
from drill.alerts.rules import alert_rules
from drill.inject.experiment import OWN_EXPERIMENTS, read_experiment
from drill.monitoring.live import AlertAccount, LifeAndReplay
from drill.runbook import parse

BEGAN = 1000.0
DOWN = Injected("deployment-scaled-to-zero", "ServiceDown")


def both(alert: str, life: float | None, replay: float | None) -> LifeAndReplay:
    return LifeAndReplay(AlertAccount(alert, life), AlertAccount(alert, replay), 5.0)


@pytest.mark.parametrize(
    ("accounts", "measured", "outcome"),
    [
        ([both("ServiceDown", 1120.0, 1125.0), both("HighErrorRate", None, None)], "5.0 s apart", "reached"),
        ([both("ServiceDown", 1120.0, 1126.0)], "life and replay differ", "missed"),
        ([both("ServiceDown", 1120.0, None)], "life and replay differ", "missed"),
        ([both("ServiceDown", None, 1120.0)], "life and replay differ", "missed"),
        ([both("ServiceDown", None, None)], "ServiceDown neither in life nor by replay", "missed"),
        ([], "ServiceDown neither in life nor by replay", "missed"),
        ([both("HighErrorRate", 1120.0, 1120.0)], "ServiceDown neither in life nor by replay", "missed"),
        (
            [both("ServiceDown", 1120.0, 1120.0), both("HighErrorRate", 1130.0, 1130.0)],
            "0.0 s apart",
            "missed",
        ),
    ],
)
def test_only_the_alert_that_is_meant_in_both_and_at_one_time_reaches_the_aim(
    accounts: list[LifeAndReplay], measured: str, outcome: str
) -> None:
    row = compared(DOWN, accounts, ["received"], BEGAN)
    assert (row.measured, row.outcome) == (measured, outcome)
    assert row.notes[0] == "received"


@pytest.mark.parametrize(
    ("fired", "outcome"),
    [
        (["HighResponseTime"], "reached"),
        (["HighResponseTime", "PodCrashLooping"], "reached"),
        (["HighResponseTime", "HighErrorRate"], "missed"),
        (["PodCrashLooping"], "missed"),
    ],
)
def test_what_may_fire_besides_is_no_miss_and_does_not_replace_what_is_meant(
    fired: list[str], outcome: str
) -> None:
    slow = Injected("network-slow", "HighResponseTime", may=("PodCrashLooping",))
    row = compared(slow, [both(name, 1120.0, 1120.0) for name in fired], [], BEGAN)
    assert row.outcome == outcome


def test_what_is_measured_is_meant_by_the_catalogue_and_has_a_rule() -> None:
    rules = alert_rules(parse(OWN_EXPERIMENTS.parent / "runbook" / "operations-runbook.md"))
    for each in FAULTS:
        alerts = read_experiment(OWN_EXPERIMENTS / f"{each.fault}.yaml").alerts
        assert {each.meant, *each.may} <= {*alerts}
        assert rules.named(each.meant) is not None
