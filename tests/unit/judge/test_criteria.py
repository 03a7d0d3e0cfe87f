"""Each criterion both ways: a recording that passes, one that fails, mostly by one sample, and one that does
not suffice.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded_drill import (
    AFTER_REQUESTS,
    AFTER_SECONDS,
    BACK,
    END,
    FAULT,
    HOLD_SECONDS,
    INJECTED,
    PER_SECOND,
    PROCEDURE,
    RecordedDrill,
    command,
    criterion,
)

from drill.judge.criteria import CRITERIA, Question
from drill.judge.criteria.error_rate import error_rate_so_far
from drill.judge.criteria.response_time import response_time_so_far
from drill.recording import Requests
from drill.recording.events import Calibration, Limit
from drill.statistics import rate_bounds

JUDGED = BACK + 6


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


def test_a_drill_that_holds_everything_passes(drill: RecordedDrill) -> None:
    verdict = drill.judged()
    assert (verdict.verdict, verdict.why) == ("pass", "users were served again 10.0 s after the fault")
    assert {each.name: each.verdict for each in verdict.criteria} == {
        "recovered": "pass",
        "procedure": "pass",
        "early_end": "not applicable",
        "diagnosis": "not applicable",
        "harm": "not applicable",
        "left_behind": "not applicable",
        "response_time": "pass",
        "error_rate": "pass",
        "cpu": "pass",
        "memory": "pass",
        "database": "pass",
        "writes": "pass",
        "data_age": "not applicable",
        "detected": "not applicable",
        "quiet": "not applicable",
        "resolved": "not applicable",
    }
    assert criterion(verdict, "recovered").source == "operations-runbook.md:14"


def test_every_criterion_says_its_own_title_and_has_a_file_of_its_own(drill: RecordedDrill) -> None:
    verdict = drill.judged()
    assert [each.title for each in verdict.criteria] == [question.title for question in CRITERIA]
    assert len({question.title for question in CRITERIA}) == len(CRITERIA)
    folder = Path(__file__).parents[3] / "drill" / "judge" / "criteria"
    assert all((folder / f"{question.name}.py").is_file() for question in CRITERIA)


def test_a_criterion_that_crashes_is_unknown_and_costs_nothing_else(
    drill: RecordedDrill, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(case: object) -> Any:
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr(
        sys.modules["drill.judge.judge"], "CRITERIA", (Question("cpu", "CPU", crash), *CRITERIA)
    )
    verdict = drill.judged()
    assert verdict.criteria[0].verdict == "inconclusive"
    assert (verdict.criteria[0].name, verdict.criteria[0].title) == ("cpu", "CPU")
    assert verdict.criteria[0].why == (
        "the judge could not answer this: ZeroDivisionError: float division by zero"
    )
    assert (criterion(verdict, "recovered").verdict, verdict.verdict) == ("pass", "inconclusive")


# recovered (when it counts as such: test_recovery.py)


def test_recovered_passes_below_its_limit(drill: RecordedDrill) -> None:
    drill.limits["recovered"]["value"] = 10.0 + 0.9 / PER_SECOND
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.samples) == ("pass", 40 * PER_SECOND)


def test_recovered_fails_by_one_request(drill: RecordedDrill) -> None:
    drill.limits["recovered"]["value"] = 10.0 + 0.9 / PER_SECOND
    drill.failing.add(drill.index_at(BACK))
    verdict = drill.judged()
    assert criterion(verdict, "recovered").value == pytest.approx(10.0 + 1 / PER_SECOND)
    assert (criterion(verdict, "recovered").verdict, verdict.verdict) == ("fail", "fail")


def test_recovered_at_the_limit_itself_fails(drill: RecordedDrill) -> None:
    drill.limits["recovered"]["value"] = 10.0
    assert criterion(drill.judged(), "recovered").verdict == "fail"


def test_recovered_fails_only_where_users_are_known_to_have_been_out_for_so_long(
    drill: RecordedDrill,
) -> None:
    """They may have been served as soon as nothing was measured any more."""
    drill.absent = drill.indexes(BACK, BACK + 10)
    drill.limits["recovered"]["value"] = 15.0
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.value) == ("inconclusive", pytest.approx(20.0))
    drill.limits["recovered"]["value"] = 10.0
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.value) == ("fail", pytest.approx(20.0))
    drill.absent = drill.indexes(BACK + 1, BACK + 11)
    assert criterion(drill.judged(), "recovered").verdict == "fail", "what comes later does not shorten it"


def test_never_recovered_fails_once_patience_is_spent(drill: RecordedDrill) -> None:
    drill.outages, drill.end = [(INJECTED, 2000.0)], 1046.0
    verdict = drill.judged()
    assert criterion(verdict, "recovered").verdict == "fail"
    assert criterion(verdict, "recovered").why == (
        "users are still out 36.0 s after the fault, and nothing in the cluster is on its way"
    )
    assert criterion(verdict, "error_rate").verdict == "inconclusive"
    assert (verdict.verdict, verdict.recovered_seconds, verdict.credit) == ("fail", None, "nobody")


@pytest.mark.parametrize(("end", "outcome"), [(1045.4, "inconclusive"), (1045.6, "fail")])
def test_never_recovered_is_inconclusive_before_patience_is_spent(
    drill: RecordedDrill, end: float, outcome: str
) -> None:
    drill.outages, drill.end = [(INJECTED, 2000.0)], end
    verdict = drill.judged()
    assert (criterion(verdict, "recovered").verdict, verdict.verdict) == (outcome, outcome)
    assert verdict.stays_out is not None
    assert verdict.stays_out.verdict == {"fail": "pass"}.get(outcome, outcome)
    if outcome == "inconclusive":
        assert "watched for 29.4 s only since the procedure ended, of 30 s" in verdict.why
        assert verdict.credit == "not measured"


def test_patience_of_a_control_begins_with_the_witness(drill: RecordedDrill) -> None:
    drill.outages, drill.end, drill.procedure = [(INJECTED, 2000.0)], 1039.9, None
    assert "29.4 s only since the fault was witnessed" in criterion(drill.judged(), "recovered").why


def test_a_recording_that_ends_in_the_procedure_is_inconclusive(drill: RecordedDrill) -> None:
    drill.outages, drill.procedure = [(INJECTED, 2000.0)], (1012.0, None)
    verdict = drill.judged()
    assert criterion(verdict, "recovered").verdict == "inconclusive"
    assert criterion(verdict, "procedure").verdict == "inconclusive"


def test_without_a_response_time_the_recovery_is_told_but_not_judged(drill: RecordedDrill) -> None:
    del drill.limits["recovered"]
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.value) == ("inconclusive", pytest.approx(10.0))
    assert found.why.endswith("but the runbook states no response time")
    drill.outages = [(INJECTED, 2000.0)]
    assert criterion(drill.judged(), "recovered").verdict == "fail"


# procedure


def test_a_failed_command_fails_the_procedure_by_name(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl get pods"), command(53, "sqlite3 /app/data/x.db", 1)]
    verdict = drill.judged()
    found = criterion(verdict, "procedure")
    assert (found.verdict, found.value, found.limit, found.samples) == ("fail", 1.0, 0.0, 2)
    assert found.why == "line 53: `sqlite3 /app/data/x.db` ended with status 1"
    assert verdict.why == f"procedure: {found.why}"
    drill.commands.append(command(54, "kubectl apply", 2))
    assert criterion(drill.judged(), "procedure").why.endswith("ended with status 1 (and 1 more)")


def test_a_failed_command_is_told_with_what_it_printed_last(drill: RecordedDrill) -> None:
    said = "a\nerror: timed out" + "!" * 200 + "\n \n"
    drill.commands = [command(52, "kubectl apply", 1, output=said)]
    told = "error: timed out" + "!" * 144
    assert criterion(drill.judged(), "procedure").why == (
        f"line 52: `kubectl apply` ended with status 1, and printed last: {told}"
    )


def test_an_interrupted_stream_has_not_failed(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl get pods --watch", 130, interrupted=True)]
    drill.procedure_status = 130
    assert criterion(drill.judged(), "procedure").verdict == "pass"


def test_a_command_that_hung_has_failed(drill: RecordedDrill) -> None:
    """`rollout status --watch`, interrupted at 120 s, passed once."""
    hung = {"interrupted": True, "hung": True, "started": 1012.0, "finished": 1015.0}
    drill.commands = [command(52, "kubectl rollout status deployment/x --watch", 130, **hung)]
    drill.procedure_status = 130
    verdict = drill.judged()
    found = criterion(verdict, "procedure")
    assert (found.verdict, verdict.verdict) == ("fail", "fail")
    assert found.why == "line 52: `kubectl rollout status deployment/x --watch` hung, and was ended after 3 s"
    assert (verdict.commands[0].hung, verdict.commands[0].seconds) == (True, 3.0)


def test_a_failure_that_the_text_deals_with_is_none(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl get pod x", 1, handled=True), command(52, "kubectl apply")]
    assert criterion(drill.judged(), "procedure").verdict == "pass"


def test_a_command_that_is_left_running_has_not_failed(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl port-forward x &", 143, background=True)]
    assert criterion(drill.judged(), "procedure").verdict == "pass"


def test_a_missing_tool_is_inconclusive_by_name(drill: RecordedDrill) -> None:
    drill.commands, drill.missing_tools = [command(52, "terraform plan", 127)], ["terraform"]
    drill.procedure_status = 127
    found = criterion(drill.judged(), "procedure")
    assert (found.verdict, found.why) == ("inconclusive", "not on this machine: terraform")


MOTO = {"emulator": "moto 5.2.5", "client": "awscli 1.46.3"}
BY_MOTO = "; aws was answered by moto 5.2.5 on this machine, not by AWS"


def test_what_an_emulator_answered_is_said(drill: RecordedDrill) -> None:
    drill.extra = [(1001.0, "cloud.begun", MOTO)]
    drill.commands = [command(50, "aws eks describe-cluster --name a"), command(52, "kubectl get ingress")]
    found = criterion(drill.judged(), "procedure")
    assert (found.verdict, found.why) == ("pass", f"all 2 commands ended as they should{BY_MOTO}")
    drill.commands = [command(50, "aws eks describe-cluster --name b", 255)]
    found = criterion(drill.judged(), "procedure")
    why = f"line 50: `aws eks describe-cluster --name b` ended with status 255{BY_MOTO}"
    assert (found.verdict, found.why) == ("fail", why)
    drill.commands = [command(50, "aws eks list-clusters"), command(52, "kubectl apply", 1)]
    assert criterion(drill.judged(), "procedure").why == "line 52: `kubectl apply` ended with status 1"
    drill.commands = [command(52, "kubectl get pods")]
    assert criterion(drill.judged(), "procedure").why == "all 1 commands ended as they should"


def test_why_there_is_no_emulator_is_said_of_aws_and_of_no_other_tool(drill: RecordedDrill) -> None:
    drill.extra = [(1001.0, "cloud.begun", {"emulator": "", "client": "", "trouble": "no network"})]
    drill.commands, drill.missing_tools = [command(52, "aws eks list-clusters", 127)], ["aws"]
    drill.procedure_status = 127
    found = criterion(drill.judged(), "procedure")
    assert (found.verdict, found.why) == ("inconclusive", "not on this machine: aws (no network)")
    drill.commands, drill.missing_tools = [command(52, "trivy image x", 127)], ["trivy"]
    assert criterion(drill.judged(), "procedure").why == "not on this machine: trivy"


def test_a_failure_beside_a_missing_tool_still_fails(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "terraform plan", 127), command(53, "kubectl apply", 1)]
    drill.missing_tools = ["terraform"]
    assert criterion(drill.judged(), "procedure").why == "line 53: `kubectl apply` ended with status 1"


def test_a_command_that_is_not_found_fails_where_no_tool_is_missing(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubctl get pods", 127)]
    assert criterion(drill.judged(), "procedure").verdict == "fail"


def test_a_procedure_that_failed_as_a_whole_fails(drill: RecordedDrill) -> None:
    drill.procedure_status = 2
    found = criterion(drill.judged(), "procedure")
    assert (found.verdict, found.value) == ("fail", 1.0)
    assert found.why == "every command ended with status 0, but the procedure itself with 2"


def test_a_block_that_failed_as_a_whole_fails_beside_one_that_was_interrupted(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl get pods --watch", 130, interrupted=True)]
    drill.procedure_status = 130
    drill.extra = [
        (1016.5, "procedure.started", {"procedure": PROCEDURE, "line": 60}),
        (1016.8, "command.finished", command(61, "kubectl get pods", started=1016.6, finished=1016.8)),
        (1017.0, "procedure.finished", {"procedure": PROCEDURE, "status": 3}),
    ]
    found = criterion(drill.judged(), "procedure")
    assert (found.verdict, found.why) == (
        "fail",
        "every command ended with status 0, but the procedure itself with 3",
    )


def test_a_place_that_was_not_followed_proves_nothing(drill: RecordedDrill) -> None:
    """Nobody was called, say, and meanwhile the platform healed."""
    drill.started = {"procedures": [PROCEDURE, "Restart"]}
    verdict = drill.judged()
    found = criterion(verdict, "procedure")
    assert (verdict.verdict, found.verdict, found.why) == (
        "inconclusive",
        "inconclusive",
        "was not followed: Restart",
    )
    drill.procedure = None
    verdict = drill.judged()
    assert (verdict.verdict, criterion(verdict, "procedure").why) == (
        "inconclusive",
        f"was not followed: {PROCEDURE}, Restart",
    )
    drill.started = {"procedures": [PROCEDURE, PROCEDURE]}
    drill.procedure = (1012.0, 1016.0)
    assert criterion(drill.judged(), "procedure").why == f"was not followed: {PROCEDURE}"


@pytest.mark.parametrize(
    ("finished", "outcome", "why"),
    [
        (1016.0, "fail", "it was over, and users were out for 4.0 s more"),
        (1017.99, "fail", "it was over, and users were out for 2.0 s more"),
        (1018.0, "pass", "users were served 2.0 s after its end"),
        (1021.0, "pass", "users were served 1.0 s before its end"),
        (None, "inconclusive", "the recording ends before the procedure did"),
    ],
)
def test_a_procedure_is_over_when_users_are_served(
    drill: RecordedDrill, finished: float | None, outcome: str, why: str
) -> None:
    drill.started, drill.procedure = {"waits": True}, (1012.0, finished)
    verdict = drill.judged()
    found = criterion(verdict, "early_end")
    assert (found.verdict, found.why, found.limit, found.unit) == (outcome, why, 2.0, "s")
    assert verdict.verdict == outcome


def test_a_procedure_that_ends_while_users_stay_out_ends_early(drill: RecordedDrill) -> None:
    drill.started, drill.outages = {"waits": True}, [(INJECTED, END)]
    found = criterion(drill.judged(), "early_end")
    assert (found.verdict, found.why) == ("fail", "it was over, and users were out for 44.0 s more")


@pytest.mark.parametrize(
    ("outage", "finished", "end", "outcome"),
    [
        ((INJECTED, BACK), 1021.0, BACK + 4, "inconclusive"),
        ((INJECTED, BACK), 1016.0, BACK + 4, "fail"),
        ((INJECTED, END), 1059.0, END, "inconclusive"),
        ((INJECTED, END), 1065.0, END, "inconclusive"),
    ],
)
def test_who_was_not_watched_for_long_enough_was_not_seen_out_after_the_procedure(
    drill: RecordedDrill, outage: tuple[float, float], finished: float, end: float, outcome: str
) -> None:
    drill.started, drill.procedure, drill.end = {"waits": True}, (1012.0, finished), end
    drill.outages = [outage]
    assert criterion(drill.judged(), "early_end").verdict == outcome


def test_whether_users_were_out_after_the_procedure_is_not_known_where_nothing_was_measured(
    drill: RecordedDrill,
) -> None:
    drill.started, drill.procedure = {"waits": True}, (1012.0, 1016.0)
    drill.absent = drill.indexes(1017.0, 1020.0)
    found = criterion(drill.judged(), "early_end")
    assert (found.verdict, "360 planned requests unmeasured" in found.why) == ("inconclusive", True)
    drill.procedure = (1012.0, 1018.5)
    found = criterion(drill.judged(), "early_end")
    assert (found.verdict, "unmeasured" in found.why) == ("inconclusive", True)


def test_when_a_procedure_ends_is_asked_where_it_is_stated_and_users_were_out(drill: RecordedDrill) -> None:
    assert "does not state" in criterion(drill.judged(), "early_end").why
    drill.started, drill.outages = {"waits": True}, []
    found = criterion(drill.judged(), "early_end")
    assert (found.verdict, found.why) == ("not applicable", "users were never out")


LEFT = "Pod/database-recovery: was not there"
CHANGED = "HorizontalPodAutoscaler/web: spec.minReplicas is 1, was 3"


@pytest.mark.parametrize(
    ("stated", "differences", "outcome", "why"),
    [
        ([], [], "pass", "all is as it was"),
        ([], [LEFT], "fail", LEFT),
        ([], [LEFT, CHANGED], "fail", f"{LEFT} (and 1 more)"),
        (["minReplicas is 1"], [CHANGED], "pass", f"as stated: {CHANGED}"),
        (["minReplicas is 1"], [LEFT, CHANGED], "fail", LEFT),
        (["minReplicas is 5"], [CHANGED], "fail", f"{CHANGED} (and 1 more)"),
        (["minReplicas is 1"], [], "fail", "nothing is changed that holds 'minReplicas is 1'"),
    ],
)
def test_nothing_is_left_behind_but_what_is_stated(
    drill: RecordedDrill, stated: list[str], differences: list[str], outcome: str, why: str
) -> None:
    drill.started = {"leaves": stated}
    drill.extra = [(END + 3, "target.compared", {"differences": differences})]
    verdict = drill.judged()
    found = criterion(verdict, "left_behind")
    assert (found.verdict, found.why, found.limit, found.samples) == (outcome, why, 0.0, len(differences))
    assert verdict.verdict == outcome


def test_what_is_left_behind_is_not_known_where_nothing_was_compared(drill: RecordedDrill) -> None:
    assert criterion(drill.judged(), "left_behind").verdict == "not applicable"
    drill.started = {"leaves": []}
    found = criterion(drill.judged(), "left_behind")
    assert (found.verdict, "was not compared" in found.why) == ("inconclusive", True)
    drill.extra = [(END + 3, "target.compared", {"trouble": "no answer of kind-drill"})]
    found = criterion(drill.judged(), "left_behind")
    assert (found.verdict, "no answer of kind-drill" in found.why) == ("inconclusive", True)


def test_a_procedure_that_ran_nothing_is_inconclusive(drill: RecordedDrill) -> None:
    drill.commands = []
    assert criterion(drill.judged(), "procedure").verdict == "inconclusive"
    drill.commands = [command(52, "kubectl apply")]
    drill.extra = [
        (1016.5, "procedure.started", {"procedure": PROCEDURE, "line": 60}),
        (1017.0, "procedure.finished", {"procedure": PROCEDURE}),
    ]
    assert criterion(drill.judged(), "procedure").verdict == "inconclusive", "of one block of two"


# response time


@pytest.mark.parametrize(
    ("share", "outcome"), [(0.0, "pass"), (0.03, "pass"), (0.05, "inconclusive"), (0.08, "fail")]
)
def test_response_time_turns_with_the_share_of_slow_requests(
    drill: RecordedDrill, share: float, outcome: str
) -> None:
    first = drill.index_at(BACK + 5)
    drill.slow = {first + n: 0.6 for n in range(AFTER_REQUESTS) if int(n * share) != int((n + 1) * share)}
    found = criterion(drill.judged(), "response_time")
    assert (found.verdict, found.samples) == (outcome, AFTER_REQUESTS)
    assert found.interval is not None
    assert (found.interval[1] < 0.5, found.interval[0] >= 0.5) == (outcome == "pass", outcome == "fail")
    assert "blocks of 1.5 s taken as independent: no calibration" in found.why


def test_slow_requests_that_come_together_tell_less_than_the_same_ones_apart(drill: RecordedDrill) -> None:
    first = drill.index_at(1035.0)
    drill.slow = {first + number: 0.6 for number in range(110)}
    found = criterion(drill.judged(), "response_time")
    assert (found.verdict, found.value) == ("inconclusive", pytest.approx(0.010))


def test_blocks_are_twice_as_long_as_latencies_are_correlated(drill: RecordedDrill) -> None:
    for correlated, seconds in ((0.2, "1"), (0.7, "1.4")):
        drill.started = {"calibration": {"correlation_seconds": correlated}}
        why = criterion(drill.judged(), "response_time").why
        assert (
            f"blocks of {seconds} s taken as independent, since calibration found latencies correlated "
            f"over {correlated:g} s" in why
        )


def test_what_lies_beyond_the_slowest_request_is_said_to_be_assumed(drill: RecordedDrill) -> None:
    """23 blocks in which nothing was slow do not bound the slowest 5 %; 120 do, of which none shows more."""
    why = criterion(drill.judged(), "response_time").why
    assert why.endswith("; beyond the slowest seen (10 ms) the tail taken as no heavier than 1 / latency")
    drill.end, drill.per_second, drill.slow = BACK + HOLD_SECONDS + 180, 40.0, {20: 0.6}
    why = criterion(drill.judged(), "response_time").why
    assert why.endswith("blocks of 1.5 s taken as independent: no calibration")


@pytest.mark.parametrize("name", ["response_time", "error_rate"])
def test_a_window_after_that_was_not_measured_whole_is_said_once(drill: RecordedDrill, name: str) -> None:
    drill.absent = drill.indexes(1040.0, 1041.0)
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.why.count("unmeasured")) == ("inconclusive", 1)


def _window(*slow: tuple[float, float], seconds: float) -> Requests:
    """A hundred requests a second since 0 that take 0.6 s in these stretches."""
    planned = np.arange(int(seconds * 100)) / 100
    late = np.array([any(start <= each < end for start, end in slow) for each in planned])
    nothing = np.zeros(len(planned), np.bool_)
    return Requests(planned, planned + np.where(late, 0.6, 0.01), nothing, nothing.astype(np.int32), [""])


def test_response_time_is_looked_at_when_the_window_has_grown_by_half() -> None:
    limit = Limit(0.5, statistic="p95")

    def look(seconds: float, *slow: tuple[float, float]) -> str:
        requests = _window(*slow, seconds=seconds)
        later = Requests(
            requests.planned + 64.0, requests.finished + 64.0, requests.failed, requests.name, [""]
        )
        told = response_time_so_far(requests, (0.0, seconds), 10.0, limit, timeout_seconds=2.0)
        window = (64.0, 64.0 + seconds)
        assert response_time_so_far(later, window, 10.0, limit, timeout_seconds=2.0) == told
        return told

    assert [look(9.9), look(10.0)] == ["inconclusive", "pass"]
    assert [look(seconds, (2, 7)) for seconds in (10.0, 14.0, 22.5)] == ["fail", "fail", "inconclusive"]
    # good at the last look, and bad since: the window that will be judged is undecided, so it goes on
    assert [look(seconds, (11, 14)) for seconds in (10.5, 14.5)] == ["pass", "inconclusive"]
    assert [look(seconds, (5, 5.3)) for seconds in (10.0, 170.8, 170.9)] == [
        "inconclusive",
        "inconclusive",
        "pass",
    ]


def test_a_fast_error_is_not_a_fast_response(drill: RecordedDrill) -> None:
    drill.failing = set(range(drill.index_at(BACK + 6), 7200, 8))
    found = criterion(drill.judged(), "response_time")
    assert (found.verdict, found.value) == ("fail", 1.0)


# error rate


@pytest.mark.parametrize(
    ("failed", "outcome"), [(0, "pass"), (1, "inconclusive"), (11, "inconclusive"), (12, "fail")]
)
def test_error_rate_turns_at_one_request(drill: RecordedDrill, failed: int, outcome: str) -> None:
    first = drill.index_at(JUDGED)
    drill.failing = {first + 260 * number for number in range(failed)}
    verdict = drill.judged()
    found = criterion(verdict, "error_rate")
    assert (found.verdict, verdict.verdict) == (outcome, outcome)
    assert (found.samples, found.value) == (AFTER_REQUESTS, failed / AFTER_REQUESTS)
    assert found.interval == rate_bounds(failed, AFTER_REQUESTS)
    assert found.why.endswith("failures taken as independent: no calibration")


@pytest.mark.parametrize(("count", "outcome"), [(3291, "pass"), (3290, "inconclusive")])
def test_error_rate_needs_3291_requests_without_an_error(
    drill: RecordedDrill, count: int, outcome: str
) -> None:
    drill.end = BACK + 5 + count / PER_SECOND
    found = criterion(drill.judged(), "error_rate")
    assert (found.samples, found.verdict) == (count, outcome)


def test_bursts_as_in_calibration_need_more_requests(drill: RecordedDrill) -> None:
    drill.started = {"calibration": {"dispersion": 1.27}}
    assert criterion(drill.judged(), "error_rate").verdict == "pass"
    drill.started = {"calibration": {"dispersion": 1.28}}
    found = criterion(drill.judged(), "error_rate")
    assert found.verdict == "inconclusive"
    assert found.why.endswith("failures taken to come in bursts as in calibration (dispersion 1.3)")


def test_the_live_watch_asks_the_same_question() -> None:
    assert error_rate_so_far(0, 3290, 0.001) == "inconclusive"
    assert error_rate_so_far(0, 3291, 0.001) == "pass"
    assert error_rate_so_far(0, 3291, 0.001, Calibration(dispersion=2.0)) == "inconclusive"
    assert error_rate_so_far(30, 3291, 0.001) == "fail"


@pytest.mark.parametrize("name", ["response_time", "error_rate"])
def test_too_few_requests_are_inconclusive(drill: RecordedDrill, name: str) -> None:
    drill.settings["minimum_requests"] = AFTER_REQUESTS
    assert criterion(drill.judged(), name).verdict == "pass"
    drill.settings["minimum_requests"] = AFTER_REQUESTS + 1
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.why) == ("inconclusive", "4200 requests, fewer than the minimum of 4201")
    assert (found.limit, found.samples) == (drill.limits[name]["value"], 4200)


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
    drill.cpu_share = lambda moment: 0.75 if moment == 1030 else 0.697
    found = criterion(drill.judged(), "cpu")
    assert found.verdict == "fail"
    assert found.value == pytest.approx(0.697 + 0.053 / 17)


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_fewer_than_three_samples_are_inconclusive(drill: RecordedDrill, name: str) -> None:
    drill.sample_every = 29.0
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.samples) == ("inconclusive", 2)
    drill.sample_every = 15.0
    assert criterion(drill.judged(), name).verdict == "pass"


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_samples_of_a_small_part_of_the_window_are_inconclusive(drill: RecordedDrill, name: str) -> None:
    _resample(drill, lambda at, pods: pods if at <= 1045 else None)
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.samples) == ("inconclusive", 10)
    assert found.why == "10 samples measure 18.0 s of the window's 35 s, less than 60%"


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_no_samples_are_inconclusive_and_lacking_resources_not_applicable(
    drill: RecordedDrill, name: str
) -> None:
    drill.sample_every = 1000.0
    assert criterion(drill.judged(), name).verdict == "inconclusive"
    drill.started = {"lacks": ["resources"]}
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.why) == ("not applicable", "the target has no resources")
    assert (found.limit, found.source) == (None, "")


def test_memory_turns_at_one_sample(drill: RecordedDrill) -> None:
    drill.memory_share = lambda moment: 0.7999
    assert criterion(drill.judged(), "memory").verdict == "pass"
    drill.memory_share = lambda moment: 0.81 if moment == 1054 else 0.7999
    assert criterion(drill.judged(), "memory").verdict == "inconclusive"
    drill.memory_share = lambda moment: 0.8001
    assert criterion(drill.judged(), "memory").verdict == "fail"


def test_memory_that_rises_does_not_pass(drill: RecordedDrill) -> None:
    """From 30 to 99 % it passed once, for the mean was below."""
    drill.memory_share = lambda moment: 0.3 + 0.69 * max(0.0, moment - 1025) / 35
    found = criterion(drill.judged(), "memory")
    assert (found.verdict, found.value) == ("fail", pytest.approx(0.88, abs=0.02))
    drill.memory_share = lambda moment: 0.3 + 0.40 * max(0.0, moment - 1025) / 35
    found = criterion(drill.judged(), "memory")
    assert found.verdict == "inconclusive"
    assert "rises to 104% in another 35 s" in found.why
    drill.memory_share = lambda moment: 0.3 + 0.10 * max(0.0, moment - 1025) / 35
    assert criterion(drill.judged(), "memory").verdict == "pass"


def test_pods_that_are_replaced_when_they_are_full_do_not_pass(drill: RecordedDrill) -> None:
    """Each lives for 4 s only, at 99 %: too few samples of each it was once."""
    _resample(
        drill,
        lambda at, pods: [
            pod | {"pod": f"{pod['pod']}-{int(at / 4)}", "memory_bytes": 0.99 * pod["memory_limit_bytes"]}
            for pod in pods
        ],
    )
    found = criterion(drill.judged(), "memory")
    assert (found.verdict, found.value) == ("fail", pytest.approx(0.99))


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_one_of_two_pods_unmeasured_does_not_pass(drill: RecordedDrill, name: str) -> None:
    _resample(drill, lambda at, pods: pods[:1])
    found = criterion(drill.judged(), name)
    assert found.verdict == "inconclusive"
    assert "novel-engine-b" in found.why


def test_pods_that_come_and_go_unmeasured_leave_the_cpu_unknown(drill: RecordedDrill) -> None:
    _resample(drill, lambda at, pods: [pod | {"pod": f"{pod['pod']}-{int(at / 2)}"} for pod in pods])
    assert criterion(drill.judged(), "cpu").verdict == "inconclusive"


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_without_a_limit_of_the_container_it_is_not_applicable(drill: RecordedDrill, name: str) -> None:
    _resample(
        drill,
        lambda at, pods: [pod | {"cpu_limit_cores": None, "memory_limit_bytes": None} for pod in pods],
    )
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.why) == (
        "not applicable",
        f"no container has a {'CPU' if name == 'cpu' else name} limit",
    )


def test_a_limit_of_nothing_is_none(drill: RecordedDrill) -> None:
    _resample(drill, lambda at, pods: [pod | {"cpu_limit_cores": 0.0} for pod in pods])
    found = criterion(drill.judged(), "cpu")
    assert (found.verdict, found.why) == ("not applicable", "no container has a CPU limit")


@pytest.mark.parametrize("unknown", [{"cpu_seconds": None}, {"cpu_at": None}])
def test_a_reading_without_its_moment_or_its_seconds_is_none(
    drill: RecordedDrill, unknown: dict[str, Any]
) -> None:
    _resample(drill, lambda at, pods: [pods[0] | unknown, pods[1]])
    found = criterion(drill.judged(), "cpu")
    assert (found.verdict, found.why) == ("inconclusive", "the use of novel-engine-a was not measured")


@pytest.mark.parametrize(
    ("since", "why"),
    [
        (1055, "the use of novel-engine-a-late, novel-engine-b-late was not measured"),
        (1057, "30.0% of the CPU limit on average over 2 pods"),
    ],
)
def test_who_is_blind_is_asked_of_those_who_were_there_for_the_last_three_looks(
    drill: RecordedDrill, since: float, why: str
) -> None:
    """A pod that the autoscaler adds at the very end has no rate yet."""
    _resample(
        drill,
        lambda at, pods: [
            pod | NOT_MEASURED | {"pod": f"{pod['pod']}-late"} if at >= since else pod for pod in pods
        ],
    )
    assert criterion(drill.judged(), "cpu").why == why


def test_a_pod_without_a_limit_that_is_gone_by_the_end_is_still_left_out_of_memory(
    drill: RecordedDrill,
) -> None:
    """Who ran without a limit once is no pod that was not measured later."""
    _resample(drill, lambda at, pods: [pods[0] | NO_LIMIT, pods[1]] if at < 1030 else [pods[1]])
    assert criterion(drill.judged(), "memory").verdict == "pass"


NO_LIMIT = {"cpu_limit_cores": None, "memory_limit_bytes": None}
NOT_MEASURED = {"cpu_seconds": None, "cpu_at": None, "memory_bytes": None}


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_a_pod_with_a_limit_that_was_not_measured_beside_one_without_is_inconclusive(
    drill: RecordedDrill, name: str
) -> None:
    _resample(drill, lambda at, pods: [pods[0] | NO_LIMIT, pods[1] | NOT_MEASURED])
    found = criterion(drill.judged(), name)
    assert found.verdict == "inconclusive"
    assert "novel-engine-b" in found.why


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_a_pod_with_a_limit_that_was_replaced_unmeasured_by_one_without_is_inconclusive(
    tmp_path: Path, name: str
) -> None:
    for share in (0.0, 0.5, 1.0):
        drill = RecordedDrill(tmp_path / str(share))

        def replaced(at: float, pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
            is_last = at >= BACK + share * (END - BACK)  # noqa: B023
            return [pod | (NO_LIMIT | {"pod": "new"} if is_last else NOT_MEASURED) for pod in pods]

        _resample(drill, replaced)
        expected = "not applicable" if share == 0.0 else "inconclusive"
        assert criterion(drill.judged(), name).verdict == expected


@pytest.mark.parametrize("name", ["response_time", "error_rate", "cpu", "memory", "database"])
def test_what_does_not_apply_does_not_apply_to_a_window_measured_in_part_either(
    drill: RecordedDrill, name: str
) -> None:
    del drill.limits[name]
    drill.absent = {drill.index_at(1030.0)}
    found = criterion(drill.judged(), name)
    assert (found.verdict, found.why) == (
        "not applicable",
        f"the runbook states no limit for {name.replace('_', ' ')}",
    )


def _resample(drill: RecordedDrill, change: Any) -> None:
    """Let what was measured of the pods be what `change` makes of it; who ran stays as it was, but for new
    names.
    """
    samples = drill._samples

    def changed() -> list[tuple[float, str, dict[str, Any]]]:
        events = []
        for at, kind, data in samples():
            pods = change(at, data["pods"]) if kind == "sample.resources" else data["pods"]
            if pods is None:
                continue
            names = {pod["pod"] for pod in pods}
            known = set(data.get("expected", ()))
            expected = sorted(known if names <= known else names)
            events.append(
                (at, kind, {"pods": pods} | ({"expected": expected} if kind == "sample.resources" else {}))
            )
        return events

    drill._samples = changed  # type: ignore[method-assign]


# database


@pytest.mark.parametrize(("seconds", "outcome"), [(0.0499, "pass"), (0.0501, "fail")])
def test_database_turns_at_its_limit(drill: RecordedDrill, seconds: float, outcome: str) -> None:
    drill.query_seconds = seconds
    found = criterion(drill.judged(), "database")
    assert (found.verdict, found.interval) == (outcome, None)
    assert found.value == pytest.approx(seconds)
    assert found.samples == 2 * 34 * 60


@pytest.mark.parametrize(("queries", "outcome"), [(100, "pass"), (98, "inconclusive")])
def test_database_needs_enough_queries(drill: RecordedDrill, queries: int, outcome: str) -> None:
    drill.queries_per_second = queries / 68
    found = criterion(drill.judged(), "database")
    assert (found.verdict, found.samples) == (outcome, queries)


def test_database_without_metrics_is_not_applicable_by_name(drill: RecordedDrill) -> None:
    drill.started = {"lacks": ["metrics", "redis"]}
    verdict = drill.judged()
    assert criterion(verdict, "database").why == "the target has no metrics"
    assert (criterion(verdict, "database").verdict, verdict.verdict) == ("not applicable", "pass")


# writes and the age of the data


def _lost(*acknowledged_at: float, survivor: float | None = 1009.0) -> dict[str, Any]:
    absent = [
        {"id": f"w{number}", "acknowledged_at": moment} for number, moment in enumerate(acknowledged_at)
    ]
    return {"acknowledged": 900, "checked": 900, "absent": absent, "newest_survivor_at": survivor}


def test_one_lost_write_fails(drill: RecordedDrill) -> None:
    drill.audit = _lost(1005.0)
    verdict = drill.judged()
    found = criterion(verdict, "writes")
    assert (found.verdict, found.value, found.samples, verdict.verdict) == ("fail", 1.0, 900, "fail")


def test_a_restore_may_lose_what_came_after_its_backup(drill: RecordedDrill) -> None:
    drill.started, drill.backup = {"restores": True}, (1004.0, 1004.5)
    drill.audit = _lost(1004.0, 1011.0, 1019.9, survivor=1003.9)
    verdict = drill.judged()
    assert verdict.writes is not None
    assert (verdict.writes.lost, verdict.writes.allowed_lost) == (3, 3)
    assert verdict.writes.data_age_seconds == pytest.approx(6.1)
    assert (criterion(verdict, "writes").verdict, criterion(verdict, "data_age").verdict) == ("pass", "pass")
    assert criterion(verdict, "data_age").source == "operations-runbook.md:238"


@pytest.mark.parametrize("moment", [1003.9, BACK, BACK + 20])
def test_a_write_from_before_the_backup_or_after_the_recovery_may_not_be_lost(
    drill: RecordedDrill, moment: float
) -> None:
    """Also while the procedure still ran: 20 s after users had their service back it was allowed once."""
    drill.started, drill.backup, drill.audit = {"restores": True}, (1004.0, 1004.5), _lost(1011.0, moment)
    drill.procedure = (1012.0, 1045.0)
    found = criterion(drill.judged(), "writes")
    assert (found.verdict, found.value) == ("fail", 1.0)


@pytest.mark.parametrize(("restores", "backup"), [(False, (1004.0, 1004.5)), (True, None)])
def test_a_loss_without_backup_or_restore_is_not_allowed(
    drill: RecordedDrill, restores: bool, backup: tuple[float, float] | None
) -> None:
    drill.started, drill.backup, drill.audit = {"restores": restores}, backup, _lost(1005.0)
    assert criterion(drill.judged(), "writes").verdict == "fail"


@pytest.mark.parametrize(
    "audit", [None, {"acknowledged": 0, "checked": 0}, {"acknowledged": 900, "checked": 899}]
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


@pytest.mark.parametrize(("age", "outcome"), [(21_599.0, "pass"), (21_600.0, "fail")])
def test_data_age_is_that_of_the_newest_row_that_survived(
    drill: RecordedDrill, age: float, outcome: str
) -> None:
    """Also of rows that were there before the load, so that it can fail against 6 h."""
    drill.started, drill.audit = {"restores": True}, _lost(survivor=INJECTED - age)
    found = criterion(drill.judged(), "data_age")
    assert (found.verdict, found.value) == (outcome, pytest.approx(age))


def test_data_that_cannot_be_dated_is_at_least_as_old_as_what_was_lost(drill: RecordedDrill) -> None:
    drill.started, drill.audit = {"restores": True}, _lost(1001.0, 1005.0, survivor=None)
    found = criterion(drill.judged(), "data_age")
    assert (found.verdict, found.why.endswith("the data is at least 9.0 s old")) == ("inconclusive", True)
    drill.limits["data_age"]["value"] = 9.0
    assert criterion(drill.judged(), "data_age").verdict == "fail"


HOURS = 3600.0


def _rows(drill: RecordedDrill, there: tuple[float | None, float | None], survived: float | None) -> None:
    """The part's own clock says 1e6 at the fault. Ages before it, in seconds: of the newest row and of the
    newest that was then older than 6 h; of the newest row that survived."""
    walls = [None if age is None else 1e6 - age for age in (*there, survived)]
    part = {"part": "database"}
    drill.extra = [
        (INJECTED - 8, "rows.there", part | {"newest_wall": walls[0], "overdue_wall": walls[1]}),
        (END + 1.5, "rows.survived", part | {"fault_wall": 1e6, "newest_wall": walls[2]}),
    ]


@pytest.mark.parametrize(
    ("there", "survived", "outcome", "value"),
    [
        ((9.0, 6.1 * HOURS), 7 * HOURS, "fail", 7 * HOURS),
        ((9.0, 6.1 * HOURS), 6.1 * HOURS, "inconclusive", 6.1 * HOURS),
        ((9.0, 6.1 * HOURS), 5.9 * HOURS, "pass", 5.9 * HOURS),
        ((7 * HOURS, 7 * HOURS), 7 * HOURS, "inconclusive", 7 * HOURS),
        ((9.0, None), None, "inconclusive", 9.0),
        ((9.0, 7 * HOURS), None, "fail", 7 * HOURS),
        ((None, None), None, "inconclusive", 5.0),
    ],
)
def test_data_age_is_that_of_rows_that_were_there_before_the_drill(
    drill: RecordedDrill,
    there: tuple[float | None, float | None],
    survived: float | None,
    outcome: str,
    value: float,
) -> None:
    """A backup of seven hours ago: the drill's own writes are lost, and so is a row of 6.1 hours ago."""
    drill.started, drill.audit = {"restores": True}, _lost(1005.0, survivor=None)
    _rows(drill, there, survived)
    found = criterion(drill.judged(), "data_age")
    assert (found.verdict, found.value) == (outcome, pytest.approx(value))


def test_rows_do_not_age_what_the_drill_itself_wrote_and_found_again(drill: RecordedDrill) -> None:
    drill.started = {"restores": True}
    _rows(drill, (9.0, 7 * HOURS), 7 * HOURS)
    found = criterion(drill.judged(), "data_age")
    assert (found.verdict, found.value) == ("pass", pytest.approx(0.5))


def test_rows_that_were_asked_for_once_only_tell_no_age(drill: RecordedDrill) -> None:
    drill.started, drill.audit = {"restores": True}, _lost(1005.0, survivor=None)
    _rows(drill, (9.0, 7 * HOURS), 5 * HOURS)
    there, survived = drill.extra
    drill.extra = [there]
    found = criterion(drill.judged(), "data_age")
    assert (found.verdict, found.value, "row_times" in found.why) == (
        "inconclusive",
        pytest.approx(5.0),
        True,
    )
    drill.extra = [survived]
    assert criterion(drill.judged(), "data_age").verdict == "pass"


def test_data_age_is_unknown_without_an_audit_and_not_asked_without_a_restore(drill: RecordedDrill) -> None:
    drill.started, drill.audit = {"restores": True}, None
    assert criterion(drill.judged(), "data_age").verdict == "inconclusive"
    drill.started = {"restores": True, "control": True}
    assert criterion(drill.judged(), "data_age").verdict == "not applicable"


@pytest.mark.parametrize("name", ["response_time", "error_rate", "cpu", "memory", "database"])
def test_a_limit_that_the_runbook_does_not_state_is_not_applicable_by_name(
    drill: RecordedDrill, name: str
) -> None:
    del drill.limits[name]
    found = criterion(drill.judged(), name)
    assert found.verdict == "not applicable"
    assert found.why == f"the runbook states no limit for {name.replace('_', ' ')}"


# harm


def _healed_before_anyone_acted(folder: Path, failed: int) -> RecordedDrill:
    """The platform heals at 1013, the procedure runs from 1019 to 1020: 41 s are asked about, 4,920
    requests.
    """
    healed = RecordedDrill(folder, outages=[(INJECTED, 1013.0)], procedure=(1019.0, 1020.0))
    first = healed.index_at(1019.0)
    healed.failing = {first + 280 * number for number in range(failed)}
    return healed


@pytest.mark.parametrize(
    ("failed", "outcome"), [(0, "pass"), (1, "inconclusive"), (12, "inconclusive"), (13, "fail")]
)
def test_harm_turns_at_one_request(tmp_path: Path, failed: int, outcome: str) -> None:
    found = criterion(_healed_before_anyone_acted(tmp_path / "drill", failed).judged(), "harm")
    assert (found.samples, found.value, found.interval) == (4920, failed / 4920, rate_bounds(failed, 4920))
    assert found.verdict == outcome


def test_an_outage_of_users_who_were_served_is_harm_however_short(tmp_path: Path) -> None:
    healed = _healed_before_anyone_acted(tmp_path / "drill", 0)
    healed.failing = set(range(healed.index_at(1030.0), healed.index_at(1030.0) + 5))
    found = criterion(healed.judged(), "harm")
    assert (found.verdict, found.value, found.interval) == ("fail", 5 / 4920, rate_bounds(5, 4920))


def test_harm_that_was_measured_is_harm_whatever_else_was_not(tmp_path: Path) -> None:
    healed = _healed_before_anyone_acted(tmp_path / "drill", 13)
    healed.absent = {healed.index_at(1019.5)}
    found = criterion(healed.judged(), "harm")
    assert (found.verdict, "unmeasured" in found.why) == ("fail", False)


def test_users_served_for_a_hold_exactly_when_the_operator_began_could_be_harmed(tmp_path: Path) -> None:
    healed = RecordedDrill(tmp_path / "drill", outages=[(INJECTED, 1013.0)])
    for begun, asked in ((1018.0 - 0.25 / PER_SECOND, False), (1018.0, True)):
        healed.procedure = (begun, 1020.0)
        found = criterion(healed.judged(), "harm")
        assert (found.verdict != "not applicable") is asked, begun


def test_a_failure_before_the_procedure_is_not_its_harm(tmp_path: Path) -> None:
    healed = _healed_before_anyone_acted(tmp_path / "drill", 0)
    healed.failing = {healed.index_at(1018.9)}
    assert criterion(healed.judged(), "harm").value == 0.0


def test_harm_is_not_asked_of_a_procedure_that_was_needed(drill: RecordedDrill) -> None:
    found = criterion(drill.judged(), "harm")
    assert (found.verdict, found.why) == (
        "not applicable",
        "users were not yet served again when the operator began",
    )
    drill.procedure = None
    assert criterion(drill.judged(), "harm").why == "the drill has no procedure: nobody acted"
    drill.outages, drill.procedure = (
        [(INJECTED, 1013.0), (1021.0, 1023.0), (1035.0, 1037.0)],
        (1030.0, 1031.0),
    )
    assert "up and down" in criterion(drill.judged(), "harm").why


def _struck_again(folder: Path, failed: int = 0) -> RecordedDrill:
    """The fault strikes at 1010, goes, and strikes again at 1021, when the procedure runs from 1020 to 1024;
    users are served from 1026 on, for good: 34 s are asked about, 4,080 requests.
    """
    struck = RecordedDrill(folder, outages=[(INJECTED, 1013.0), (1021.0, 1026.0)], procedure=(1020.0, 1024.0))
    struck.started = {"faults": [{"fault": FAULT, "comes_and_goes": True}]}
    first = struck.index_at(1027.0)
    struck.failing = {first + 280 * number for number in range(failed)}
    return struck


def test_what_a_fault_that_comes_and_goes_does_again_is_not_the_procedures_harm(tmp_path: Path) -> None:
    struck = _struck_again(tmp_path / "drill")
    found = criterion(struck.judged(), "harm")
    assert (found.verdict, found.samples, found.value) == ("pass", 4080, 0.0)
    struck.started = {"faults": [{"fault": FAULT}]}
    assert criterion(struck.judged(), "harm").verdict == "fail"


@pytest.mark.parametrize(
    ("failed", "outcome"), [(0, "pass"), (1, "inconclusive"), (11, "inconclusive"), (12, "fail")]
)
def test_what_the_procedure_leaves_behind_is_harm_and_turns_at_one_request(
    tmp_path: Path, failed: int, outcome: str
) -> None:
    found = criterion(_struck_again(tmp_path / "drill", failed).judged(), "harm")
    assert (found.verdict, found.samples, found.interval) == (outcome, 4080, rate_bounds(failed, 4080))


def test_it_is_asked_from_the_end_of_the_procedure_where_users_are_served_then(tmp_path: Path) -> None:
    struck = _struck_again(tmp_path / "drill")
    struck.outages = [(INJECTED, 1013.0), (1021.0, 1023.0)]
    struck.failing = {struck.index_at(1023.9)}
    assert criterion(struck.judged(), "harm").samples == 36 * PER_SECOND
    struck.outages, struck.failing = [], {struck.index_at(1024.0)}
    found = criterion(struck.judged(), "harm")
    assert (found.samples, found.value) == (36 * PER_SECOND, 1 / (36 * PER_SECOND))


def test_users_who_are_lost_after_the_procedure_are_nobodys_in_particular(tmp_path: Path) -> None:
    struck = _struck_again(tmp_path / "drill")
    struck.outages.append((1035.0, 1037.0))
    found = criterion(struck.judged(), "harm")
    assert (found.verdict, "out again after the procedure had ended" in found.why) == ("inconclusive", True)
    struck.outages = [(INJECTED, 1013.0), (1021.0, END)]
    found = criterion(struck.judged(), "harm")
    assert (found.verdict, "out when the procedure ended" in found.why) == ("inconclusive", True)
    struck.outages, struck.procedure = [(INJECTED, 1013.0)], (1020.0, None)
    found = criterion(struck.judged(), "harm")
    assert (found.verdict, "the procedure has not ended" in found.why) == ("inconclusive", True)
    struck.procedure = None
    assert criterion(struck.judged(), "harm").why == "the drill has no procedure: nobody acted"


def test_what_was_left_behind_and_not_measured_whole_does_not_pass(tmp_path: Path) -> None:
    struck = _struck_again(tmp_path / "drill")
    struck.absent = {struck.index_at(1022.0)}
    assert criterion(struck.judged(), "harm").verdict == "pass"
    struck.absent = {struck.index_at(1030.0)}
    assert criterion(struck.judged(), "harm").verdict == "inconclusive"


def test_harm_takes_failures_to_come_in_bursts_as_in_calibration(tmp_path: Path) -> None:
    healed = _healed_before_anyone_acted(tmp_path / "drill", 0)
    healed.started = {"calibration": {"dispersion": 4.0}}
    found = criterion(healed.judged(), "harm")
    assert found.interval == rate_bounds(0, 4920, 4.0)
    assert found.why.endswith("failures taken to come in bursts as in calibration (dispersion 4)")


def test_harm_that_was_not_measured_whole_does_not_pass(tmp_path: Path) -> None:
    healed = _healed_before_anyone_acted(tmp_path / "drill", 0)
    healed.absent = {healed.index_at(1019.5)}
    found = criterion(healed.judged(), "harm")
    assert (found.verdict, "1 planned requests unmeasured" in found.why) == ("inconclusive", True)
    assert END - BACK > AFTER_SECONDS


# what was measured of which pod


@pytest.mark.parametrize(
    ("since", "why"),
    [
        (1038, "30.0% of the CPU limit on average over 2 pods"),
        (1040, "40 s of 68 s that pods ran were measured, less than 60%"),
        (1050, "20 s of 68 s that pods ran were measured, less than 60%"),
    ],
)
def test_cpu_needs_most_of_the_time_that_all_pods_ran(drill: RecordedDrill, since: float, why: str) -> None:
    """Two pods of which nothing is known, until others take their place: 32 s each, and half a sample's time
    at either end."""
    _resample(
        drill,
        lambda at, pods: [
            pod if at >= since else pod | NOT_MEASURED | {"pod": f"old-{pod['pod']}"} for pod in pods
        ],
    )
    assert criterion(drill.judged(), "cpu").why == why


def test_sixty_percent_of_the_time_exactly_is_enough(drill: RecordedDrill) -> None:
    """42 s of 70 s."""
    drill.sample_every = 1.0
    _resample(
        drill,
        lambda at, pods: [
            pod if at >= 1039 else pod | NOT_MEASURED | {"pod": f"old-{pod['pod']}"} for pod in pods
        ],
    )
    assert criterion(drill.judged(), "cpu").verdict == "pass"


def test_pods_of_which_nothing_was_measured_are_named(drill: RecordedDrill) -> None:
    _resample(drill, lambda at, pods: [pod | NOT_MEASURED for pod in pods])
    found = criterion(drill.judged(), "cpu")
    assert (found.why, found.samples) == (
        "the use of novel-engine-a, novel-engine-b was not measured",
        18,
    )


def test_a_share_is_that_of_each_pods_own_limit(drill: RecordedDrill) -> None:
    _resample(
        drill,
        lambda at, pods: [
            pods[0],
            pods[1] | {"cpu_limit_cores": 1.0, "memory_bytes": 0.2 * pods[1]["memory_limit_bytes"]},
        ],
    )
    verdict = drill.judged()
    assert criterion(verdict, "cpu").value == pytest.approx(0.225)
    assert criterion(verdict, "memory").value == pytest.approx(0.5)


def test_a_pod_that_restarts_counts_from_its_restart_on(drill: RecordedDrill) -> None:
    _resample(
        drill,
        lambda at, pods: [
            pod | {"cpu_seconds": pod["cpu_seconds"] - (0.0 if at < 1040 else 5.0)} for pod in pods
        ],
    )
    assert criterion(drill.judged(), "cpu").value == pytest.approx(0.3)


def test_who_ran_is_who_was_measured_where_the_recording_does_not_say(drill: RecordedDrill) -> None:
    samples = drill._samples
    drill._samples = lambda: [  # type: ignore[method-assign]
        (at, kind, {"pods": data["pods"]}) for at, kind, data in samples()
    ]
    verdict = drill.judged()
    assert (criterion(verdict, "cpu").verdict, criterion(verdict, "memory").verdict) == ("pass", "pass")


@pytest.mark.parametrize(
    ("blind", "why"),
    [
        (lambda at: at == 1060, "in 1 of 18 samples a pod was not measured, novel-engine-b in the last one"),
        (lambda at: at < 1042, "in 8 of 18 samples a pod was not measured"),
        (
            lambda at: at < 1040,
            "the fullest pod used 50.0% of its memory limit in the last part of the window",
        ),
    ],
)
def test_memory_needs_all_pods_in_most_samples_and_in_the_last(
    drill: RecordedDrill, blind: Any, why: str
) -> None:
    _resample(drill, lambda at, pods: [pods[0], pods[1] | (NOT_MEASURED if blind(at) else {})])
    assert criterion(drill.judged(), "memory").why == why


def test_all_pods_that_were_not_measured_in_the_last_sample_are_named(drill: RecordedDrill) -> None:
    _resample(drill, lambda at, pods: [pod | (NOT_MEASURED if at == 1060 else {}) for pod in pods])
    found = criterion(drill.judged(), "memory")
    assert found.why.endswith("not measured, novel-engine-a, novel-engine-b in the last one")


@pytest.mark.parametrize(
    ("share", "outcome", "says"),
    [
        (lambda moment: 0.8 if moment == 1054 else 0.7, "inconclusive", ", at times 80.0%"),
        (lambda moment: 0.74 + 0.04 * (moment - 1025) / 35, "pass", ""),
        (
            lambda moment: 0.72 + 0.06 * (moment - 1025) / 35,
            "inconclusive",
            ", and rises to 83% in another 35 s",
        ),
        (lambda moment: 0.60 + 0.06 * (moment - 1025) / 35, "pass", ""),
        (lambda moment: 0.72 - 0.06 * (moment - 1025) / 35, "pass", ""),
    ],
)
def test_memory_that_rises_by_more_than_a_twentieth_may_not_reach_its_limit_within_another_window(
    drill: RecordedDrill, share: Any, outcome: str, says: str
) -> None:
    drill.memory_share = share
    found = criterion(drill.judged(), "memory")
    assert (found.verdict, found.why.partition("last part of the window")[2]) == (outcome, says)


def test_memory_is_that_of_the_last_third_of_the_window(drill: RecordedDrill) -> None:
    """34 s were sampled: the last third begins at 1048.67."""
    for moment, value in ((1048.0, 0.2), (1050.0, 0.25)):
        drill.memory_share = lambda at, moment=moment: 0.5 if at == moment else 0.2  # type: ignore[misc]
        assert criterion(drill.judged(), "memory").value == pytest.approx(value)


def test_the_last_third_is_counted_from_the_first_sample(drill: RecordedDrill) -> None:
    _resample(drill, lambda at, pods: None if 1027 < at < 1039 else pods)
    drill.memory_share = lambda moment: 0.5 if moment == 1050 else 0.2
    assert criterion(drill.judged(), "memory").value == pytest.approx(0.25)


def test_a_window_of_less_than_a_second_is_measured_like_a_long_one(drill: RecordedDrill) -> None:
    drill.end, drill.sample_every = BACK + HOLD_SECONDS + 0.4, 0.125
    found = criterion(drill.judged(), "cpu")
    assert (found.verdict, found.samples) == ("pass", 4)


def test_memory_of_a_window_with_few_samples_is_that_of_the_last_three(drill: RecordedDrill) -> None:
    drill.sample_every = 11.0  # at 1033, 1044 and 1055
    drill.memory_share = lambda moment: 0.6 if moment == 1033 else 0.3
    found = criterion(drill.judged(), "memory")
    assert (found.value, found.samples) == (pytest.approx(0.4), 3)


def test_queries_of_all_pods_count_by_their_number(drill: RecordedDrill) -> None:
    samples = drill._samples

    def uneven() -> list[tuple[float, str, dict[str, Any]]]:
        return [
            (
                at,
                kind,
                {"pods": [data["pods"][0], data["pods"][1] | {"seconds": 0.0}]}
                if kind == "sample.database"
                else data,
            )
            for at, kind, data in samples()
        ]

    drill._samples = uneven  # type: ignore[method-assign]
    found = criterion(drill.judged(), "database")
    assert (found.value, found.samples) == (pytest.approx(0.002), 4080)
    assert found.why == "a query took 2.00 ms on average"
