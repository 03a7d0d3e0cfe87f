"""What is read out of promtool's answers about ALERTS is what promtool's own tests of alerts confirm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from drill.alerts.engine import ALERTS, evaluate, promtool_test
from drill.alerts.rules import AlertRules, alert_rules
from drill.alerts.series import NAME_ENDING, SeriesFile, read_series
from drill.machine.promtool import ensure_promtool
from drill.runbook import parse

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "runbook" / "alert-series"


def confirmed(
    folder: Path, rules: AlertRules, case: SeriesFile, alert: str, firing: dict[float, list[dict[str, str]]]
) -> bool:
    """Whether promtool confirms exactly these firing alerts, by their labels, at each of the times."""
    (folder / "rules.yaml").write_text("".join(rules.files()), encoding="utf-8")
    rule = rules.named(alert)
    assert rule is not None
    group = {
        key: value for key, value in promtool_test(case, 0, ALERTS, []).items() if key != "promql_expr_test"
    }
    group["alert_rule_test"] = [
        {
            "eval_time": f"{seconds:.0f}s",
            "alertname": alert,
            "exp_alerts": [{"exp_labels": each, "exp_annotations": rule.annotations} for each in labels],
        }
        for seconds, labels in firing.items()
    ]
    test = {"rule_files": ["rules.yaml"], "evaluation_interval": "15s", "tests": [group]}
    (folder / "test.yaml").write_text(json.dumps(test), encoding="utf-8")
    done = subprocess.run(
        [ensure_promtool(), "test", "rules", folder / "test.yaml"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert "FAILED" in done.stderr + done.stdout or done.returncode == 0, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize(
    ("runbook", "scene", "alert"),
    [
        ("as-first-written.md", "short-failure", "HighErrorRate"),
        ("as-first-written.md", "one-pod-restart", "PodCrashLooping"),
        ("operations-runbook.md", "all-requests-fail", "ServiceDown"),
        ("operations-runbook.md", "crash-loop", "PodCrashLooping"),
        ("operations-runbook.md", "seven-percent-fail", "HighErrorRate"),
        ("operations-runbook.md", "slow", "HighResponseTime"),
    ],
)
def test_promtool_s_own_test_of_alerts_confirms_when_each_fires_and_ends(
    tmp_path: Path, runbook: str, scene: str, alert: str
) -> None:
    rules = alert_rules(parse(ROOT / "runbook" / runbook))
    case = read_series(FOLDER / f"{scene}.{NAME_ENDING}")
    episodes = [
        each
        for each in evaluate(ensure_promtool(), rules.files(), [case])[0]
        if each.alert == alert and each.firing_seconds is not None
    ]
    begin = episodes[0].firing_seconds
    assert begin is not None
    at_once = [each.labels for each in episodes if each.firing_seconds == begin]
    ends = {each.resolved_seconds for each in episodes}
    told: dict[float, list[dict[str, str]]] = {begin - 15: [], begin: at_once}
    if len(ends) == 1 and None not in ends:
        told |= {end: [] for end in ends if end is not None}
    assert confirmed(tmp_path, rules, case, alert, told)
    assert not confirmed(tmp_path, rules, case, alert, {begin - 15: at_once})
    assert not confirmed(tmp_path, rules, case, alert, {begin: []})
