"""When a service counts as restored: the moments that the judge finds in recordings made to be difficult."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drill.judge.windows import holds
from recorded_drill import AFTER_SECONDS, BACK, INJECTED, PER_SECOND, RecordedDrill, criterion

from drill.judge.case import Case, RecordedLimit, RecordedSettings
from drill.recording import Requests
from drill.statistics import quantile

ONE = 1 / PER_SECOND


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


def test_phases_are_told_in_seconds_since_the_injection(drill: RecordedDrill) -> None:
    phases = [(phase.name, round(phase.seconds, 3)) for phase in drill.judged().phases]
    assert phases == [
        ("injected", 0.0),
        ("first failed request", 0.0),
        ("witnessed", 0.5),
        ("procedure started", 2.0),
        ("procedure done", 6.0),
        ("restored", 10.0),
    ]


def test_a_request_under_way_at_the_injection_counts_as_hit_from_the_injection_on(
    drill: RecordedDrill,
) -> None:
    under_way = drill.index_at(INJECTED - 0.3)
    drill.failing, drill.slow, drill.outages = {under_way}, {under_way: 0.9}, [(1012.0, BACK)]
    first = next(phase for phase in drill.judged().phases if phase.name == "first failed request")
    assert first.seconds == 0.0


def test_a_failure_before_the_fault_is_not_its_first(drill: RecordedDrill) -> None:
    drill.failing, drill.outages = {drill.index_at(1005)}, [(1012.0, BACK)]
    first = next(phase for phase in drill.judged().phases if phase.name == "first failed request")
    assert first.seconds == pytest.approx(2.0)


def test_a_gap_in_the_outage_shorter_than_a_window_restores_nothing(drill: RecordedDrill) -> None:
    drill.outages = [(INJECTED, 1013.0), (1017.9, BACK)]
    assert drill.judged().restored_seconds == pytest.approx(10.0)


def test_slow_requests_put_the_restoration_off(drill: RecordedDrill) -> None:
    # 31 of the 600 requests of a window may not be slow (p95); the first window that holds leaves the first
    # of the 31 behind
    first = drill.index_at(BACK)
    drill.slow = {first + number: 0.7 for number in range(30)}
    assert drill.judged().restored_seconds == pytest.approx(10.0)
    drill = RecordedDrill(drill.folder.parent / "again")
    drill.slow = {first + number: 0.7 for number in range(31)}
    assert drill.judged().restored_seconds == pytest.approx(10.0 + ONE)


def test_too_few_requests_in_a_window_restore_nothing(drill: RecordedDrill) -> None:
    drill.per_second, drill.outages = PER_SECOND / 2, [(INJECTED, BACK)]
    assert drill.judged().restored_seconds is not None
    again = RecordedDrill(drill.folder.parent / "again", per_second=PER_SECOND / 2 - 1)
    verdict = again.judged()
    assert verdict.restored_seconds is None
    assert (criterion(verdict, "restored").verdict, verdict.credit) == ("inconclusive", "not measured")


def test_the_window_must_have_been_watched_to_its_end(drill: RecordedDrill) -> None:
    drill.end = BACK + 5.0
    assert drill.judged().restored_seconds == pytest.approx(10.0)
    again = RecordedDrill(drill.folder.parent / "again", end=BACK + 5.0 - ONE)
    assert again.judged().restored_seconds is None


def test_an_undo_does_not_look_like_a_restoration(drill: RecordedDrill) -> None:
    drill.outages, drill.end, drill.undone = [(INJECTED, 1050.0)], 1070.0, 1050.0
    verdict = drill.judged()
    assert (verdict.restored_seconds, verdict.verdict) == (None, "fail")


def test_healed_by_the_platform_and_broken_by_the_procedure_fails_in_the_window_after(
    drill: RecordedDrill,
) -> None:
    drill.outages, drill.procedure = [(INJECTED, 1013.0), (1022.0, 1026.0)], (1020.0, 1024.0)
    verdict = drill.judged()
    assert verdict.restored_seconds == pytest.approx(3.0)
    assert criterion(verdict, "restored").why.endswith(
        "requests failed from then to the end of the procedure"
    )
    assert criterion(verdict, "error_rate").value == pytest.approx(2 / AFTER_SECONDS, abs=0.001)
    assert (verdict.verdict, verdict.credit) == ("fail", "platform")


def test_a_relapse_that_ends_within_the_procedure_moves_the_restoration(drill: RecordedDrill) -> None:
    drill.outages, drill.procedure = [(INJECTED, 1013.0), (1019.0, 1021.0)], (1012.0, 1030.0)
    verdict = drill.judged()
    assert verdict.restored_seconds == pytest.approx(11.0)
    assert verdict.verdict == "pass"


def test_one_stray_failure_in_the_procedure_does_not_move_the_restoration(drill: RecordedDrill) -> None:
    drill.procedure, drill.failing = (1012.0, 1030.0), {drill.index_at(1027.0)}
    assert drill.judged().restored_seconds == pytest.approx(10.0)


def test_the_window_after_begins_when_the_procedure_has_ended(drill: RecordedDrill) -> None:
    drill.procedure, drill.failing = (1012.0, 1030.0), {drill.index_at(1029.9) - 1}
    assert criterion(drill.judged(), "error_rate").value == 0.0
    again = RecordedDrill(drill.folder.parent / "again", procedure=(1012.0, 1030.0))
    again.failing = {again.index_at(1030.0)}
    assert criterion(again.judged(), "error_rate").value == pytest.approx(1 / (AFTER_SECONDS * PER_SECOND))


def test_an_empty_stream_is_judged_without_a_crash(drill: RecordedDrill) -> None:
    folder = drill.write()
    (folder / "requests.jsonl").unlink()
    assert len(Case(folder).requests) == 0
    again = RecordedDrill(drill.folder.parent / "again", end=1000.0)
    assert again.judged().verdict == "inconclusive"


def test_every_window_agrees_with_counting_it_out() -> None:
    random = np.random.default_rng(3)
    count = 3000
    planned = np.sort(random.uniform(0, 30, count))
    latency = random.choice([0.01, 0.7], count, p=[0.95, 0.05])
    failed = random.random(count) < 0.0008
    requests = Requests(planned, planned + latency, failed, np.zeros(count, np.int32), ["GET /"])
    settings = RecordedSettings(
        minimum_requests=1,
        hold_seconds=5,
        after_seconds=5,
        patience_seconds=5,
        requests_per_second=100,
        timeout_seconds=1,
    )
    limits = {"error_rate": RecordedLimit(0.003), "response_time": RecordedLimit(0.5, statistic="p95")}
    held = holds(requests, settings, limits).held
    for index in range(count):
        window = requests.between(planned[index], planned[index] + 5)
        expected = (
            not failed[index]
            and planned[index] + 5 <= planned[-1] + 0.01
            and len(window) >= 250
            and window.failed.sum() / len(window) < 0.003
            and quantile(np.where(window.failed, np.maximum(window.latency, 1), window.latency), 0.95) < 0.5
        )
        assert held[index] == expected, index
    assert 0 < held.sum() < count


def test_a_window_after_that_was_watched_for_longer_counts_whole(drill: RecordedDrill) -> None:
    drill.failing = {drill.index_at(1030)}
    assert criterion(drill.judged(), "error_rate").verdict == "inconclusive"
    longer = RecordedDrill(drill.folder.parent / "longer", failing=drill.failing)
    longer.extra = [(1060.0, "window.closed", {"window": "after"})]
    judged = criterion(longer.judged(), "error_rate")
    assert (judged.verdict, judged.samples) == ("pass", int((1060 - BACK) * PER_SECOND))


def test_a_window_after_that_was_closed_early_counts_as_planned(drill: RecordedDrill) -> None:
    drill.extra = [(1040.0, "window.closed", {"window": "after"})]
    assert criterion(drill.judged(), "error_rate").samples == int(AFTER_SECONDS * PER_SECOND)
