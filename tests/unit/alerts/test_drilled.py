"""Would anybody have been called in a drill? The series are made, the times are promtool's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from drill.alerts.replay import replayed
from drill.alerts.rules import AlertRules, alert_rules
from drill.alerts.series import (
    NAME_ENDING,
    Gap,
    ScrapedSeries,
    SeriesFile,
    SeriesHeader,
    notation,
    read_series,
)
from drill.cli import cli
from drill.conduct import expect
from drill.judge.verdict import DrillVerdict
from drill.machine.promtool import ensure_promtool
from drill.recording.events import AlertDue, AlertsReplayed
from drill.runbook import parse
from tests.unit.alerts.made_drill import END, INJECTED, event_of, made
from tests.unit.judge.recorded_drill import FAULT, RecordedDrill, criterion

ROOT = Path(__file__).parents[3]
ALL_FAIL = {500: 40.0}


@pytest.fixture(scope="module")
def promtool() -> Path:
    return ensure_promtool()


@pytest.fixture(scope="module")
def rules() -> AlertRules:
    return alert_rules(parse(ROOT / "runbook" / "operations-runbook.md"))


def judged(
    folder: Path,
    event: AlertsReplayed,
    *alerts: str,
    stated: list[str] | None = None,
    due: AlertDue | None = None,
    said: AlertDue | None = None,
) -> DrillVerdict:
    """The verdict on a drill that passes in all else, with this replay in its recording. `alerts`: that its
    fault is meant to raise; `due`: when one of them has to fire by the catalogue, `said`: by the scenario."""
    drill = RecordedDrill(folder / "drill")
    started: dict[str, Any] = {"faults": [{"fault": FAULT, "alerts": alerts or ["ServiceDown"]}]}
    if due is not None:
        started["faults"][0]["due"] = [msgspec.to_builtins(due)]
    if said is not None:
        started["due"] = [msgspec.to_builtins(said)]
    if stated is not None:
        started["alerts"] = stated
    drill.started = started
    drill.extra = [(END + 1024.0, event.kind, msgspec.to_builtins(event))]
    return drill.judged()


def test_no_pods_call_somebody_in_time_nobody_else_and_not_after_recovery(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    event = event_of(promtool, rules, made(tmp_path, None))
    assert {each.alert for each in event.spells if each.firing is not None} == {"ServiceDown"}
    verdict = judged(tmp_path, event)
    detected = criterion(verdict, "detected")
    assert detected.verdict == "pass"
    assert detected.value is not None
    assert 60 <= detected.value <= 130
    assert criterion(verdict, "quiet").verdict == "pass"
    assert criterion(verdict, "resolved").verdict == "pass"
    assert verdict.called is not None
    assert (verdict.called.alert, verdict.called.response_seconds) == ("ServiceDown", 300.0)
    assert verdict.called.acted_seconds == pytest.approx(8.0, abs=0.1)
    assert verdict.called.total_seconds == pytest.approx(detected.value + 308.0, abs=0.1)
    assert expect.fires(verdict, "ServiceDown", 180) is not None
    expect.leads_to(verdict, "ServiceDown", "Service Completely Down (P0)")
    expect.only_fire(verdict, ["ServiceDown"])
    with pytest.raises(AssertionError, match="expected ServiceDown to fire within 30 s"):
        expect.fires(verdict, "ServiceDown", 30)
    with pytest.raises(AssertionError, match="expected ServiceDown not to fire before 180 s"):
        expect.fires(verdict, "ServiceDown", after_seconds=180)
    with pytest.raises(AssertionError, match="to lead to 'High Error Rate"):
        expect.leads_to(verdict, "ServiceDown", "High Error Rate (P1)")
    with pytest.raises(AssertionError, match="HighErrorRate does not fire"):
        expect.only_fire(verdict, ["HighErrorRate"])


def test_an_alert_fires_when_it_is_due_and_neither_sooner_nor_later(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    event = event_of(promtool, rules, made(tmp_path, None))
    seconds = next(each.firing for each in event.spells if each.alert == "ServiceDown")
    assert seconds is not None

    def outcomes(number: int, *, of_fault: tuple[float, float], **more: Any) -> tuple[str, str]:
        due = AlertDue("ServiceDown", *of_fault)
        verdict = judged(tmp_path / str(number), event, due=due, **more)
        return criterion(verdict, "detected").verdict, criterion(verdict, "quiet").verdict

    assert outcomes(1, of_fault=(seconds - 1, seconds + 1)) == ("pass", "pass")
    assert outcomes(2, of_fault=(0.0, seconds - 1)) == ("fail", "pass")
    assert outcomes(3, of_fault=(seconds + 1, seconds + 9)) == ("pass", "fail")
    # what the scenario says counts before what its fault has; of an alert that it does not name, nothing does
    said = AlertDue("ServiceDown", 0.0, seconds - 1)
    stated = ["ServiceDown"]
    assert outcomes(4, of_fault=(0.0, 900.0), said=said, stated=stated) == ("fail", "pass")
    assert outcomes(5, of_fault=(0.0, 1.0), stated=["HighErrorRate", "ServiceDown"]) == ("fail", "pass")
    silent = judged(tmp_path / "6", event, "ServiceDown", "HighErrorRate", due=AlertDue("HighErrorRate"))
    assert criterion(silent, "detected").why.startswith(
        "HighErrorRate has to fire, and does not; ServiceDown"
    )


def test_what_is_due_and_silent_is_undecided_while_more_would_tell(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    event = event_of(promtool, rules, made(tmp_path, None))
    known = [
        msgspec.structs.replace(each, needs_seconds=event.until_seconds + 1)
        if each.alert == "HighErrorRate"
        else each
        for each in event.rules
    ]
    short = msgspec.structs.replace(event, rules=known)
    both = ("ServiceDown", "HighErrorRate")
    verdict = judged(tmp_path, short, *both, due=AlertDue("HighErrorRate", 0.0, 100.0))
    assert criterion(verdict, "detected").verdict == "inconclusive"


def test_the_same_recording_has_the_same_answer(tmp_path: Path, promtool: Path, rules: AlertRules) -> None:
    path = made(tmp_path, None)
    assert event_of(promtool, rules, path) == event_of(promtool, rules, path)


def test_an_alert_that_is_meant_and_stays_silent_calls_nobody(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    event = event_of(promtool, rules, made(tmp_path, {200: 39.0, 500: 1.0}))
    assert not any(each.firing for each in event.spells)
    verdict = judged(tmp_path, event, "HighErrorRate")
    detected = criterion(verdict, "detected")
    assert (detected.verdict, detected.why.split(":")[0]) == ("fail", "nobody would have been called")
    assert verdict.called is not None
    assert verdict.called.alert == ""
    assert criterion(verdict, "resolved").verdict == "not applicable"
    assert verdict.verdict == "pass"  # the alerts' failure, not the procedure's
    stated = judged(tmp_path, event, "HighErrorRate", stated=["HighErrorRate"])
    assert (stated.verdict, stated.why.split(":")[0]) == ("fail", "detected")


def test_an_alert_of_no_known_severity_or_after_its_time_is_not_in_time(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    written = alert_rules(parse(ROOT / "runbook" / "as-first-written.md"))
    event = event_of(promtool, written, made(tmp_path, ALL_FAIL))
    detected = criterion(judged(tmp_path, event, "HighErrorRate"), "detected")
    assert detected.verdict == "fail"
    assert "no response time for severity 'warning'" in detected.why
    event = event_of(promtool, rules, made(tmp_path, None))
    known = [
        msgspec.structs.replace(rule, limit_seconds=60.0) if rule.alert == "ServiceDown" else rule
        for rule in event.rules
    ]
    detected = criterion(judged(tmp_path, msgspec.structs.replace(event, rules=known)), "detected")
    assert detected.verdict == "fail"
    assert "is to be over within 60 s" in detected.why


def test_what_fires_besides_or_before_is_noise(tmp_path: Path, promtool: Path, rules: AlertRules) -> None:
    event = event_of(promtool, rules, made(tmp_path, ALL_FAIL))
    fired = {each.alert for each in event.spells if each.firing is not None}
    assert fired == {"ServiceDown", "HighErrorRate"}
    quiet = criterion(judged(tmp_path, event), "quiet")
    assert quiet.verdict == "fail"
    assert "HighErrorRate fired" in quiet.why
    both = judged(tmp_path, event, "ServiceDown", "HighErrorRate")
    assert criterion(both, "quiet").verdict == "pass"
    assert criterion(both, "detected").why.startswith("HighErrorRate fires")
    stated = judged(tmp_path, event, stated=["ServiceDown", "HighErrorRate"])
    assert criterion(stated, "quiet").verdict == "pass"
    ill = {200: 30.0, 500: 10.0}
    event = event_of(promtool, rules, made(tmp_path, ill, before=ill))
    quiet = criterion(judged(tmp_path, event, "HighErrorRate"), "quiet")
    assert quiet.verdict == "fail"
    assert "before the fault" in quiet.why


def test_any_of_several_alerts_that_are_meant_is_enough(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    event = event_of(promtool, rules, made(tmp_path, None))
    verdict = judged(tmp_path, event, "HighErrorRate", "ServiceDown")
    assert criterion(verdict, "detected").verdict == "pass"
    assert criterion(verdict, "quiet").verdict == "pass"
    neither = judged(tmp_path, event, "HighErrorRate", "PodCrashLooping")
    assert criterion(neither, "detected").verdict == "fail"
    assert "HighErrorRate, PodCrashLooping did not fire" in criterion(neither, "detected").why
    assert criterion(neither, "quiet").verdict == "fail"


def test_a_recording_that_names_one_alert_is_judged_as_before(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    event = event_of(promtool, rules, made(tmp_path, None))
    for alert, said in (("ServiceDown", "pass"), ("HighErrorRate", "fail")):
        drill = RecordedDrill(tmp_path / alert)
        drill.started = {"faults": [{"fault": FAULT, "alert": alert}]}
        drill.extra = [(END + 1024.0, event.kind, msgspec.to_builtins(event))]
        verdict = drill.judged()
        assert (criterion(verdict, "detected").verdict, criterion(verdict, "quiet").verdict) == (said, said)


def test_an_alert_that_goes_on_after_recovery_is_not_resolved(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    event = event_of(promtool, rules, made(tmp_path, ALL_FAIL, after={200: 36.0, 500: 4.0}))
    found = criterion(judged(tmp_path, event), "resolved")
    assert found.verdict == "fail"
    assert "HighErrorRate: still firing 600 s after recovery" in found.why


def test_nothing_broken_raises_nothing(tmp_path: Path, promtool: Path, rules: AlertRules) -> None:
    event = event_of(promtool, rules, made(tmp_path, None, fault=False))
    assert event.spells == []
    drill = RecordedDrill(tmp_path / "drill", outages=[], injected=None, witness=None, procedure=None)
    drill.changes = None
    drill.started = {"faults": [], "procedures": [], "alerts": []}
    drill.extra = [(END + 1024.0, event.kind, msgspec.to_builtins(event))]
    verdict = drill.judged()
    assert criterion(verdict, "quiet").verdict == "pass"
    assert criterion(verdict, "detected").verdict == "not applicable"
    expect.hold(verdict, ["quiet"])
    assert verdict.called is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"hold": False}, "fewer than two scrapes"),
        ({"unseen": (13.0, 36.0)}, "nothing was scraped for 26 s"),
    ],
)
def test_too_little_was_scraped_to_say_anything(
    tmp_path: Path, promtool: Path, rules: AlertRules, change: dict[str, Any], why: str
) -> None:
    event = event_of(promtool, rules, made(tmp_path, {200: 40.0}, **change))
    verdict = judged(tmp_path, event)
    for name in ("detected", "quiet", "resolved"):
        assert criterion(verdict, name).verdict == "inconclusive", name
        assert why in criterion(verdict, name).why
    assert verdict.called is None
    with pytest.raises(expect.Inconclusive, match=why):
        expect.fires(verdict, "ServiceDown", 180)


def test_without_the_tool_or_the_metrics_nothing_passes(
    tmp_path: Path, promtool: Path, rules: AlertRules
) -> None:
    verdict = judged(tmp_path, AlertsReplayed(why="the tool is missing: promtool is nowhere"))
    for name in ("detected", "quiet", "resolved"):
        found = criterion(verdict, name)
        assert (found.verdict, found.why) == ("inconclusive", "the tool is missing: promtool is nowhere")
    event = event_of(promtool, rules, made(tmp_path, {200: 40.0}))
    blind = [msgspec.structs.replace(rule, untold=["node_load1"]) for rule in event.rules]
    verdict = judged(tmp_path, msgspec.structs.replace(event, rules=blind))
    assert criterion(verdict, "detected").verdict == "inconclusive"
    assert "node_load1, which was not scraped" in criterion(verdict, "quiet").why


def test_where_nothing_was_recorded_alerts_are_not_applicable(tmp_path: Path) -> None:
    verdict = RecordedDrill(tmp_path / "drill").judged()
    for name in ("detected", "quiet", "resolved"):
        assert criterion(verdict, name).verdict == "not applicable"
    assert verdict.alerts is None
    assert expect.fires(verdict, "ServiceDown", 180) is None


def test_a_replay_fills_the_past_holds_the_fault_and_goes_on_after_it() -> None:
    counter = ScrapedSeries(
        {"__name__": "a_total"}, "counter", (100.0, 110.0, 120.0, 121.0, 122.0, 123.0, 133.0)
    )
    gauge = ScrapedSeries({"__name__": "up"}, "gauge", (1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    gone = ScrapedSeries(
        {"__name__": "b_total"}, "counter", (5.0, 5.0, 5.0, Gap.STALE, Gap.STALE, Gap.STALE, 1.0)
    )
    header = SeriesHeader("drill alert series 1", "made", 1.0, 2.5, 5.0, evaluate_seconds=2.0)
    found = replayed(SeriesFile("made", header, (counter, gauge, gone)), 4.0, 6.0, 2.0)
    # of the monitoring's own scrapes, every two seconds: 1, 3, 5; the past before, the hold after; none
    # of them came after the fault, so no end of users' requests is made up there
    assert found.series[0].values == (70.0, 90.0, 110.0, 121.0, 123.0, 125.0, 127.0, 129.0)
    assert found.series[1].values == (1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert found.series[2].values == (5.0, 5.0, 5.0, *[Gap.STALE] * 5)
    assert (found.header.fault_seconds, found.header.hold_from_seconds) == (5.5, 8.0)
    assert (found.held_seconds, found.past_seconds, found.recovered_seconds) == (6.0, 4.0, None)


def test_the_past_is_that_of_before_the_fault_also_where_the_first_scrape_saw_the_fault() -> None:
    counter = ScrapedSeries(
        {"__name__": "a_total"}, "counter", (100.0, 110.0, 120.0, Gap.STALE, Gap.STALE, Gap.STALE)
    )
    header = SeriesHeader("drill alert series 1", "made", 1.0, 2.5, 4.0, evaluate_seconds=5.0)
    found = replayed(SeriesFile("made", header, (counter,)), 10.0, 5.0)
    # the monitoring's own scrape is that of second 4
    assert found.series[0].values == (70.0, 120.0, Gap.STALE, Gap.STALE)
    assert found.header.fault_seconds == 8.5


def test_where_nothing_is_broken_the_past_is_as_before_somebody_acted() -> None:
    counter = ScrapedSeries({"__name__": "a_total"}, "counter", (90.0, 100.0, 110.0, 130.0, 150.0))
    header = SeriesHeader("drill alert series 1", "made", 1.0, evaluate_seconds=1.0)
    whole = replayed(SeriesFile("made", header, (counter,)), 2.0, 0.0)
    assert whole.series[0].values == (60.0, 75.0, *counter.values)
    acted = msgspec.structs.replace(header, steady_until_seconds=2.0)
    found = replayed(SeriesFile("made", acted, (counter,)), 2.0, 0.0)
    assert found.series[0].values == (70.0, 80.0, *counter.values)


def test_a_counter_is_never_below_nothing_in_the_past() -> None:
    counter = ScrapedSeries({"__name__": "a_total"}, "counter", (5.0, 15.0, 25.0))
    header = SeriesHeader("drill alert series 1", "made", 1.0, evaluate_seconds=1.0)
    found = replayed(SeriesFile("made", header, (counter,)), 3.0, 0.0)
    assert found.series[0].values == (0.0, 10.0, 20.0, 30.0, 40.0, 50.0)
    assert notation((0.1, 0.3, 0.5, 0.7), 1e-6) == "0.1+0.2x3"


def test_a_stored_drill_is_read_again(tmp_path: Path) -> None:
    file = read_series(made(tmp_path, None))
    assert (file.header.fault_seconds, file.header.evaluate_seconds) == (INJECTED, 5.0)


def test_a_table_shows_what_fires_and_the_gaps(tmp_path: Path) -> None:
    cases: dict[str, tuple[dict[int, float] | None, list[str]]] = {
        "down": (None, []),
        "eased": ({200: 39.0, 500: 1.0}, []),
        "meant": (None, ["HighErrorRate", "ServiceDown"]),
        "other": (None, ["HighErrorRate"]),
    }
    for name, (answers, alerts) in cases.items():
        folder = tmp_path / name
        drill = RecordedDrill(folder)
        drill.started = {"faults": [{"fault": f"fault-{name}", "alerts": alerts}]}
        drill.write()
        made(folder, answers)
    words = ["alerts", "table", str(tmp_path), "--runbook", str(ROOT / "runbook" / "operations-runbook.md")]
    done = CliRunner().invoke(cli, words)
    head, down, eased, meant, other, *told = done.output.splitlines()
    assert head.split() == [
        "fault",
        "drill",
        "ServiceDown",
        "HighErrorRate",
        "HighResponseTime",
        "PodCrashLooping",
        "gap",
    ]
    assert down.split()[:2] == ["fault-down", "down"]
    assert down.split()[3:] == ["s", "-", "-", "-"]
    assert eased.split() == ["fault-eased", "eased", "-", "-", "-", "-", "nobody", "is", "called"]
    assert meant.split()[3:] == ["s", "-", "-", "-"]
    assert other.split("  ")[-1].strip() == "ServiceDown fires, and none that is meant (HighErrorRate)"
    assert told == [
        "HighErrorRate: uncovered: no drill lets it fire",
        "HighResponseTime: uncovered: no drill lets it fire",
        "PodCrashLooping: uncovered: no drill lets it fire",
        "fault-eased: unannounced: users feel it, and nobody is called",
        *(
            f"fault-{name}: ServiceDown leads to '1. Service Completely Down (P0)', "
            "and no drill here recovers by that"
            for name in ("down", "meant", "other")
        ),
    ]
    assert done.exit_code == 1
    told_again = CliRunner().invoke(cli, [*words, "--format", "json"])
    data = msgspec.json.decode(told_again.output)
    assert data["unannounced"] == ["fault-eased"]
    assert [row["meant"] for row in data["rows"]] == [
        None,
        None,
        ["HighErrorRate", "ServiceDown"],
        ["HighErrorRate"],
    ]


def test_what_is_meant_is_as_recorded_unless_it_is_asked_for_as_it_is_now(tmp_path: Path) -> None:
    """Of one fault both, and of one that the catalogue has no more what was recorded."""
    for name in ("deployment-scaled-to-zero", "gone-since"):
        folder = tmp_path / name
        drill = RecordedDrill(folder)
        drill.started = {"faults": [{"fault": name, "alerts": ["HighErrorRate"]}]}
        drill.write()
        made(folder, None)
    words = ["alerts", "table", str(tmp_path), "--runbook", str(ROOT / "runbook" / "operations-runbook.md")]

    def gaps(*more: str) -> dict[str, str]:
        done = CliRunner().invoke(cli, [*words, "--format", "json", *more])
        return {row["fault"]: row["gap"] for row in msgspec.json.decode(done.output)["rows"]}

    unmeant = "ServiceDown fires, and none that is meant (HighErrorRate)"
    assert gaps() == {"deployment-scaled-to-zero": unmeant, "gone-since": unmeant}
    assert gaps("--meant", "now") == {"deployment-scaled-to-zero": "", "gone-since": unmeant}


def test_what_can_not_be_told_is_undecided_and_no_fault_is_unannounced(tmp_path: Path) -> None:
    for name, change in {"gap": {"unseen": (13.0, 36.0)}, "short": {"hold": False}}.items():
        drill = RecordedDrill(tmp_path / name)
        drill.started = {"faults": [{"fault": f"fault-{name}", "alerts": ["ServiceDown"]}]}
        drill.write()
        made(tmp_path / name, None, **change)  # type: ignore[arg-type]
    runbook = ROOT / "runbook" / "operations-runbook.md"
    done = CliRunner().invoke(cli, ["alerts", "table", str(tmp_path), "--runbook", str(runbook)])
    assert "undecided: nothing was scraped for 26 s" in done.output
    assert "undecided: the fault was in for fewer than two scrapes" in done.output
    assert "unannounced" not in done.output
    assert done.exit_code == 2


def test_mutants_of_rules_are_killed_by_a_stored_drill(tmp_path: Path) -> None:
    made(tmp_path, None)
    file = tmp_path / "rules.md"
    file.write_text(
        "# T\n\n```yaml\n- alert: Gone\n  expr: absent(http_requests_total)\n  for: 1m\n```\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(cli, ["alerts", "mutate", str(tmp_path / NAME_ENDING), "--runbook", str(file)])
    assert "2 of 2 mutants noticed" in done.output
    assert done.exit_code == 1  # both, and "for" changes no more than times: no criterion says otherwise
