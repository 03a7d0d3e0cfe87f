"""Each criterion three ways: a recording that passes, one that fails by one sample, and one that does not
suffice.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_drill import (
    AFTER_REQUESTS,
    AFTER_SECONDS,
    BACK,
    INJECTED,
    PER_SECOND,
    RecordedDrill,
    command,
    criterion,
)
from scipy import stats


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


def test_a_drill_that_holds_everything_passes(drill: RecordedDrill) -> None:
    verdict = drill.judged()
    assert (verdict.verdict, verdict.why) == ("pass", "users were served again 10.0 s after the fault")
    assert {each.name: each.verdict for each in verdict.criteria} == {
        "recovered": "pass",
        "procedure": "pass",
        "harm": "not applicable",
        "response_time": "pass",
        "error_rate": "pass",
        "cpu": "pass",
        "memory": "pass",
        "database": "pass",
        "writes": "pass",
        "data_age": "not applicable",
    }
    assert criterion(verdict, "recovered").source == "operations-runbook.md:14"


# restored


def test_restored_passes_below_its_limit(drill: RecordedDrill) -> None:
    drill.limits["recovered"]["value"] = 10.0 + 0.9 / PER_SECOND
    assert criterion(drill.judged(), "recovered").verdict == "pass"


def test_restored_fails_by_one_request(drill: RecordedDrill) -> None:
    drill.limits["recovered"]["value"] = 10.0 + 0.9 / PER_SECOND
    drill.failing.add(drill.index_at(BACK))
    verdict = drill.judged()
    assert criterion(verdict, "recovered").value == pytest.approx(10.0 + 1 / PER_SECOND)
    assert (criterion(verdict, "recovered").verdict, verdict.verdict) == ("fail", "fail")


def test_never_restored_fails_once_patience_is_spent(drill: RecordedDrill) -> None:
    drill.outages, drill.end = [(INJECTED, 2000.0)], 1046.0
    verdict = drill.judged()
    assert criterion(verdict, "recovered").verdict == "fail"
    assert (
        criterion(verdict, "recovered").why
        == "still out 36.0 s after the injection, 30.0 s after the procedure ended"
    )
    assert criterion(verdict, "error_rate").verdict == "inconclusive"
    assert (verdict.verdict, verdict.recovered_seconds, verdict.credit) == ("fail", None, "nobody")


def test_never_restored_is_inconclusive_before_patience_is_spent(drill: RecordedDrill) -> None:
    drill.outages, drill.end = [(INJECTED, 2000.0)], 1045.0
    verdict = drill.judged()
    assert criterion(verdict, "recovered").verdict == "inconclusive"
    assert "watched for 29.0 s only" in criterion(verdict, "recovered").why
    assert (verdict.verdict, verdict.credit) == ("inconclusive", "not measured")


def test_a_recording_that_ends_in_the_procedure_is_inconclusive(drill: RecordedDrill) -> None:
    drill.outages, drill.procedure = [(INJECTED, 2000.0)], (1012.0, None)
    verdict = drill.judged()
    assert criterion(verdict, "recovered").verdict == "inconclusive"
    assert criterion(verdict, "procedure").verdict == "inconclusive"


def test_answering_again_for_less_than_a_window_is_inconclusive(drill: RecordedDrill) -> None:
    drill.outages = [(INJECTED, drill.end - 4)]
    found = criterion(drill.judged(), "recovered")
    assert found.verdict == "inconclusive"
    assert "no request failed in the last 4.0 s" in found.why


def test_no_failed_request_after_the_fault_is_inconclusive(drill: RecordedDrill) -> None:
    drill.outages = []
    verdict = drill.judged()
    assert "users never noticed" in criterion(verdict, "recovered").why
    assert (verdict.verdict, verdict.credit) == ("inconclusive", "not measured")
    assert criterion(verdict, "error_rate").verdict == "pass"


def test_without_a_response_time_the_restoration_is_told_but_not_judged(drill: RecordedDrill) -> None:
    del drill.limits["recovered"]
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.why) == (
        "inconclusive",
        "restored after 10.0 s, but the runbook states no response time",
    )


def test_a_tenth_of_the_load_is_inconclusive(drill: RecordedDrill) -> None:
    drill.per_second = PER_SECOND / 10
    verdict = drill.judged()
    assert verdict.verdict == "inconclusive"
    assert "too little load" in criterion(verdict, "recovered").why


# procedure


def test_a_failed_command_fails_the_procedure_by_name(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl get pods"), command(53, "sqlite3 /app/data/x.db", 1)]
    verdict = drill.judged()
    found = criterion(verdict, "procedure")
    assert (found.verdict, found.value, found.samples) == ("fail", 1.0, 2)
    assert found.why == "line 53: `sqlite3 /app/data/x.db` ended with status 1"
    assert verdict.why == f"procedure: {found.why}"


def test_an_interrupted_stream_has_not_failed(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl get pods --watch", 130, interrupted=True)]
    drill.procedure_status = 130
    assert criterion(drill.judged(), "procedure").verdict == "pass"


def test_a_missing_tool_is_inconclusive_by_name(drill: RecordedDrill) -> None:
    drill.commands, drill.missing_tools = [command(52, "terraform plan", 127)], ["terraform"]
    drill.procedure_status = 127
    found = criterion(drill.judged(), "procedure")
    assert (found.verdict, found.why) == ("inconclusive", "not on this machine: terraform")


def test_a_failure_beside_a_missing_tool_still_fails(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "terraform plan", 127), command(53, "kubectl apply", 1)]
    drill.missing_tools = ["terraform"]
    assert criterion(drill.judged(), "procedure").why == "line 53: `kubectl apply` ended with status 1"


def test_a_procedure_that_failed_as_a_whole_fails(drill: RecordedDrill) -> None:
    drill.procedure_status = 2
    assert criterion(drill.judged(), "procedure").verdict == "fail"


def test_a_procedure_that_ran_nothing_is_inconclusive(drill: RecordedDrill) -> None:
    drill.commands = []
    assert criterion(drill.judged(), "procedure").verdict == "inconclusive"


# response time and error rate


def _slow_after(drill: RecordedDrill, count: int) -> None:
    first = drill.index_at(BACK + 6)
    drill.slow = {first + number: 0.6 for number in range(count)}


def test_response_time_turns_at_one_request(drill: RecordedDrill) -> None:
    upper_rank = int(stats.binom.ppf(0.975, AFTER_REQUESTS, 0.95)) + 1
    lower_rank = int(stats.binom.ppf(0.025, AFTER_REQUESTS, 0.95))
    outcomes = {}
    for count in (
        AFTER_REQUESTS - upper_rank,
        AFTER_REQUESTS - upper_rank + 1,
        AFTER_REQUESTS - lower_rank,
        AFTER_REQUESTS - lower_rank + 1,
    ):
        spoiled = RecordedDrill(drill.folder.parent / f"slow-{count}")
        _slow_after(spoiled, count)
        outcomes[count] = criterion(spoiled.judged(), "response_time").verdict
    assert list(outcomes.values()) == ["pass", "inconclusive", "inconclusive", "fail"]


@pytest.mark.parametrize(
    ("failed", "outcome"), [(0, "pass"), (1, "inconclusive"), (7, "inconclusive"), (8, "fail")]
)
def test_error_rate_turns_at_one_request(drill: RecordedDrill, failed: int, outcome: str) -> None:
    first = drill.index_at(BACK + 6)
    drill.failing = {first + 20 * number for number in range(failed)}
    verdict = drill.judged()
    found = criterion(verdict, "error_rate")
    assert (found.verdict, verdict.verdict) == (outcome, outcome)
    assert (found.samples, found.value) == (AFTER_REQUESTS, failed / AFTER_REQUESTS)


@pytest.mark.parametrize(("count", "outcome"), [(2995, "pass"), (2994, "inconclusive")])
def test_error_rate_needs_2995_requests_without_an_error(
    drill: RecordedDrill, count: int, outcome: str
) -> None:
    drill.settings["after_seconds"] = (count - 0.5) / PER_SECOND
    found = criterion(drill.judged(), "error_rate")
    assert (found.samples, found.verdict) == (count, outcome)


@pytest.mark.parametrize("name", ["response_time", "error_rate"])
def test_too_few_requests_are_inconclusive(drill: RecordedDrill, name: str) -> None:
    drill.settings["minimum_requests"] = AFTER_REQUESTS
    assert criterion(drill.judged(), name).verdict == "pass"
    again = RecordedDrill(drill.folder.parent / "again", settings={"minimum_requests": AFTER_REQUESTS + 1})
    found = criterion(again.judged(), name)
    assert (found.verdict, found.why) == ("inconclusive", "3360 requests, fewer than the minimum of 3361")


@pytest.mark.parametrize("name", ["response_time", "error_rate"])
def test_half_of_the_load_or_it_is_inconclusive(drill: RecordedDrill, name: str) -> None:
    drill.end = BACK + AFTER_SECONDS / 2 - 0.1
    found = criterion(drill.judged(), name)
    assert found.verdict == "inconclusive"
    assert "too little load" in found.why


def test_a_fast_error_is_not_a_fast_response(drill: RecordedDrill) -> None:
    first = drill.index_at(BACK + 6)
    drill.failing = set(range(first, first + AFTER_REQUESTS // 10))
    found = criterion(drill.judged(), "response_time")
    assert (found.verdict, found.value) == ("fail", 1.0)


# cpu and memory


@pytest.mark.parametrize(("share", "outcome"), [(0.699, "pass"), (0.701, "fail")])
def test_cpu_turns_at_its_limit(drill: RecordedDrill, share: float, outcome: str) -> None:
    drill.cpu_share = lambda moment: share
    found = criterion(drill.judged(), "cpu")
    assert found.verdict == outcome
    assert found.value == pytest.approx(share)


def test_cpu_turns_at_one_sample(drill: RecordedDrill) -> None:
    drill.cpu_share = lambda moment: 0.697
    assert criterion(drill.judged(), "cpu").verdict == "pass"
    again = RecordedDrill(
        drill.folder.parent / "again", cpu_share=lambda moment: 0.75 if moment == 1030 else 0.697
    )
    found = criterion(again.judged(), "cpu")
    assert found.verdict == "fail"
    assert found.value == pytest.approx(0.697 + 0.053 / 14)


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_fewer_than_three_samples_are_inconclusive(drill: RecordedDrill, name: str) -> None:
    drill.sample_every = 24.0
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.samples) == ("inconclusive", 2)
    again = RecordedDrill(drill.folder.parent / "again", sample_every=10.0)
    assert criterion(again.judged(), name).verdict == "pass"


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_samples_of_a_small_part_of_the_window_are_inconclusive(drill: RecordedDrill, name: str) -> None:
    drill.end = BACK + 16
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.samples) == ("inconclusive", 9)
    assert "less than 60%" in found.why


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_no_samples_are_inconclusive_and_lacking_resources_not_applicable(
    drill: RecordedDrill, name: str
) -> None:
    drill.sample_every = 1000.0
    assert criterion(drill.judged(), name).verdict == "inconclusive"
    again = RecordedDrill(drill.folder.parent / "again", started={"lacks": ["resources"]})
    found = criterion(again.judged(), name)
    assert (found.verdict, found.why) == ("not applicable", "the target has no resources")


def test_memory_turns_at_one_sample(drill: RecordedDrill) -> None:
    drill.memory_share = lambda moment: 0.7999
    assert criterion(drill.judged(), "memory").verdict == "pass"
    doubtful = RecordedDrill(
        drill.folder.parent / "b", memory_share=lambda moment: 0.81 if moment == 1030 else 0.7999
    )
    assert criterion(doubtful.judged(), "memory").verdict == "inconclusive"
    broken = RecordedDrill(drill.folder.parent / "c", memory_share=lambda moment: 0.8)
    assert criterion(broken.judged(), "memory").verdict == "fail"


# database


@pytest.mark.parametrize(("seconds", "outcome"), [(0.0499, "pass"), (0.0501, "fail")])
def test_database_turns_at_its_limit(drill: RecordedDrill, seconds: float, outcome: str) -> None:
    drill.query_seconds = seconds
    found = criterion(drill.judged(), "database")
    assert (found.verdict, found.interval) == (outcome, None)
    assert found.value == pytest.approx(seconds)
    assert found.samples == 2 * 28 * 60


@pytest.mark.parametrize(("queries", "outcome"), [(100, "pass"), (98, "inconclusive")])
def test_database_needs_enough_queries(drill: RecordedDrill, queries: int, outcome: str) -> None:
    drill.queries_per_second = queries / 56
    found = criterion(drill.judged(), "database")
    assert (found.verdict, found.samples) == (outcome, queries)


def test_database_without_metrics_is_not_applicable_by_name(drill: RecordedDrill) -> None:
    drill.started = {"lacks": ["metrics", "redis"]}
    verdict = drill.judged()
    assert criterion(verdict, "database").why == "the target has no metrics"
    assert (criterion(verdict, "database").verdict, verdict.verdict) == ("not applicable", "pass")


# writes and the age of the data


def _lost(*acknowledged_at: float) -> dict[str, object]:
    absent = [
        {"id": f"w{number}", "acknowledged_at": moment} for number, moment in enumerate(acknowledged_at)
    ]
    return {"acknowledged": 900, "checked": 900, "absent": absent}


def test_one_lost_write_fails(drill: RecordedDrill) -> None:
    drill.audit = _lost(1005.0)
    verdict = drill.judged()
    found = criterion(verdict, "writes")
    assert (found.verdict, found.value, found.samples, verdict.verdict) == ("fail", 1.0, 900, "fail")


def test_a_restore_may_lose_what_came_after_its_backup(drill: RecordedDrill) -> None:
    drill.started, drill.backup, drill.audit = (
        {"restores": True},
        (1004.0, 1004.5),
        _lost(1004.0, 1011.0, 1015.0),
    )
    verdict = drill.judged()
    assert verdict.writes is not None
    assert (verdict.writes.lost, verdict.writes.allowed_lost) == (3, 3)
    assert verdict.writes.data_age_seconds == pytest.approx(6.0)
    assert (criterion(verdict, "writes").verdict, criterion(verdict, "data_age").verdict) == ("pass", "pass")
    assert criterion(verdict, "data_age").source == "operations-runbook.md:238"


@pytest.mark.parametrize("moment", [1003.9, 1016.1])
def test_a_write_from_before_the_backup_or_after_the_procedure_may_not_be_lost(
    drill: RecordedDrill, moment: float
) -> None:
    drill.started, drill.backup, drill.audit = {"restores": True}, (1004.0, 1004.5), _lost(1011.0, moment)
    found = criterion(drill.judged(), "writes")
    assert (found.verdict, found.value) == ("fail", 1.0)


@pytest.mark.parametrize(("restores", "backup"), [(False, (1004.0, 1004.5)), (True, None)])
def test_a_loss_without_backup_or_restore_is_not_allowed(
    drill: RecordedDrill, restores: bool, backup: tuple[float, float] | None
) -> None:
    drill.started, drill.backup, drill.audit = {"restores": restores}, backup, _lost(1005.0)
    assert criterion(drill.judged(), "writes").verdict == "fail"


@pytest.mark.parametrize(
    "audit",
    [
        None,
        {"acknowledged": 0, "checked": 0, "absent": []},
        {"acknowledged": 900, "checked": 899, "absent": []},
    ],
)
def test_writes_that_were_not_audited_are_inconclusive(
    drill: RecordedDrill, audit: dict[str, object] | None
) -> None:
    drill.audit = audit
    verdict = drill.judged()
    assert (criterion(verdict, "writes").verdict, verdict.verdict) == ("inconclusive", "inconclusive")


def test_a_service_that_is_out_has_lost_nothing_yet(drill: RecordedDrill) -> None:
    drill.outages, drill.audit = [(INJECTED, 2000.0)], _lost(1005.0)
    assert criterion(drill.judged(), "writes").verdict == "inconclusive"


@pytest.mark.parametrize(("age", "outcome"), [(5.9, "pass"), (6.0, "fail")])
def test_data_age_turns_at_its_limit(drill: RecordedDrill, age: float, outcome: str) -> None:
    drill.started, drill.backup, drill.audit = {"restores": True}, (1001.0, 1002.0), _lost(INJECTED - age)
    drill.limits["data_age"]["value"] = 6.0
    found = criterion(drill.judged(), "data_age")
    assert found.verdict == outcome
    assert found.value == pytest.approx(age)


def test_data_age_is_zero_when_nothing_is_lost_and_unknown_without_an_audit(drill: RecordedDrill) -> None:
    drill.started = {"restores": True}
    assert criterion(drill.judged(), "data_age").value == 0.0
    again = RecordedDrill(drill.folder.parent / "again", started={"restores": True}, audit=None)
    assert criterion(again.judged(), "data_age").verdict == "inconclusive"


@pytest.mark.parametrize("name", ["response_time", "error_rate", "cpu", "memory", "database"])
def test_a_limit_that_the_runbook_does_not_state_is_not_applicable_by_name(
    drill: RecordedDrill, name: str
) -> None:
    del drill.limits[name]
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.why) == ("not applicable", f"the runbook states no limit for {name}")


# harm


def _healed_before_anyone_acted(folder: Path, failed: int) -> RecordedDrill:
    """The platform heals at 1013, the procedure runs from 1019 to 1020: 29 s are asked about, 3,480
    requests.
    """
    healed = RecordedDrill(folder, outages=[(INJECTED, 1013.0)], procedure=(1019.0, 1020.0))
    first = healed.index_at(1019.0)
    healed.failing = {first + 20 * number for number in range(failed)}
    return healed


@pytest.mark.parametrize(
    ("failed", "outcome"), [(0, "pass"), (1, "inconclusive"), (7, "inconclusive"), (8, "fail")]
)
def test_harm_turns_at_one_request(tmp_path: Path, failed: int, outcome: str) -> None:
    found = criterion(_healed_before_anyone_acted(tmp_path / "drill", failed).judged(), "harm")
    low, high = stats.binomtest(failed, 3480).proportion_ci(0.90, method="exact")
    assert (found.samples, found.value, found.interval) == (3480, failed / 3480, pytest.approx((low, high)))
    assert found.verdict == outcome


def test_a_failure_before_the_procedure_is_not_its_harm(tmp_path: Path) -> None:
    healed = _healed_before_anyone_acted(tmp_path / "drill", 0)
    healed.failing = {healed.index_at(1018.9)}
    assert criterion(healed.judged(), "harm").value == 0.0


def test_harm_is_not_asked_of_a_procedure_that_was_needed(drill: RecordedDrill) -> None:
    found = criterion(drill.judged(), "harm")
    assert (found.verdict, found.why) == (
        "not applicable",
        "the service was not yet restored when the operator began",
    )
    again = RecordedDrill(drill.folder.parent / "again", procedure=None)
    assert criterion(again.judged(), "harm").why == "the drill has no procedure: nobody acted"
