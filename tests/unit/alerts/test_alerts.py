"""The runbook's alerts, by Prometheus' own rule engine. No expectation is about what a rule says: each is
about when promtool lets it fire."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from benchmarks.alert_series import FOLDER, SCENES, header_of, scraped
from drill.alerts import engine
from drill.alerts.engine import RulesRefusedError, check_rules, evaluate
from drill.alerts.judging import AlertOutcome, judged
from drill.alerts.meaning import CaseMeaning, outcome_of
from drill.alerts.mutants import MutantScore, mutants_of, mutated
from drill.alerts.rules import INDENT, AlertRules, alert_rules
from drill.alerts.series import (
    NAME_ENDING,
    Gap,
    ScrapedSeries,
    Scrapes,
    SeriesFile,
    SeriesHeader,
    held,
    notation,
    read_series,
    series_files,
    write_series,
)
from drill.cli import cli
from drill.errors import InputError, ToolMissingError, UsageError
from drill.machine.promtool import ensure_promtool
from drill.recording.events import AlertDue
from drill.runbook import load_errata, parse

ROOT = Path(__file__).parents[3]
WRITTEN = ROOT / "runbook" / "as-first-written.md"
CORRECTED = ROOT / "runbook" / "operations-runbook.md"
HEAD = "# T\n\n### Response Times\n- **P1**: 1 hour\n\n## A\n\n```yaml\n"
UP = "- alert: Down\n  expr: up == 0\n  for: 1m\n  labels: {severity: P1}\n"


@pytest.fixture(scope="module")
def promtool() -> Path:
    return ensure_promtool()


@pytest.fixture(scope="module")
def cases() -> list[SeriesFile]:
    return [read_series(file) for file in series_files(FOLDER)]


def _outcomes(path: Path, promtool: Path, cases: list[SeriesFile]) -> dict[str, AlertOutcome]:
    rules = alert_rules(parse(path))
    found = evaluate(promtool, rules.files(), cases)
    return {case.name: judged(rules, case, each) for case, each in zip(cases, found, strict=True)}


@pytest.fixture(scope="module")
def written(promtool: Path, cases: list[SeriesFile]) -> dict[str, AlertOutcome]:
    return _outcomes(WRITTEN, promtool, cases)


@pytest.fixture(scope="module")
def corrected(promtool: Path, cases: list[SeriesFile]) -> dict[str, AlertOutcome]:
    return _outcomes(CORRECTED, promtool, cases)


def _rules(tmp_path: Path, text: str = UP) -> AlertRules:
    file = tmp_path / "runbook.md"
    file.write_text(f"{HEAD}{text}```\n", encoding="utf-8")
    return alert_rules(parse(file))


def _case(values: list[float | Gap], **header: object) -> SeriesFile:
    about = SeriesHeader("drill alert series 1", "made here", 15, **header)  # type: ignore[arg-type]
    labels = {"__name__": "up", "path": '/a "b"\\'}
    return SeriesFile("made", about, (ScrapedSeries(labels, "gauge", tuple(values)),))


def _fired(outcome: AlertOutcome) -> set[str]:
    return {each.alert for each in outcome.episodes if each.firing_seconds is not None}


def test_corrected_rules_fire_for_what_they_are_meant_for_in_time_and_for_nothing_else(
    corrected: dict[str, AlertOutcome],
) -> None:
    assert len(corrected) == len(SCENES)
    assert {name: (each.wrong, each.undecided) for name, each in corrected.items()} == dict.fromkeys(
        corrected, ((), ())
    )
    for name in ("normal-traffic", "rolling-restart", "one-pod-restart"):
        assert _fired(corrected[name]) == set()


@pytest.mark.parametrize(
    ("scene", "alert"),
    [
        ("normal-traffic", "HighErrorRate"),
        ("four-percent-fail", "HighErrorRate"),
        ("short-failure", "HighErrorRate"),
        ("one-slow-path", "HighResponseTime"),
        ("one-pod-restart", "PodCrashLooping"),
        ("two-restarts", "PodCrashLooping"),
    ],
)
def test_rules_as_first_written_fire_wrongly(
    written: dict[str, AlertOutcome], scene: str, alert: str
) -> None:
    assert _fired(written[scene]) == {alert}
    assert any(f"{alert} fired, and is not meant to" in text for text in written[scene].wrong)


def test_rules_as_first_written_call_nobody_when_the_service_is_gone(
    written: dict[str, AlertOutcome],
) -> None:
    for scene in ("no-pods", "no-user-reaches-it"):
        assert _fired(written[scene]) == set()
        assert written[scene].wrong == ("nobody is called: there is no alert ServiceDown",)


def test_a_short_failure_is_announced_when_it_is_over(written: dict[str, AlertOutcome]) -> None:
    first = written["short-failure"].episodes[0]
    assert first.firing_seconds is not None
    assert first.firing_seconds - 600 > 30 + 60


def test_the_critical_alert_waits_for_five_of_fifteen_minutes_and_the_corrected_does_not(
    written: dict[str, AlertOutcome], corrected: dict[str, AlertOutcome]
) -> None:
    def after(outcome: AlertOutcome) -> float:
        return min(
            each.firing_seconds - 600
            for each in outcome.episodes
            if each.alert == "PodCrashLooping" and each.firing_seconds is not None
        )

    assert after(written["crash-loop"]) >= 300
    assert after(corrected["crash-loop"]) < 90


def test_each_command_of_the_errata_shows_its_defect_and_not_in_the_corrected_runbook() -> None:
    shown = [
        defect.shown_by
        for defect in load_errata(ROOT / "runbook" / "errata.yaml")
        if defect.shown_by.startswith("drill alerts")
    ]
    assert len(shown) == 8
    for command in shown:
        words = shlex.split(command.replace("runbook/", f"{ROOT}/runbook/"))[1:]
        asked = CliRunner().invoke(cli, words)
        assert asked.exit_code == 1, asked.output
        words = [word.replace("as-first-written", "operations-runbook") for word in words]
        asked = CliRunner().invoke(cli, words)
        assert asked.exit_code == 0, asked.output


def test_stored_scenes_are_what_their_maker_makes() -> None:
    for scene in (SCENES[0], SCENES[2]):
        stored = read_series(FOLDER / f"{scene.name}.{NAME_ENDING}")
        assert stored.header == header_of(scene)
        assert [(each.labels, notation(each.values)) for each in stored.series] == [
            (each.labels, notation(each.values)) for each in scraped(scene)
        ]


def test_fences_reach_prometheus_byte_for_byte(promtool: Path) -> None:
    rules = alert_rules(parse(WRITTEN))
    text = WRITTEN.read_bytes().decode()
    for fence, file in zip(rules.fences, rules.files(), strict=True):
        assert fence.text in text
        body = file.split("  rules:\n", 1)[1]
        assert "".join(line.removeprefix(INDENT) for line in body.splitlines(keepends=True)) == fence.text
    assert [rule.name for rule in rules.rules] == ["HighErrorRate", "HighResponseTime", "PodCrashLooping"]
    assert check_rules(promtool, rules.files()) == ""


def test_a_rule_file_is_taken_as_it_is_and_a_bad_rule_is_refused(promtool: Path, tmp_path: Path) -> None:
    whole = "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n"
    rules = _rules(tmp_path, whole)
    assert (rules.files(), rules.rules[0].line) == ([whole], 12)
    bad = _rules(tmp_path, UP.replace("up == 0", "up == (0"))
    assert "parse error" in check_rules(promtool, bad.files())
    with pytest.raises(RulesRefusedError, match="answered 0 of 2 questions"):
        evaluate(promtool, bad.files(), [_case([1.0, 1.0])])


def test_pending_firing_and_resolved_of_one_alert_with_strange_labels(promtool: Path, tmp_path: Path) -> None:
    values = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    first, second = evaluate(promtool, _rules(tmp_path).files(), [_case(values)])[0]
    assert (first.pending_seconds, first.firing_seconds, first.resolved_seconds) == (15, 75, 105)
    assert (second.pending_seconds, second.firing_seconds, second.resolved_seconds) == (120, None, None)
    assert second.ended_seconds == 135
    assert first.labels["path"] == '/a "b"\\'


@pytest.mark.parametrize(
    ("zeros", "wrong", "undecided"),
    [
        (5, "", ""),
        (2, "", "Down did not fire within 30 s; 60 s would tell"),
        (0, "nobody is called: Down did not fire within 300 s", ""),
    ],
)
def test_in_time_undecided_and_nobody_called(
    promtool: Path, tmp_path: Path, zeros: int, wrong: str, undecided: str
) -> None:
    values: list[float | Gap] = [1.0] * 2 + ([0.0] * zeros if zeros else [1.0] * 20)
    case, rules = _case(values, fault_seconds=15.0, meant=("Down",)), _rules(tmp_path)
    outcome = judged(rules, case, evaluate(promtool, rules.files(), [case])[0])
    assert (" ".join(outcome.wrong), " ".join(outcome.undecided)) == (wrong, undecided)


def test_late_before_the_fault_and_without_a_response_time(promtool: Path, tmp_path: Path) -> None:
    case = _case([0.0] * 20, fault_seconds=200.0, meant=("Down",))
    rules = _rules(tmp_path)
    assert (
        "Down fired 140 s before the fault"
        in judged(rules, case, evaluate(promtool, rules.files(), [case])[0]).wrong
    )
    slow = _rules(tmp_path, UP.replace("1m", "2h"))
    case = _case([0.0] * 600, fault_seconds=0.0, meant=("Down",))
    said = judged(slow, case, evaluate(promtool, slow.files(), [case])[0]).wrong
    assert said == ("Down fired after 7200 s; P1 must be answered in 3600 s",)
    vague = _rules(tmp_path, UP.replace("P1", "warning"))
    case = _case([0.0] * 20, meant=("Down",))
    assert "no response time" in judged(vague, case, evaluate(promtool, vague.files(), [case])[0]).wrong[0]


def test_a_fault_s_last_state_is_held_on_and_what_followed_comes_after() -> None:
    def kept(name: str, kind: str, values: list[float | Gap]) -> tuple[float | Gap, ...]:
        header = SeriesHeader("drill alert series 1", "here", 15, 15.0, 60.0)
        series = ScrapedSeries({"__name__": name}, kind, tuple(values))  # type: ignore[arg-type]
        return held(SeriesFile("f", header, (series,)), 30).series[0].values

    assert kept("a_total", "counter", [0, 0, 10, 20, 30, 31]) == (0, 0, 10, 20, 30, 40, 50, 51)
    assert kept("a_total", "counter", [0, 50, 5, 10, 15, 2]) == (0, 50, 5, 10, 15, 20, 25, 2)
    assert kept("a", "gauge", [0, 1, 2, 3, 4, 9]) == (0, 1, 2, 3, 4, 4, 4, 9)
    assert kept("kube_restarts_total", "counter", [0, 0, 0, 1, 1, 2]) == (0, 0, 0, 1, 1, 1, 1, 2)
    gone: list[float | Gap] = [1, 1, Gap.STALE, Gap.STALE, Gap.STALE, 0]
    assert kept("a_total", "counter", gone) == (1, 1, *[Gap.STALE] * 5, 0)


def test_a_held_fault_fires_what_the_recorded_seconds_do_not(promtool: Path, tmp_path: Path) -> None:
    case = _case([1.0, 0.0, 0.0, 1.0], fault_seconds=15.0, hold_from_seconds=30.0, meant=("Down",))
    rules = _rules(tmp_path)
    short, long = evaluate(promtool, rules.files(), [case, held(case, 300)])
    assert [each.firing_seconds for each in short] == [None]
    assert [(each.firing_seconds, each.resolved_seconds) for each in long] == [(75, 345)]


def test_what_ended_is_stale_and_what_nobody_scraped_is_unknown() -> None:
    scrapes = Scrapes(15)
    for at, value in ((100.0, 1.0), (115.2, 2.0), (145.0, None)):
        samples = [] if value is None else [({"__name__": "a"}, "gauge", value)]
        scrapes.add(at, {"pod": "p"}, samples)  # type: ignore[arg-type]
    scrapes.add(160.0, {"pod": "q"}, [({"__name__": "a"}, "gauge", 7.0)])
    first, second = scrapes.series()
    assert first.values == (1.0, 2.0, Gap.MISSED, Gap.STALE, Gap.STALE)
    assert second.values == (*[Gap.MISSED] * 4, 7.0)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    values: tuple[float | Gap, ...] = (0.0, 15.0, 30.0, 45.0, 0.5, 0.5, 0.5, Gap.STALE, Gap.MISSED, 3.0, 1.25)
    header = SeriesHeader("drill alert series 1", "here", 5, 1.0, 2.0, ())
    file = tmp_path / NAME_ENDING
    write_series(file, header, [ScrapedSeries({"__name__": "a"}, "counter", values)])
    assert read_series(file).series[0].values == values
    assert read_series(file).header == header


GOOD = '{"form":"drill alert series 1","source":"s","scrape_seconds":15}'
SERIES = '{"labels":{"__name__":"a"},"kind":"gauge","values":"1"}'
MISNAMED = SERIES.replace('"a"', '"ä b"')


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "a first line"),
        ("{}\n", 1, "missing required field"),
        (f"{GOOD}\n", 1, "a series a line"),
        (GOOD.replace("15", "0") + f"\n{SERIES}\n", 1, "scrape_seconds from"),
        (GOOD.replace("}", ',"hold_from_seconds":3}') + f"\n{SERIES}\n", 1, "after fault_seconds"),
        (
            GOOD.replace("}", ',"fault_seconds":3,"steady_until_seconds":3}') + f"\n{SERIES}\n",
            1,
            "only without fault_seconds",
        ),
        (f"{GOOD}\n{SERIES}\n{SERIES}\n", 3, "no other line has"),
        (f"{GOOD}\n{SERIES.replace('__name__', 'x')}\n", 2, "a metric's name"),
        (f"{GOOD}\n{MISNAMED}\n", 2, "a metric's name"),
        (f"{GOOD}\n{SERIES.replace('1', '')}\n", 1, "a series a line"),
        (f"{GOOD}\n{SERIES.replace('gauge', 'summary')}\n", 2, "StoredSeries"),
        (f"{GOOD}\n{SERIES.replace('1', '1+1y4')}\n", 2, "promtool's notation"),
        (f"{GOOD}\n{SERIES.replace('1', '1x999999999')}\n", 2, "at most 100000"),
    ],
)
def test_a_bad_file_is_named_with_line_and_what_would_be_right(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    file = tmp_path / NAME_ENDING
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says) as caught:
        read_series(file)
    assert caught.value.line == line


def test_a_folder_without_series_and_a_runbook_without_alerts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no series were recorded"):
        series_files(tmp_path)
    with pytest.raises(InputError, match="no alert"):
        _rules(tmp_path, "a: b\n")
    with pytest.raises(InputError, match="alert with its expression"):
        _rules(tmp_path, "- alert: A\n")


def test_the_command_s_exit_statuses_and_json(tmp_path: Path) -> None:
    file = tmp_path / f"short.{NAME_ENDING}"
    write_series(file, _case([1.0] * 3, meant=()).header, _case([1.0] * 3).series)
    _rules(tmp_path)
    words = ["alerts", "test", str(file), "--runbook", str(tmp_path / "runbook.md"), "--format", "json"]
    asked = CliRunner().invoke(cli, words)
    assert asked.exit_code == 2
    assert msgspec.json.decode(asked.stdout)[0]["undecided"] == [
        "Down is silent, but 30 s are too few: 60 s would tell"
    ]
    _rules(tmp_path, UP.replace("up == 0", "up == (0"))
    assert isinstance(CliRunner().invoke(cli, words).exception, InputError)
    checked = CliRunner().invoke(cli, ["alerts", "check", str(tmp_path / "runbook.md")])
    assert (checked.exit_code, "Prometheus refuses the rules" in checked.output) == (1, True)


def test_promtool_that_is_not_to_be_had_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"neither at .* nor on PATH, and without apt-get"):
        ensure_promtool()
    own = tmp_path / "drill" / "bin" / "promtool"
    own.write_text("#!/bin/sh\nexit 0\n")
    own.chmod(0o755)
    assert ensure_promtool() == own


def test_each_part_of_a_rule_is_changed_once_and_texts_are_left_alone(tmp_path: Path) -> None:
    text = (
        '- alert: A\n  expr: sum by (le) (rate(a{b=~"> 7 [3m]"}[5m])) > 0.5\n  for: 2m\n'
        "- alert: B\n  expr: a == 0\n"
    )
    first, second = _rules(tmp_path, text).rules
    assert [each.change for each in mutants_of(first)] == [
        "alert removed",
        "for 2m -> 240s",
        "0.5 -> 1 at character 44",
        "0.5 -> 0.25 at character 44",
        "5m -> 600s at character 36",
        "5m -> 150s at character 36",
        "b -> bx at character 21",
        "sum by (le) -> nothing at character 1",
    ]
    assert [each.change for each in mutants_of(second)] == ["alert removed"]


def test_a_whole_night_is_asked_in_batches_and_answered_in_order(
    promtool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = _rules(tmp_path)
    cases = [_case([*[1.0] * number, *[0.0] * 8]) for number in range(6)]
    whole = evaluate(promtool, rules.files(), cases)
    assert [found[0].firing_seconds for found in whole] == [60.0 + 15 * number for number in range(6)]
    asked: list[int] = []
    ask = engine._asked

    def watched(*given: Any) -> Any:
        asked.append(len(given[2]))
        return ask(*given)

    monkeypatch.setattr(engine, "BATCH_VALUES", 20)
    monkeypatch.setattr(engine, "_asked", watched)
    assert evaluate(promtool, rules.files(), cases) == whole
    assert sorted(asked) == [1, 1, 1, 1, 2]


def _mutated(
    promtool: Path, rules: AlertRules, cases: list[SeriesFile], meaning: CaseMeaning | None = None
) -> MutantScore:
    return mutated(promtool, rules, cases, [meaning or CaseMeaning()] * len(cases))


def test_a_mutant_is_killed_by_a_case_that_notices_it_and_survives_otherwise(
    promtool: Path, tmp_path: Path
) -> None:
    rules = _rules(tmp_path, UP.replace("up == 0", "up > 2"))
    loud, between = _case([1.0, *[9.0] * 20]), _case([3.0] * 20)
    score = _mutated(promtool, rules, [loud])
    fates = {fate.change: bool(fate.noticed_by) for fate in score.fates}
    assert fates == {
        "alert removed": True,
        "for 1m -> 120s": True,
        "2 -> 4 at character 6": False,
        "2 -> 1 at character 6": False,
    }
    assert "2 of 4 mutants noticed" in score.lines()
    assert _mutated(promtool, rules, [loud, between, _case([2.0] * 20)]).noticed == 4
    assert _mutated(promtool, rules, [_case([1.0] * 20)]).uncovered == ("Down",)


def test_what_changes_no_more_than_times_is_noticed_and_does_not_count_as_killed(
    promtool: Path, tmp_path: Path
) -> None:
    rules = _rules(tmp_path)
    case = _case([1.0, *[0.0] * 20], fault_seconds=5.0)
    score = _mutated(promtool, rules, [case], CaseMeaning(broken=True, meant=("Down",), must_call=True))
    assert {fate.change: bool(fate.killed_by) for fate in score.fates} == {
        "alert removed": True,
        "for 1m -> 120s": False,
    }
    assert (score.noticed, score.killed) == (2, 1)
    assert score.lines() == [
        "Down: other times only: for 1m -> 120s",
        "2 of 2 mutants noticed",
        "1 of 2 mutants killed, 50%: 1 by recorded drills, 0 by stated scenes only",
    ]
    due = (AlertDue("Down", 0.0, 90.0),)
    stated = CaseMeaning(broken=True, meant=("Down",), must_call=True, due=due, recorded=False)
    score = _mutated(promtool, rules, [case], stated)
    assert score.lines()[-1] == "2 of 2 mutants killed, 100%: 0 by recorded drills, 2 by stated scenes only"
    assert f"Down: by stated scenes only ({case.name}): for 1m -> 120s" in score.lines()
    undecided = CaseMeaning(broken=True, meant=("Down",), must_call=True, undecided="too short")
    assert _mutated(promtool, rules, [case], undecided).killed == 0


DUE = AlertDue("A", 4.0, 6.0)


@pytest.mark.parametrize(
    ("meaning", "firing", "verdicts", "text"),
    [
        ({"meant": ("A",), "must_call": True}, {"A": [5.0], "B": []}, (True, True, True), ""),
        ({"meant": ("A", "B"), "must_call": True}, {"A": [], "B": [5.0]}, (True, True, True), ""),
        ({"must_call": True}, {"A": [5.0], "B": [6.0]}, (True, True, True), ""),
        ({"must_call": True}, {"A": [], "B": []}, (False, True, True), "nobody is called"),
        ({"meant": ("A",)}, {"A": [], "B": []}, (True, True, True), ""),
        (
            {"meant": ("A",), "must_call": True},
            {"A": [], "B": [6.0]},
            (False, False, True),
            "B fires, and none that is meant (A)",
        ),
        ({"meant": ("A",)}, {"A": [5.0], "B": [6.0]}, (True, False, True), "B fires, and is not meant to"),
        ({"meant": ("A",)}, {"A": [-5.0, 5.0]}, (True, False, True), "A fires before the fault"),
        (
            {"meant": ("A",)},
            {"A": [3600.0]},
            (False, True, True),
            "A fires too late: P1 is to be over within 3600 s",
        ),
        (
            {"meant": ("C",)},
            {"C": [5.0]},
            (False, True, True),
            "C fires, and its severity has no response time",
        ),
        ({"broken": False}, {"A": [-5.0]}, (True, False, True), "A fires, and nothing is broken"),
        ({"broken": False}, {"A": []}, (True, True, True), ""),
        ({"must_call": True, "due": (DUE,)}, {"A": [5.0]}, (True, True, True), ""),
        (
            {"must_call": True, "due": (DUE,)},
            {"A": [3.9]},
            (True, False, True),
            "A fires at +4 s, and what is over within 4 s is to call nobody",
        ),
        (
            {"must_call": True, "due": (DUE,)},
            {"A": [6.1]},
            (False, True, True),
            "A has to fire within 6 s, and fires 6 s after the fault",
        ),
        (
            {"must_call": True, "due": (DUE,)},
            {"A": [], "B": [5.0]},
            (False, True, True),
            "A has to fire within 6 s, and does not",
        ),
        ({"due": (DUE,)}, {"A": []}, (True, True, True), ""),
    ],
)
def test_what_firing_means(
    tmp_path: Path,
    meaning: dict[str, Any],
    firing: dict[str, list[float]],
    verdicts: tuple[bool, bool, bool],
    text: str,
) -> None:
    rules = _rules(
        tmp_path,
        "".join(f"- alert: {name}\n  expr: up == 0\n  labels: {{severity: P1}}\n" for name in "AB")
        + "- alert: C\n  expr: up == 0\n",
    )
    about = CaseMeaning(**{"broken": True, **meaning})
    found = outcome_of(rules, about, firing)
    assert (found.verdicts, found.text(about)) == (verdicts, text)
    longer = outcome_of(rules, about, firing, ["A"])
    assert longer.verdicts == (*verdicts[:2], False)


def test_an_alert_that_goes_on_longer_after_recovery_kills_a_mutant(promtool: Path, tmp_path: Path) -> None:
    rules = _rules(tmp_path, UP.replace("up == 0", "max_over_time(up[2m]) > 2"))
    case = msgspec.structs.replace(
        _case([1.0, *[9.0] * 30, *[1.0] * 60], fault_seconds=5.0), recovered_seconds=465.0
    )
    about = [CaseMeaning(broken=True, meant=("Down",), must_call=True)]
    window = "2m -> 240s at character 18"

    def killed(resolve_seconds: float) -> bool:
        fates = mutated(promtool, rules, [case], about, resolve_seconds).fates
        return bool(next(fate for fate in fates if fate.change == window).killed_by)

    assert (killed(150.0), killed(400.0)) == (True, False)


def test_a_change_that_prometheus_cannot_evaluate_is_no_mutant(promtool: Path, tmp_path: Path) -> None:
    rules = _rules(tmp_path, "- alert: A\n  expr: up * on () sum(up) > 1\n")
    case = _case([2.0] * 5)
    other = msgspec.structs.replace(case.series[0], labels={"__name__": "up", "path": "b"})
    score = _mutated(promtool, rules, [msgspec.structs.replace(case, series=(case.series[0],))])
    assert score.no_rules == ()
    refused = _rules(tmp_path, "- alert: A\n  expr: sum(up) * on () group_left () sum(up) > 1\n")
    score = _mutated(promtool, refused, [msgspec.structs.replace(case, series=(case.series[0], other))])
    assert len(score.no_rules) == 1
    assert "sum -> nothing at character 31" in score.no_rules[0]


def test_the_command_says_the_score_and_its_exit_status(tmp_path: Path) -> None:
    file = tmp_path / f"loud.{NAME_ENDING}"
    write_series(file, _case([1.0]).header, _case([1.0, *[0.0] * 20]).series)
    _rules(tmp_path)
    words = ["alerts", "mutate", str(file), "--runbook", str(tmp_path / "runbook.md")]
    asked = CliRunner().invoke(cli, words)
    assert "2 of 2 mutants noticed" in asked.output
    assert asked.exit_code == 1  # what changes is noticed, and no criterion says otherwise
    header = _case([1.0], fault_seconds=5.0, meant=("Down",), due=(AlertDue("Down", 30.0, 90.0),)).header
    write_series(file, header, _case([1.0, *[0.0] * 20]).series)
    asked = CliRunner().invoke(cli, words)
    said = asked.output.splitlines()[-1]
    assert (asked.exit_code, said.partition(":")[0]) == (0, "2 of 2 mutants killed, 100%")
    _rules(tmp_path, UP.replace("== 0", "< 0.5"))
    assert CliRunner().invoke(cli, words).exit_code == 1
    assert CliRunner().invoke(cli, [*words, "--at-least", "50"]).exit_code == 0
    _rules(tmp_path, UP.replace("== 0", "== 7"))
    assert CliRunner().invoke(cli, words).exit_code == 2
