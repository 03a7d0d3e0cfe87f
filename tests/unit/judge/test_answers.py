"""The sentences that people read, with their numbers, and the seconds at which one turns into another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recorded_drill import (
    BACK,
    END,
    FAULT,
    INJECTED,
    PER_SECOND,
    RecordedDrill,
    command,
    criterion,
)

from drill.judge import Criterion, DrillVerdict
from drill.judge.criteria import CRITERIA
from drill.judge.criteria.question import Answer, guarded

OUT = 2000.0
NO_DISPERSION = "failures taken as independent: no calibration"


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


def _answer(drill: RecordedDrill, name: str) -> tuple[str, str]:
    found = criterion(drill.judged(), name)
    return found.verdict, found.why


def _stays_out(verdict: DrillVerdict) -> Criterion:
    assert verdict.stays_out is not None
    return verdict.stays_out


# what a criterion says of itself


def test_a_criterion_carries_its_title_limit_and_unit_whatever_it_answers(drill: RecordedDrill) -> None:
    asked = {each.name: (each.title, each.limit, each.unit) for each in drill.judged().criteria}
    assert asked == {
        "recovered": ("Users served again", 900.0, "s"),
        "procedure": ("Commands that failed", 0.0, "commands"),
        "harm": ("Users left undisturbed", None, "ratio"),
        "response_time": ("Response time", 0.5, "s"),
        "error_rate": ("Error rate", 0.001, "ratio"),
        "cpu": ("CPU usage, average", 0.7, "ratio"),
        "memory": ("Memory usage, of the limit", 0.8, "ratio"),
        "database": ("Database response, average", 0.05, "s"),
        "writes": ("Acknowledged writes lost", 0.0, "writes"),
        "data_age": ("Age of the restored data", None, "s"),
    }


def test_a_criterion_that_the_runbook_gives_no_limit_has_the_unit_of_its_own(drill: RecordedDrill) -> None:
    drill.limits = {}
    asked = {
        each.name: (each.verdict, each.limit, each.unit, each.source) for each in drill.judged().criteria
    }
    assert asked["cpu"] == ("not applicable", None, "ratio", "")
    assert asked["writes"] == ("pass", 0.0, "writes", "")
    assert asked["recovered"] == ("inconclusive", None, "s", "")


@pytest.mark.parametrize(
    ("lacks", "name", "why"),
    [
        (["writes", "backup"], "data_age", "the target has no writes and no backup"),
        (["backup", "writes"], "data_age", "the target has no writes and no backup"),
        (["metrics"], "database", "the target has no metrics"),
        (["database"], "database", "the target has no database"),
        (["resources"], "memory", "the target has no resources"),
        (["resources"], "cpu", "the target has no resources"),
        (["writes"], "writes", "the target has no writes"),
    ],
)
def test_what_the_target_lacks_is_named(drill: RecordedDrill, lacks: list[str], name: str, why: str) -> None:
    drill.started = {"lacks": lacks, "restores": True}
    assert _answer(drill, name) == ("not applicable", why)


@pytest.mark.parametrize("name", ["response_time", "error_rate", "cpu", "memory", "database"])
def test_without_a_window_after_nothing_is_said_of_it(drill: RecordedDrill, name: str) -> None:
    drill.outages = [(INJECTED, OUT)]
    assert _answer(drill, name) == (
        "inconclusive",
        "users were not served for long enough, so there is no window after",
    )


@pytest.mark.parametrize("name", ["writes", "data_age"])
def test_what_is_out_of_reach_is_not_lost(drill: RecordedDrill, name: str) -> None:
    drill.outages, drill.started = [(INJECTED, OUT)], {"restores": True}
    assert _answer(drill, name) == (
        "inconclusive",
        "users are out, so what is absent cannot be told from what is out of reach",
    )


def test_several_unmeasured_stretches_are_told_by_the_first_and_their_number(drill: RecordedDrill) -> None:
    drill.absent = drill.indexes(1030.0, 1031.0) | drill.indexes(1040.0, 1040.5) | {drill.index_at(1050.0)}
    verdict, why = _answer(drill, "error_rate")
    assert verdict == "inconclusive"
    assert why == (
        "181 planned requests unmeasured from +20.0 s to +21.0 s and in 2 more stretches (no record); "
        f"of the rest: 0 of 4019 requests failed; {NO_DISPERSION}"
    )


def test_a_failure_that_was_measured_stands_and_a_pass_that_was_not_does_not() -> None:
    for verdict, guarded_verdict in (("pass", "inconclusive"), ("inconclusive", "inconclusive")):
        answer = Answer(verdict, "so", 1.0)  # type: ignore[arg-type]
        assert guarded(answer, "gap") == Answer(guarded_verdict, "gap; of the rest: so", 1.0)  # type: ignore[arg-type]
        assert guarded(answer, "") is answer
    failed = Answer("fail", "so")
    assert guarded(failed, "gap") is failed


@pytest.mark.parametrize(
    ("moment", "verdict"),
    [(INJECTED - 0.1, "pass"), (INJECTED, "pass"), (BACK - 1.0, "pass"), (BACK, "inconclusive")],
)
def test_what_was_not_measured_within_the_outage_casts_no_doubt_on_its_end(
    drill: RecordedDrill, moment: float, verdict: str
) -> None:
    drill.absent = {drill.index_at(moment)}
    assert criterion(drill.judged(), "recovered").verdict == verdict


def test_the_last_moment_of_an_outage_must_have_been_measured(drill: RecordedDrill) -> None:
    """The request before the first good one is absent: users may have been served a moment sooner."""
    drill.absent = {drill.index_at(BACK) - 1}
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.value) == ("pass", pytest.approx(10.0))
    drill.absent = {drill.index_at(BACK), drill.index_at(BACK) + 1}
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.value) == ("inconclusive", pytest.approx(10.0 + 2 / PER_SECOND))
    assert found.why == (
        "2 planned requests unmeasured from +10.0 s to +10.0 s (no record); as far as seen, users were "
        "served again 10.0 s after the fault"
    )


# recovered


def test_users_who_were_never_out_have_nothing_to_recover_from(drill: RecordedDrill) -> None:
    drill.outages = []
    verdict = drill.judged()
    assert _answer(drill, "recovered") == ("not applicable", "users were never out: no request failed")
    assert (_stays_out(verdict).verdict, _stays_out(verdict).why) == (
        "not applicable",
        "users were never out",
    )
    drill.failing = {drill.index_at(INJECTED) - 1, drill.index_at(INJECTED), 7199}
    assert _answer(drill, "recovered") == (
        "not applicable",
        "users were never out: 3 requests failed, no more than the limit allows",
    )
    drill.failing, drill.absent = set(), {drill.index_at(1030.0)}
    assert _answer(drill, "recovered") == (
        "inconclusive",
        "no outage was seen, but 1 planned requests unmeasured from +20.0 s to +20.0 s (no record)",
    )


def test_without_a_fault_there_is_nothing_to_recover_from(drill: RecordedDrill) -> None:
    drill.started, drill.injected = {"faults": []}, None
    assert _answer(drill, "recovered") == (
        "not applicable",
        "no fault was injected, so there is nothing to recover from",
    )


def test_staying_out_is_a_statement_of_its_own(drill: RecordedDrill) -> None:
    found = _stays_out(drill.judged())
    assert (found.name, found.title, found.unit) == ("stays out", "The service stays out", "s")
    assert (found.verdict, found.value, found.why) == (
        "fail",
        None,
        "users were served again 10.0 s after the fault",
    )
    drill.outages = [(INJECTED, OUT)]
    found = _stays_out(drill.judged())
    assert (found.verdict, found.value, found.why) == (
        "pass",
        pytest.approx(50.0),
        "users were out for the last 50.0 s that were watched",
    )
    drill.on_its_way = ["rollout of b", "pod a"]
    found = _stays_out(drill.judged())
    assert (found.verdict, found.value, found.why) == (
        "inconclusive",
        pytest.approx(50.0),
        "users are out, but still on its way is: pod a, rollout of b",
    )
    drill.end = 1040.0
    found = _stays_out(drill.judged())
    assert (found.verdict, found.value, found.why) == (
        "inconclusive",
        pytest.approx(30.0),
        "users are out, and were watched for 24.0 s only since the procedure ended, of 30 s",
    )


def test_still_out_says_for_how_long_and_on_how_many_requests(drill: RecordedDrill) -> None:
    drill.outages = [(1012.0, 1014.0), (1025.0, OUT)]
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.value, found.samples) == ("fail", None, 50 * PER_SECOND)
    assert found.why == (
        "users are still out 50.0 s after the fault, having been out 2 times for 37.0 s altogether, and "
        "nothing in the cluster is on its way"
    )
    drill.on_its_way = None
    assert criterion(drill.judged(), "recovered").why == (
        "users are still out 50.0 s after the fault, having been out 2 times for 37.0 s altogether; whether "
        "anything in the cluster was on its way was not recorded"
    )


def test_the_time_is_up_at_the_limit_itself_and_as_far_as_was_measured(drill: RecordedDrill) -> None:
    drill.outages, drill.on_its_way = [(INJECTED, OUT)], ["pod a"]
    last = (END - 1 / PER_SECOND) - INJECTED
    drill.limits["recovered"]["value"] = last
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.samples) == ("fail", 50 * PER_SECOND)
    drill.limits["recovered"]["value"] = last + 0.001
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.samples) == ("inconclusive", 50 * PER_SECOND)
    drill.limits["recovered"]["value"], drill.absent = 30.0, {drill.index_at(1030.0)}
    assert criterion(drill.judged(), "recovered").verdict == "inconclusive"
    drill.absent = {drill.index_at(1005.0)}
    assert criterion(drill.judged(), "recovered").verdict == "fail"


def test_without_a_limit_an_outage_is_never_too_long(drill: RecordedDrill) -> None:
    drill.outages, drill.on_its_way = [(INJECTED, OUT)], ["pod a"]
    del drill.limits["recovered"]
    assert _answer(drill, "recovered") == (
        "inconclusive",
        "users are still out 50.0 s after the fault; still on its way: pod a",
    )


def test_a_recording_that_ends_in_the_procedure_says_so(drill: RecordedDrill) -> None:
    drill.outages, drill.procedure = [(INJECTED, OUT)], (1012.0, None)
    why = "users are out, and the recording ends before the procedure did"
    found = criterion(drill.judged(), "recovered")
    assert (found.verdict, found.why, found.samples) == ("inconclusive", why, 50 * PER_SECOND)
    assert _answer(drill, "procedure") == ("inconclusive", "the recording ends before the procedure did")


@pytest.mark.parametrize(
    ("good", "why"),
    [
        (599, "users were served for the last 5.0 s, too short to tell (5 s)"),
        (300, "users were served for the last 2.5 s, too short to tell (5 s)"),
        (299, "users are still out 50.0 s after the fault, and nothing in the cluster is on its way"),
    ],
)
def test_users_served_for_half_a_hold_may_be_back(drill: RecordedDrill, good: int, why: str) -> None:
    drill.outages = [(INJECTED, drill.planned()[7200 - good])]
    assert criterion(drill.judged(), "recovered").why == why


@pytest.mark.parametrize(
    ("relapse", "why"),
    [
        (1029.0, ""),
        (1032.0, "users are out, and were watched for 28.0 s only since users were lost again, of 30 s"),
    ],
)
def test_patience_begins_anew_with_a_relapse(drill: RecordedDrill, relapse: float, why: str) -> None:
    drill.outages = [(INJECTED, 1012.0), (relapse, OUT)]
    found = criterion(drill.judged(), "recovered")
    assert found.verdict == ("inconclusive" if why else "fail")
    assert why in found.why


def test_patience_of_a_drill_that_was_witnessed_last_begins_with_the_witness(drill: RecordedDrill) -> None:
    drill.outages, drill.procedure = [(INJECTED, OUT)], (1010.1, 1010.2)
    drill.end = 1036.0
    assert criterion(drill.judged(), "recovered").why == (
        "users are out, and were watched for 25.5 s only since the fault was witnessed, of 30 s"
    )


def test_patience_is_not_spent_while_nothing_is_measured(drill: RecordedDrill) -> None:
    """Patience of 30 s since 1016; half a second is given."""
    drill.outages = [(INJECTED, OUT)]
    drill.absent = drill.indexes(1015.0, 1017.0) | drill.indexes(1025.0, 1030.0) | drill.indexes(1055.0, OUT)
    assert criterion(drill.judged(), "recovered").why == (
        "users are still out 50.0 s after the fault, and nothing in the cluster is on its way"
    )
    drill.absent |= drill.indexes(1030.0, 1034.0)
    assert criterion(drill.judged(), "recovered").why == (
        "users are out, and were watched for 29.0 s only since the procedure ended, of 30 s, less 15.0 s: "
        "1920 planned requests unmeasured from +5.0 s to +7.0 s and in 2 more stretches (no record)"
    )


@pytest.mark.parametrize(
    ("look", "counts"), [(1054.9, False), (1055.0, True), (1060.5, True), (1060.6, False)]
)
def test_what_is_on_its_way_is_that_of_the_last_five_seconds(
    drill: RecordedDrill, look: float, counts: bool
) -> None:
    drill.outages, drill.extra = [(INJECTED, OUT)], [(look, "cluster.progress", {"on_its_way": ["b", "a"]})]
    drill.extra.append((1059.0, "cluster.progress", {"on_its_way": ["a"]}))
    drill.on_its_way = None
    drill.extra.append((1050.0, "cluster.progress", {"on_its_way": ["c"]}))
    assert criterion(drill.judged(), "recovered").why.endswith(
        "still on its way: a, b" if counts else "still on its way: a"
    )


# the procedure


def test_a_procedure_that_worked_says_how_many_commands_it_ran(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "a"), command(53, "b")]
    found = criterion(drill.judged(), "procedure")
    assert (found.verdict, found.why) == ("pass", "all 2 commands ended as they should")
    assert (found.value, found.samples) == (0.0, 2)
    drill.procedure = None
    assert _answer(drill, "procedure") == ("not applicable", "the drill has no procedure: nobody acted")


def test_a_procedure_without_a_command_says_so(drill: RecordedDrill) -> None:
    drill.commands = []
    found = criterion(drill.judged(), "procedure")
    assert (found.why, found.samples) == ("the procedure ended without a command having been run", 0)


def test_missing_tools_are_named_in_order_and_each_once(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "terraform plan", 127), command(53, "aws s3 ls", 127)]
    drill.missing_tools = ["terraform", "aws", "terraform"]
    found = criterion(drill.judged(), "procedure")
    assert (found.verdict, found.why, found.samples) == (
        "inconclusive",
        "not on this machine: aws, terraform",
        2,
    )
    # a missing tool excuses a command that was not found, not one that failed
    drill.commands[0] = command(52, "terraform plan", 1)
    assert _answer(drill, "procedure") == ("fail", "line 52: `terraform plan` ended with status 1")


def test_a_hung_command_says_how_long_it_was_waited_for(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "a", 0, hung=True, started=1015.0, finished=1013.0)]
    assert _answer(drill, "procedure") == ("fail", "line 52: `a` hung, and was ended after 0 s")


def test_a_procedure_that_failed_as_a_whole_fails_once(drill: RecordedDrill) -> None:
    drill.procedure_status = 1
    found = criterion(drill.judged(), "procedure")
    assert (found.verdict, found.value, found.samples) == ("fail", 1.0, 1)
    assert found.why == "every command ended with status 0, but the procedure itself with 1"


# harm


def _healed(folder: Path, procedure: tuple[float, float] = (1019.0, 1020.0)) -> RecordedDrill:
    return RecordedDrill(folder / "drill", outages=[(INJECTED, 1013.0)], procedure=procedure)


def test_harm_says_of_which_requests_it_speaks(tmp_path: Path) -> None:
    healed = _healed(tmp_path)
    found = criterion(healed.judged(), "harm")
    assert found.why == (
        f"0 of 4920 requests failed from the start of the procedure to the end of watching; {NO_DISPERSION}"
    )
    assert (found.limit, found.source) == (0.001, "operations-runbook.md:547")
    healed.outages.append((1030.0, 1031.0))
    found = criterion(healed.judged(), "harm")
    assert (found.verdict, found.value, found.samples) == ("fail", pytest.approx(120 / 4920), 4920)
    assert found.why.startswith("users were out; 120 of 4920 requests failed from the start of the procedure")


@pytest.mark.parametrize(("begun", "asked"), [(1017.9, False), (1018.0, True)])
def test_harm_is_asked_once_users_have_been_served_for_a_hold(
    tmp_path: Path, begun: float, asked: bool
) -> None:
    verdict, why = _answer(_healed(tmp_path, (begun, begun + 1)), "harm")
    assert (verdict != "not applicable") is asked
    assert asked or why == "users were not yet served again when the operator began"


def test_harm_is_not_asked_of_a_service_that_went_up_and_down_before(tmp_path: Path) -> None:
    loop = _healed(tmp_path, (1035.0, 1036.0))
    loop.outages.append((1019.0, 1020.0))
    assert _answer(loop, "harm") == (
        "not applicable",
        "the service was going up and down before the operator began",
    )


@pytest.mark.parametrize(("begun", "asked"), [(1015.5, False), (1015.6, True)])
def test_harm_is_not_asked_before_users_could_have_noticed_the_fault(
    tmp_path: Path, begun: float, asked: bool
) -> None:
    """Witnessed at 1010.5, and a hold is 5 s: an outage from 1020 on may be the fault's."""
    late = RecordedDrill(tmp_path / "drill", outages=[(1020.0, 1025.0)], procedure=(begun, begun + 1))
    verdict, why = _answer(late, "harm")
    assert verdict == ("fail" if asked else "not applicable")
    assert asked or why == "users had not yet noticed the fault when the operator began"
    late.started = {"faults": [{"fault": FAULT, "felt": "latent"}]}
    assert criterion(late.judged(), "harm").verdict == "fail"


def test_harm_of_a_drill_without_a_fault_is_asked_from_its_beginning(drill: RecordedDrill) -> None:
    drill.started, drill.injected, drill.procedure, drill.outages = {"faults": []}, None, None, []
    drill.extra = [
        (1005.0, "window.closed", {"window": "before"}),
        (1005.0, "window.opened", {"window": "after"}),
    ]
    drill.failing = {drill.index_at(1004.0), drill.index_at(1030.0)}
    found = criterion(drill.judged(), "harm")
    assert found.why == (
        f"1 of 6600 requests failed although nothing was broken to the end of watching; {NO_DISPERSION}"
    )
    assert found.value == pytest.approx(1 / 6600)


# writes


def _audit(absent: int = 0, **changed: Any) -> dict[str, Any]:
    lost = [{"id": f"w{number}", "acknowledged_at": 1015.0} for number in range(absent)]
    return {"acknowledged": 900, "checked": 900, "absent": lost, "newest_survivor_at": 1009.0} | changed


def test_lost_writes_are_told_with_those_that_may_be_lost(drill: RecordedDrill) -> None:
    drill.audit = _audit()
    found = criterion(drill.judged(), "writes")
    assert (found.verdict, found.why) == ("pass", "0 of 900 acknowledged writes are absent")
    assert (found.value, found.samples) == (0.0, 900)
    drill.audit, drill.started, drill.backup = _audit(3), {"restores": True}, (1004.0, 1004.5)
    found = criterion(drill.judged(), "writes")
    assert (found.verdict, found.why, found.value) == (
        "pass",
        "3 of 900 acknowledged writes are absent, 3 of them as the restored backup may",
        0.0,
    )
    drill.audit["absent"][0]["acknowledged_at"] = 1003.0
    found = criterion(drill.judged(), "writes")
    assert (found.verdict, found.why, found.value) == (
        "fail",
        "3 of 900 acknowledged writes are absent, 2 of them as the restored backup may",
        1.0,
    )


@pytest.mark.parametrize(
    ("audit", "why", "samples"),
    [
        (None, "the writes were not audited", 0),
        (_audit(acknowledged=0, checked=0), "no write was acknowledged, so none could be lost", 0),
        (_audit(checked=899), "only 899 of 900 acknowledged writes could be looked for", 899),
    ],
)
def test_writes_that_tell_nothing_say_why(
    drill: RecordedDrill, audit: dict[str, Any] | None, why: str, samples: int
) -> None:
    drill.audit = audit
    found = criterion(drill.judged(), "writes")
    assert (found.verdict, found.why, found.samples) == ("inconclusive", why, samples)


def test_the_age_of_data_is_told(drill: RecordedDrill) -> None:
    drill.started, drill.audit = {"restores": True}, _audit(newest_survivor_at=1003.5)
    found = criterion(drill.judged(), "data_age")
    assert found.why == "the newest write that survived is 6.5 s older than the fault"
    assert (found.limit, found.samples) == (21600.0, 900)
    drill.audit = _audit(newest_survivor_at=1015.0)
    assert criterion(drill.judged(), "data_age").value == 0.0
    drill.audit = None
    assert _answer(drill, "data_age") == ("inconclusive", "the writes were not audited")
    drill.started = {"restores": True, "control": True}
    assert _answer(drill, "data_age") == ("not applicable", "no backup is restored in this drill")
    drill.started = {"restores": False}
    assert _answer(drill, "data_age") == ("not applicable", "no backup is restored in this drill")


@pytest.mark.parametrize(
    ("there", "survived", "why"),
    [
        (
            None,
            None,
            "no write that survived could be dated, and the target does not say when rows from before the "
            "drill were written (row_times); the data is at least 5.0 s old",
        ),
        ((9.0, 40.0), (None,), "no row from before the fault survived; the data is at least 40.0 s old"),
        (
            (9.0, 40.0),
            (60.0,),
            "the newest row that survived is 60.0 s older than the fault, the oldest that is known to be "
            "lost 40.0 s",
        ),
        (
            None,
            (60.0,),
            "the newest row that survived is 60.0 s older than the fault, none is known to be lost",
        ),
        ((60.0, 60.0), (60.0,), "the newest row that survived is 60.0 s older than the fault, none is known"),
    ],
)
def test_the_age_of_rows_is_told_between_what_survived_and_what_is_lost(
    drill: RecordedDrill,
    there: tuple[float, float] | None,
    survived: tuple[float | None] | None,
    why: str,
) -> None:
    lost_at = 1005.0 if survived is None else 1020.0
    absent = [{"id": "w", "acknowledged_at": lost_at}]
    drill.started, drill.audit = (
        {"restores": True},
        _audit(absent=0, newest_survivor_at=None) | {"absent": absent},
    )
    part = {"part": "database"}
    if there is not None:
        walls = {"newest_wall": 1e6 - there[0], "overdue_wall": 1e6 - there[1]}
        drill.extra.append((1002.0, "rows.there", part | walls))
    if survived is not None:
        wall = None if survived[0] is None else 1e6 - survived[0]
        drill.extra.append((1061.5, "rows.survived", part | {"fault_wall": 1e6, "newest_wall": wall}))
    assert criterion(drill.judged(), "data_age").why.startswith(why)


def test_the_criteria_are_asked_in_their_order(drill: RecordedDrill) -> None:
    assert [each.name for each in drill.judged().criteria] == [question.name for question in CRITERIA]
