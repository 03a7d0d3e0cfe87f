"""When users count as served again: the moments that the judge finds in recordings made to be difficult."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recorded_drill import AFTER_SECONDS, BACK, END, FAULT, INJECTED, PER_SECOND, RecordedDrill, criterion

from drill.judge import DrillVerdict, recovered_since, standard_of
from drill.judge.case import Case
from drill.judge.outages import outages_of
from drill.recording import Requests
from drill.recording.events import Calibration, Judging, Limit

ONE = 1 / PER_SECOND
JUDGING = Judging(
    minimum_requests=500,
    hold_seconds=5,
    after_seconds=22,
    patience_seconds=20,
    requests_per_second=150,
    timeout_seconds=2,
)
LIMITS = {"error_rate": Limit(0.001, "ratio"), "response_time": Limit(0.5, "s", statistic="p95")}


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


def _outages(verdict: DrillVerdict) -> list[tuple[str, float, float | None]]:
    return [
        (
            each.felt,
            round(each.start_seconds, 2),
            None if each.end_seconds is None else round(each.end_seconds, 2),
        )
        for each in verdict.outages
    ]


def test_phases_are_told_in_seconds_since_the_injection(drill: RecordedDrill) -> None:
    phases = [(phase.name, round(phase.seconds, 3)) for phase in drill.judged().phases]
    assert phases == [
        ("injected", 0.0),
        ("first felt", 0.0),
        ("witnessed", 0.5),
        ("procedure started", 2.0),
        ("procedure done", 6.0),
        ("recovered", 10.0),
    ]


def test_a_request_under_way_at_the_injection_counts_as_hit_from_the_injection_on(
    drill: RecordedDrill,
) -> None:
    under_way = drill.indexes(INJECTED - 0.3, INJECTED)
    drill.failing, drill.slow = under_way, dict.fromkeys(under_way, 0.9)
    assert _outages(drill.judged()) == [("failed", 0.0, 10.0)]


def test_a_failure_before_the_fault_is_not_its_first(drill: RecordedDrill) -> None:
    drill.failing, drill.outages = drill.indexes(1004, 1006), [(1012.0, BACK)]
    assert _outages(drill.judged()) == [("failed", 2.0, 10.0)]


def test_a_gap_in_the_outage_shorter_than_a_hold_is_no_recovery(drill: RecordedDrill) -> None:
    drill.outages = [(INJECTED, 1013.0), (1017.9, BACK)]
    verdict = drill.judged()
    assert verdict.recovered_seconds == pytest.approx(10.0)


def test_going_up_and_down_is_told_with_the_total_time_out(drill: RecordedDrill) -> None:
    drill.outages = [(INJECTED, 1013.0), (1019.0, 1021.0), (1027.0, 1030.0)]
    drill.end = 1075.0
    verdict = drill.judged()
    assert _outages(verdict) == [("failed", 0.0, 3.0), ("failed", 9.0, 11.0), ("failed", 17.0, 20.0)]
    assert (verdict.flapping, verdict.recovered_seconds) == (True, pytest.approx(20.0))
    assert verdict.out_seconds == pytest.approx(8.0)
    assert criterion(verdict, "recovered").why == (
        "users were served again 20.0 s after the fault, having been out 3 times for 8.0 s altogether"
    )


def test_served_again_and_lost_for_good_is_not_recovered(drill: RecordedDrill) -> None:
    """Of 5,550 requests after the procedure 4,500 fail: it was "restored 3.0 s" once."""
    drill.outages, drill.end = [(INJECTED, 1013.0), (1024.0, 2000.0)], 1062.0
    verdict = drill.judged()
    assert (verdict.recovered_seconds, verdict.flapping) == (None, True)
    assert (criterion(verdict, "recovered").verdict, verdict.verdict) == ("fail", "fail")
    assert verdict.stays_out is not None
    assert (verdict.stays_out.verdict, verdict.stays_out.value) == ("pass", pytest.approx(38.0))


@pytest.mark.parametrize("procedure_end", [1012.5, 1015.9, 1016.1, 1019.9, 1020.1, 1025.0])
def test_the_moment_of_recovery_does_not_depend_on_the_procedures_end(
    drill: RecordedDrill, procedure_end: float
) -> None:
    drill.outages, drill.procedure = [(INJECTED, 1011.0), (1016.0, BACK)], (1012.0, procedure_end)
    assert drill.judged().recovered_seconds == pytest.approx(10.0)


def test_a_repair_that_breaks_again_after_40_seconds_does_not_pass(drill: RecordedDrill) -> None:
    drill.outages, drill.end = [(INJECTED, BACK), (1060.0, 2000.0)], 1070.0
    verdict = drill.judged()
    assert criterion(verdict, "recovered").verdict == "inconclusive"
    assert criterion(verdict, "error_rate").verdict == "fail"
    again = RecordedDrill(drill.folder.parent / "again", outages=drill.outages, end=1100.0)
    assert criterion(again.judged(), "recovered").verdict == "fail"


# latency


def test_slow_requests_put_the_recovery_off(drill: RecordedDrill) -> None:
    drill.slowness = [(BACK, 1024.0)]
    verdict = drill.judged()
    assert verdict.recovered_seconds == pytest.approx(14.0)
    assert _outages(verdict) == [("failed", 0.0, 14.0)]


def test_a_relapse_in_latency_counts(drill: RecordedDrill) -> None:
    drill.slowness, drill.end = [(1030.0, 1033.0)], 1070.0
    verdict = drill.judged()
    assert _outages(verdict) == [("failed", 0.0, 10.0), ("slow", 20.0, 23.0)]
    assert verdict.recovered_seconds == pytest.approx(23.0)


def test_slow_for_ever_is_a_failure_and_no_recovery(drill: RecordedDrill) -> None:
    """It was inconclusive once, for no request failed."""
    drill.started = {"faults": [{"fault": FAULT, "felt": "slow"}]}
    drill.outages, drill.slowness = [], [(INJECTED, 2000.0)]
    verdict = drill.judged()
    assert _outages(verdict) == [("slow", 0.0, None)]
    assert criterion(verdict, "recovered").verdict == "fail"
    assert (verdict.verdict, verdict.recovered_seconds) == ("fail", None)
    assert [phase.seconds for phase in verdict.phases if phase.name == "first felt"] == [0.0]


def test_a_share_of_slow_requests_within_the_limit_is_no_outage(drill: RecordedDrill) -> None:
    drill.slow = dict.fromkeys(range(drill.index_at(1022.0), 7200, 25), 0.8)
    verdict = drill.judged()
    assert verdict.recovered_seconds == pytest.approx(10.0)
    assert len(verdict.outages) == 1


def test_latencies_that_stay_high_together_are_no_outage_where_calibration_found_that(
    drill: RecordedDrill,
) -> None:
    drill.slowness = [(1030.0, 1031.5)]
    assert len(drill.judged().outages) == 2
    drill.started = {"calibration": {"correlation_seconds": 0.8}}
    assert len(drill.judged().outages) == 1


# stray failures


@pytest.mark.parametrize(("failures", "outages"), [(1, 1), (3, 1), (4, 2)])
def test_a_stray_failure_is_no_relapse(drill: RecordedDrill, failures: int, outages: int) -> None:
    first = drill.index_at(1040.0)
    drill.failing = set(range(first, first + failures))
    verdict = drill.judged()
    assert len(verdict.outages) == outages
    assert (verdict.recovered_seconds == pytest.approx(10.0)) == (outages == 1)


def test_bursts_as_in_calibration_are_no_relapse(drill: RecordedDrill) -> None:
    first = drill.index_at(1040.0)
    drill.failing = set(range(first, first + 8))
    drill.started = {"calibration": {"dispersion": 4.0}}
    assert len(drill.judged().outages) == 1


def test_failures_spread_thin_are_an_outage_once_they_are_too_many(drill: RecordedDrill) -> None:
    drill.failing = set(range(drill.index_at(1030.0), drill.index_at(1050.0), 100))
    verdict = drill.judged()
    assert verdict.flapping
    assert verdict.outages[-1].start_seconds == pytest.approx(20.0)
    # the last of them might be a stray
    assert verdict.outages[-1].end_seconds == pytest.approx(40.0 - 200 / PER_SECOND + ONE)


@pytest.mark.parametrize("rate", [0.0, 0.0005, 0.0008])
def test_a_residual_error_rate_biases_the_recovery_by_less_than_half_a_second(rate: float) -> None:
    random, times = np.random.default_rng(7), []
    standard = standard_of(JUDGING, LIMITS)
    planned = np.arange(60 * 150) / 150
    for _ in range(400):
        failed = ((planned >= 5) & (planned < 15)) | (random.random(len(planned)) < rate)
        requests = Requests(planned, planned + 0.01, failed, np.zeros(len(planned), np.int32), [""])
        last = outages_of(requests, standard, 5.0)[-1]
        times.append(60.0 if last.end is None else last.end)
    assert abs(float(np.mean(times)) - 15.0) <= (0.5 if rate <= 0.0005 else 2.0)


@pytest.mark.parametrize("limit", [0.001, 0.01])
def test_the_rate_that_is_allowed_is_hardly_ever_an_outage(limit: float) -> None:
    random, seen = np.random.default_rng(9), 0
    standard = standard_of(JUDGING, {"error_rate": Limit(limit, "ratio")})
    planned = np.arange(90 * 150) / 150
    for _ in range(400):
        failed = random.random(len(planned)) < limit / 2
        requests = Requests(planned, planned + 0.01, failed, np.zeros(len(planned), np.int32), [""])
        seen += bool(outages_of(requests, standard, 0.0))
    assert seen <= 0.02 * 400


# the end of watching


def test_good_service_for_less_than_a_hold_is_inconclusive(drill: RecordedDrill) -> None:
    drill.outages = [(INJECTED, END - 4)]
    found = criterion(drill.judged(), "recovered")
    assert found.verdict == "inconclusive"
    assert "served for the last 4.0 s, too short to tell" in found.why


def test_a_hold_must_have_been_watched_to_its_end(drill: RecordedDrill) -> None:
    drill.end = BACK + 5.0
    assert drill.judged().recovered_seconds == pytest.approx(10.0)
    again = RecordedDrill(drill.folder.parent / "again", end=BACK + 5.0 - ONE)
    assert again.judged().recovered_seconds is None


def test_an_undo_does_not_look_like_a_recovery(drill: RecordedDrill) -> None:
    drill.outages, drill.end, drill.undone = [(INJECTED, 1050.0)], 1070.0, 1050.0
    drill.extra = [(1049.0, "cluster.progress", {"on_its_way": []})]
    verdict = drill.judged()
    assert (verdict.recovered_seconds, verdict.verdict) == (None, "fail")


def test_what_lasts_longer_than_the_limit_fails_although_more_is_on_its_way(drill: RecordedDrill) -> None:
    drill.limits["recovered"]["value"], drill.on_its_way = 49.0, ["rollout of novel-engine"]
    drill.outages = [(INJECTED, 2000.0)]
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.why) == (
        "fail",
        "users are still out 50.0 s after the fault, and the time is up",
    )
    drill.limits["recovered"]["value"] = 51.0
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.why) == (
        "inconclusive",
        "users are still out 50.0 s after the fault; still on its way: rollout of novel-engine",
    )


def test_a_service_that_starts_slowly_is_not_called_a_failure(drill: RecordedDrill) -> None:
    drill.outages, drill.on_its_way = [(INJECTED, 2000.0)], ["container novel-engine-x starting"]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.credit) == ("inconclusive", "not measured")
    assert verdict.stays_out is not None
    assert verdict.stays_out.verdict == "inconclusive"
    drill.on_its_way = None
    assert "was not recorded" in criterion(drill.judged(), "recovered").why
    drill.on_its_way = []
    assert drill.judged().verdict == "fail"


def test_what_was_on_its_way_at_any_look_after_patience_counts(drill: RecordedDrill) -> None:
    drill.outages, drill.extra = (
        [(INJECTED, 2000.0)],
        [(1056.0, "cluster.progress", {"on_its_way": ["pod a"]})],
    )
    assert criterion(drill.judged(), "recovered").verdict == "inconclusive"
    drill.extra = [(1044.0, "cluster.progress", {"on_its_way": ["pod a"]})]
    assert criterion(drill.judged(), "recovered").verdict == "fail"


def test_still_out_needs_to_have_been_measured(drill: RecordedDrill) -> None:
    drill.outages = [(INJECTED, 2000.0)]
    drill.absent = drill.indexes(1040.0, 1059.0)
    found = criterion(drill.judged(), "recovered")
    assert found.verdict == "inconclusive"
    assert "less 19.0 s: 2280 planned requests unmeasured" in found.why


def test_the_service_does_not_stay_out_of_sight(drill: RecordedDrill) -> None:
    drill.outages, drill.absent = [(INJECTED, 2000.0)], drill.indexes(1050.0, END)
    found = drill.judged().stays_out
    assert found is not None
    assert (found.verdict, found.why) == (
        "inconclusive",
        "users were out when a request was measured last, but 1200 planned requests unmeasured from +40.0 s "
        "to +50.0 s (no record)",
    )
    drill.absent = drill.indexes(1050.0, END - 1)
    found = drill.judged().stays_out
    assert found is not None
    assert found.verdict == "pass"


def test_users_of_whom_nothing_was_measured_since_the_fault_may_have_been_out(drill: RecordedDrill) -> None:
    """The load ended before, so that there is no slot of which a record is missing."""
    drill.started, drill.procedure, drill.closed = {"control": True}, None, False
    drill.extra = [(INJECTED - 1, "load.stopped", {"exit_status": 0})]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.why) == (
        "inconclusive",
        "recovered: no outage was seen, but no request was measured since the fault",
    )


# the window after


def test_the_window_after_begins_a_hold_after_the_recovery(drill: RecordedDrill) -> None:
    drill.failing = {drill.index_at(BACK + 4.9)}
    assert criterion(drill.judged(), "error_rate").value == 0.0
    drill.failing = {drill.index_at(BACK + 5.0)}
    found = criterion(drill.judged(), "error_rate")
    assert found.value == pytest.approx(1 / (AFTER_SECONDS * PER_SECOND))


def test_the_window_after_begins_when_the_procedure_has_ended(drill: RecordedDrill) -> None:
    drill.procedure, drill.failing = (1012.0, 1030.0), {drill.index_at(1030.0) - 1}
    found = criterion(drill.judged(), "error_rate")
    assert (found.value, found.samples) == (0.0, 30 * PER_SECOND)
    drill.failing = {drill.index_at(1030.0)}
    assert criterion(drill.judged(), "error_rate").value == pytest.approx(1 / (30 * PER_SECOND))


def test_a_relapse_after_it_began_is_judged_in_it(drill: RecordedDrill) -> None:
    drill.outages.append((1040.0, 1043.0))
    verdict = drill.judged()
    assert criterion(verdict, "error_rate").verdict == "fail"
    assert criterion(verdict, "error_rate").value == pytest.approx(3 / AFTER_SECONDS, abs=0.001)


def test_healed_by_the_platform_and_broken_by_the_procedure_fails(drill: RecordedDrill) -> None:
    drill.outages, drill.procedure = [(INJECTED, 1013.0), (1022.0, 1026.0)], (1020.0, 1024.0)
    verdict = drill.judged()
    assert verdict.recovered_seconds == pytest.approx(16.0)
    assert criterion(verdict, "harm").verdict == "fail"
    assert verdict.verdict == "fail"


def test_an_empty_stream_is_judged_without_a_crash(drill: RecordedDrill) -> None:
    folder = drill.write()
    (folder / "requests.jsonl").unlink()
    assert len(Case(folder).requests) == 0
    drill.write = lambda: folder  # type: ignore[method-assign]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.requests.unmeasured) == ("inconclusive", 7200)
    again = RecordedDrill(drill.folder.parent / "again", end=1000.0)
    assert again.judged().verdict == "inconclusive"


# several faults, latent ones, none


def test_time_counts_from_the_first_fault_that_users_are_to_feel(drill: RecordedDrill) -> None:
    latent = {"fault": "backup-damaged", "felt": "latent", "part": "backup"}
    drill.started = {"faults": [latent, {"fault": FAULT}]}
    drill.extra = [
        (1003.0, "fault.injected", {"fault": "backup-damaged"}),
        (1004.0, "fault.witnessed", {"fault": "backup-damaged", "what": "integrity", "seconds": 1.0}),
    ]
    verdict = drill.judged()
    assert (verdict.fault, verdict.verdict) == (f"backup-damaged + {FAULT}", "pass")
    assert verdict.recovered_seconds == pytest.approx(10.0)
    assert [each.injected_seconds for each in verdict.faults] == [-7.0, 0.0]
    assert [each.witness for each in verdict.faults] == ["integrity", "no endpoints"]


def test_every_fault_needs_its_witness(drill: RecordedDrill) -> None:
    drill.started = {"faults": [{"fault": FAULT}, {"fault": "redis-killed"}]}
    assert drill.judged().why == "the fault redis-killed was never injected"
    drill.extra = [(1011.0, "fault.injected", {"fault": "redis-killed"})]
    verdict = drill.judged()
    assert verdict.verdict == "setup"
    assert "redis-killed has no witness" in verdict.why


def test_a_fault_that_nobody_noticed_is_a_result(drill: RecordedDrill) -> None:
    drill.outages, drill.unnoticed = [], 15.0
    verdict = drill.judged()
    assert (verdict.verdict, verdict.credit) == ("not noticed", "not measured")
    assert verdict.why == "users were never out: no request failed"
    assert verdict.faults[0].noticed is False
    drill.failing = {drill.index_at(1045.0)}
    assert drill.judged().verdict in ("not noticed", "inconclusive")


def test_what_nobody_noticed_may_still_be_harmed_by_the_procedure(drill: RecordedDrill) -> None:
    drill.unnoticed, drill.procedure, drill.outages = 5.0, (1025.0, 1029.0), [(1026.0, 1028.0)]
    verdict = drill.judged()
    assert (criterion(verdict, "harm").verdict, verdict.verdict) == ("fail", "fail")


def test_a_latent_fault_that_nobody_feels_passes_by_its_other_criteria(drill: RecordedDrill) -> None:
    drill.started, drill.outages = {"faults": [{"fault": FAULT, "felt": "latent"}]}, []
    verdict = drill.judged()
    assert (criterion(verdict, "recovered").verdict, verdict.verdict) == ("not applicable", "pass")


def _no_fault(drill: RecordedDrill) -> RecordedDrill:
    drill.started = {"faults": [], "procedures": [], "control": True}
    drill.injected, drill.procedure, drill.outages = None, None, []
    drill.extra = [
        (1005.0, "window.closed", {"window": "before"}),
        (1005.0, "window.opened", {"window": "after"}),
    ]
    return drill


def test_a_drill_without_a_fault_is_judged(drill: RecordedDrill) -> None:
    verdict = _no_fault(drill).judged()
    assert (verdict.verdict, verdict.credit, verdict.recovered_seconds) == ("pass", "not measured", None)
    assert criterion(verdict, "recovered").verdict == "not applicable"
    assert (criterion(verdict, "harm").verdict, criterion(verdict, "harm").samples) == (
        "pass",
        55 * PER_SECOND,
    )
    assert criterion(verdict, "error_rate").samples == 55 * PER_SECOND


def test_an_outage_although_nothing_was_broken_fails(drill: RecordedDrill) -> None:
    _no_fault(drill).outages = [(1030.0, 1031.0)]
    verdict = drill.judged()
    assert (criterion(verdict, "harm").verdict, verdict.verdict) == ("fail", "fail")
    assert verdict.credit == "not measured"


# live, by the same rule


def _live(failed: np.ndarray, seconds: float) -> Requests:
    planned = np.arange(int(seconds * 150)) / 150
    return Requests(
        planned, planned + 0.01, failed[: len(planned)], np.zeros(len(planned), np.int32), ["GET /"]
    )


@pytest.mark.parametrize(("seconds", "moment"), [(9.9, None), (10.0, 5.0), (30.0, 5.0)])
def test_the_live_watch_is_told_once_a_hold_has_passed(seconds: float, moment: float | None) -> None:
    failed = np.zeros(4500, np.bool_)
    failed[150:750] = True
    assert recovered_since(_live(failed, seconds), standard_of(JUDGING, LIMITS), 1.0) == moment


def test_the_live_watch_begins_at_once_where_nothing_is_out() -> None:
    failed = np.zeros(4500, np.bool_)
    assert recovered_since(_live(failed, 8.0), standard_of(JUDGING, LIMITS), 2.0) == 2.0
    assert recovered_since(_live(failed, 6.9), standard_of(JUDGING, LIMITS), 2.0) is None


def test_calibration_reaches_the_live_watch() -> None:
    failed = np.zeros(4500, np.bool_)
    failed[1500:1508] = True
    assert recovered_since(_live(failed, 30.0), standard_of(JUDGING, LIMITS), 1.0) == pytest.approx(
        1508 / 150
    )
    noisy = standard_of(JUDGING, LIMITS, Calibration(dispersion=4.0))
    assert recovered_since(_live(failed, 30.0), noisy, 1.0) == 1.0
