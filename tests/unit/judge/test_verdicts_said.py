"""What a verdict carries besides its criteria: who earned credit and why, what was changed, what cannot be
told, and what a drill that came to nothing still says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from recorded_drill import BACK, FAULT, INJECTED, RecordedDrill, command, criterion

from drill.errors import UsageError
from drill.judge import Change, DrillVerdict, Unmeasured, judge, judge_credit, with_credits
from drill.judge.case import Case
from drill.judge.credit import conclusive_control, watched_long_enough
from drill.judge.verdict import CommandRun, Criterion, FaultSeen, Outage, RequestCount
from drill.recording.events import BackupMade, CommandFinished, WritesAudited

OUT = 2000.0


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


# credit, by verdicts alone

STAYS_OUT = Criterion("stays out", "pass", why="users were out for the last 60.0 s that were watched")


def _verdict(**changed: Any) -> DrillVerdict:
    """A drill whose users were out for 10 s, and served again after a change of the operator's at 3 s."""
    made = DrillVerdict(
        drill="d",
        feature="",
        scenario="",
        tags=[],
        severity="P0",
        faults=[FaultSeen("f")],
        procedures=["p"],
        expected="pass",
        verdict="pass",
        why="so",
        control=False,
        criteria=[Criterion("cpu", "fail"), Criterion("recovered", "pass")],
        phases=[],
        credit="not measured",
        writes=None,
        requests=RequestCount(),
        commands=[],
        evidence="",
        watched_seconds=60.0,
        procedure_started_seconds=2.0,
        recovered_seconds=10.0,
        outages=[Outage("failed", 0.0, 10.0)],
        changes=[Change("patch", "deployments/a", 3.0)],
    )
    return msgspec.structs.replace(made, **changed)


def _control(took: float | None, **changed: Any) -> DrillVerdict:
    still_out = {} if took is not None else {"stays_out": STAYS_OUT, "verdict": "fail"}
    control = {"control": True, "procedure_started_seconds": None, "recovered_seconds": took, "changes": []}
    return _verdict(**control | still_out | changed)


@pytest.mark.parametrize(
    ("changed", "credit", "why"),
    [
        ({"verdict": "setup"}, "not measured", "the drill is setup"),
        ({"verdict": "not applicable"}, "not measured", "the drill is not applicable"),
        ({"faults": []}, "not measured", "users were never out, so nothing was repaired"),
        ({"outages": []}, "not measured", "users were never out, so nothing was repaired"),
        (
            {"recovered_seconds": None, "stays_out": STAYS_OUT},
            "nobody",
            "users were out for the last 60.0 s that were watched",
        ),
        (
            {"recovered_seconds": None, "stays_out": msgspec.structs.replace(STAYS_OUT, verdict="fail")},
            "not measured",
            "whether users were served again is not known",
        ),
        ({"recovered_seconds": None}, "not measured", "whether users were served again is not known"),
        (
            {"criteria": [Criterion("recovered", "inconclusive")]},
            "not measured",
            "the time of recovery is inconclusive",
        ),
        (
            {"procedure_started_seconds": 10.1},
            "platform",
            "users were served again after 10.0 s, before anyone acted",
        ),
        (
            {"procedure_started_seconds": None},
            "platform",
            "users were served again after 10.0 s, before anyone acted",
        ),
        (
            {"procedure_started_seconds": None, "flapping": True},
            "not measured",
            "the service was going up and down",
        ),
        (
            {"procedure_started_seconds": 10.1, "flapping": True},
            "not measured",
            "the service was going up and down",
        ),
        (
            {"changes": None},
            "not measured",
            "no audit log of the cluster was read, so no cause can be shown",
        ),
        (
            {"changes": [Change("patch", "a", 1.9), Change("patch", "a", 10.1)]},
            "not measured",
            "the procedure changed nothing before users were served again",
        ),
        (
            {"procedure_started_seconds": 10.0, "changes": [Change("patch", "a", 10.0)]},
            "runbook",
            "10.0 s with the procedure; the platform alone: still out after 60.0 s; the last change before "
            "users were served: patch a",
        ),
        (
            {"changes": [Change("patch", "a", 2.0), Change("delete", "b", 9.0), Change("create", "c", 11.0)]},
            "runbook",
            "10.0 s with the procedure; the platform alone: still out after 60.0 s; the last change before "
            "users were served: delete b",
        ),
        # a service that went up and down before the operator repaired it
        (
            {"flapping": True},
            "runbook",
            "10.0 s with the procedure; the platform alone: still out after 60.0 s; the last change before "
            "users were served: patch deployments/a",
        ),
    ],
)
def test_the_credit_and_why(changed: dict[str, Any], credit: str, why: str) -> None:
    assert judge_credit(_verdict(**changed), [_control(None)]) == (credit, why)


@pytest.mark.parametrize(
    ("took", "alone", "credit"),
    [
        # the margin is 5 s, and a quarter of what the control took where that is more
        (10.0, 15.01, "runbook"),
        (10.0, 15.0, "too close to tell"),
        (10.0, 12.51, "too close to tell"),
        (10.0, 12.5, "platform"),
        (10.0, 1.0, "platform"),
        (75.0, 100.1, "runbook"),
        (75.0, 100.0, "too close to tell"),
        (87.4, 100.0, "too close to tell"),
        (87.5, 100.0, "platform"),
    ],
)
def test_a_difference_counts_beyond_the_margin(took: float, alone: float, credit: str) -> None:
    found, why = judge_credit(_verdict(recovered_seconds=took), [_control(alone)])
    told = f"{took:.1f} s with the procedure; the platform alone: {alone:.1f} s"
    assert found == credit
    assert why == told + (
        "; the last change before users were served: patch deployments/a" if credit == "runbook" else ""
    )


@pytest.mark.parametrize(
    ("took", "watched", "credit"),
    [
        (10.0, 15.0, "runbook"),
        (10.0, 14.9, "too close to tell"),
        (40.0, 50.0, "runbook"),
        (40.0, 49.9, "too close to tell"),
    ],
)
def test_a_control_that_stayed_out_counts_beyond_the_margin(took: float, watched: float, credit: str) -> None:
    drill, control = _verdict(recovered_seconds=took), _control(None, watched_seconds=watched)
    assert judge_credit(drill, [control])[0] == credit
    assert watched_long_enough(control, [_verdict(recovered_seconds=1.0), drill]) is (credit == "runbook")


def test_a_control_that_recovered_was_watched_for_long_enough() -> None:
    assert watched_long_enough(_control(9.0, watched_seconds=10.0), [_verdict(recovered_seconds=40.0)])
    out = _control(None, watched_seconds=1.0)
    assert watched_long_enough(out, [_verdict(recovered_seconds=None)])


@pytest.mark.parametrize(
    ("control", "conclusive"),
    [
        (_control(9.0), True),
        (_control(None), True),
        (_control(9.0, criteria=[Criterion("recovered", "fail")]), True),
        (_control(9.0, criteria=[Criterion("recovered", "inconclusive")]), False),
        (_control(9.0, criteria=[]), False),
        (_control(9.0, verdict="setup"), False),
        (_control(9.0, verdict="not applicable"), False),
        (_control(9.0, verdict="not noticed"), False),
        (_control(9.0, outages=[]), False),
        (_control(9.0, flapping=True), False),
        (_control(9.0, unreadable=["recording.jsonl:3"]), False),
        (_control(None, stays_out=None), False),
        (_control(None, stays_out=msgspec.structs.replace(STAYS_OUT, verdict="inconclusive")), False),
    ],
)
def test_a_control_is_conclusive_or_not(control: DrillVerdict, conclusive: bool) -> None:
    assert conclusive_control(control) is conclusive


@pytest.mark.parametrize(
    ("controls", "why"),
    [
        ([], "there is no control"),
        ([_control(9.0, verdict="setup", why="no pods")], "the control is not conclusive: no pods"),
        (
            [_control(9.0, verdict="setup", why="no pods"), _control(9.0, verdict="setup", why="no users")],
            "the control is not conclusive: no pods",
        ),
        (
            [_control(9.0, verdict="setup"), _control(9.0, flapping=True)],
            "in the control the service was going up and down, which tells nothing of who repaired it",
        ),
    ],
)
def test_without_a_conclusive_control_it_says_why(controls: list[DrillVerdict], why: str) -> None:
    assert judge_credit(_verdict(), controls) == ("not measured", why)


def test_controls_that_differ_are_all_told() -> None:
    assert judge_credit(_verdict(), [_control(9.0), _control(40.0)]) == (
        "too close to tell",
        "controls differ: 10.0 s with the procedure; the platform alone: 9.0 s, 40.0 s",
    )
    assert judge_credit(_verdict(), [_control(8.0), _control(9.0)]) == (
        "platform",
        "10.0 s with the procedure; the platform alone: 8.0 s, 9.0 s",
    )


def test_controls_count_for_drills_of_the_same_faults_and_have_no_credit_of_their_own() -> None:
    other = _verdict(faults=[FaultSeen("g")])
    control = _control(None)
    found = with_credits([_verdict(), control, other], [_control(40.0, faults=[FaultSeen("g")])])
    assert [each.credit for each in found] == ["runbook", "not measured", "runbook"]
    assert found[1] is control
    assert "still out" in found[0].credit_why
    assert "40.0 s" in found[2].credit_why


# the cause


def test_changes_are_told_with_their_moment_since_the_fault(drill: RecordedDrill) -> None:
    refused = {"verb": "patch", "object": "a", "code": 400}
    taken = {"verb": "create", "object": "b", "code": 399}
    drill.extra = [(1014.0, "cluster.changed", refused), (1012.5, "cluster.changed", taken)]
    assert drill.judged().changes == [
        Change("create", "b", 2.5),
        Change("patch", "deployments/novel-engine", 3.0),
    ]
    drill.started, drill.injected = {"faults": []}, None
    drill.outages = []
    drill.procedure = None
    assert [change.seconds for change in drill.judged().changes or []] == [1012.5, 1013.0]


def test_the_audit_log_is_there_when_one_reading_found_it(drill: RecordedDrill) -> None:
    drill.extra = [(1063.0, "changes.read", {"available": False, "why": "gone"})]
    assert drill.judged().changes == [Change("patch", "deployments/novel-engine", 3.0)]


def _came_back(drill: RecordedDrill) -> int | None:
    run = drill.judged().came_back_after
    return None if run is None else run.line


def test_service_came_back_after_the_command_that_had_begun_when_the_last_change_was_made(
    drill: RecordedDrill,
) -> None:
    drill.commands = [
        command(1, "a", started=1012.0, finished=1014.0),
        command(2, "b", started=1013.0, finished=1019.0),
        command(3, "c", started=1013.1, finished=1013.2),
    ]
    drill.changes = [1012.5, 1013.0, BACK + 0.1]
    assert _came_back(drill) == 2
    drill.changes = [1012.5]
    assert _came_back(drill) == 1
    drill.changes = [BACK]
    assert _came_back(drill) == 3
    drill.changes = [BACK + 0.1]
    assert _came_back(drill) is None


def test_without_an_audit_log_it_came_back_after_the_last_command_that_had_ended(
    drill: RecordedDrill,
) -> None:
    drill.changes = None
    drill.commands = [
        command(1, "a", started=1012.0, finished=BACK),
        command(2, "b", started=1013.0, finished=BACK + 0.1),
        command(3, "c", started=1011.0, finished=1012.0),
    ]
    assert _came_back(drill) == 1
    drill.commands = drill.commands[1:2]
    assert _came_back(drill) is None


def test_a_command_is_told_as_it_ran(drill: RecordedDrill) -> None:
    drill.commands = [
        command(52, "a", 3, hung=True, interrupted=True, started=1012.5, finished=1014.0),
        command(53, "b", started=1015.0, finished=1014.5),
    ]
    assert drill.judged().commands == [
        CommandRun(52, "a", 3, 1.5, True, True, 4.0),
        CommandRun(53, "b", 0, 0.0, False, False, 4.5),
    ]


# what was, and what cannot be told


def test_a_verdict_tells_the_whole_drill(drill: RecordedDrill) -> None:
    drill.absent = drill.indexes(1013.0, 1014.0)
    drill.outages.append((1030.0, 1031.0))
    drill.started = {"expected": "fail", "calibration": {"dispersion": 1.5}}
    found = drill.judged()
    assert (found.feature, found.scenario) == (
        "features/emergencies.feature",
        "Someone scaled the service away",
    )
    assert (found.expected, found.control, found.procedures) == ("fail", False, ["Service Completely Down"])
    assert found.faults == [
        FaultSeen(FAULT, "failed", "", 0.0, "no endpoints", 0.5, "failed requests", noticed=True)
    ]
    assert found.requests == RequestCount(7200, 7080, 1200, 120)
    assert found.outages == [
        Outage("failed", 0.0, pytest.approx(10.0)),
        Outage("failed", pytest.approx(20.0), pytest.approx(21.0)),
    ]
    assert (found.flapping, found.out_seconds) == (True, pytest.approx(11.0))
    assert found.unmeasured == [Unmeasured(pytest.approx(3.0), pytest.approx(4.0), 120, "no record")]
    assert (found.watched_seconds, found.procedure_started_seconds) == (50.0, 2.0)
    assert (found.recovered_seconds, found.began_wall) == (pytest.approx(21.0), 1e9 + 998)
    assert found.calibration is not None
    assert found.calibration.dispersion == 1.5
    assert (found.evidence, found.unreadable) == ("evidence/drill", [])
    assert found.writes is not None
    assert (found.writes.acknowledged, found.writes.lost, found.writes.allowed_lost) == (900, 0, 0)


def test_requests_that_got_no_answer_are_not_completed(drill: RecordedDrill) -> None:
    drill.errors = {drill.index_at(1040.0): "timeout"}
    found = drill.judged().requests
    assert (found.completed, found.failed) == (7199, 1201)


def test_a_fault_is_told_with_what_was_seen_of_it(drill: RecordedDrill) -> None:
    drill.started = {
        "faults": [{"fault": FAULT, "felt": "slow", "part": "redis"}, {"fault": "other"}, {"fault": "third"}]
    }
    drill.unnoticed = 15.0
    drill.extra = [(1012.0, "fault.injected", {"fault": "other"})]
    assert drill.judged().faults == [
        FaultSeen(FAULT, "slow", "redis", 0.0, "no endpoints", None, "", noticed=False),
        FaultSeen("other", injected_seconds=2.0),
        FaultSeen("third"),
    ]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"healthy": None}, "the target's health was never checked before the fault"),
        ({"healthy": False}, "the target was not healthy before the fault: 503 of /health"),
        ({"injected": None}, f"the fault {FAULT} was never injected"),
        (
            {"witness": None},
            f"the fault {FAULT} has no witness: the recording ends before one was seen",
        ),
    ],
)
def test_what_is_not_the_targets_fault_is_setup(
    drill: RecordedDrill, changed: dict[str, Any], why: str
) -> None:
    for name, value in changed.items():
        setattr(drill, name, value)
    found = drill.judged()
    assert (found.verdict, found.why, found.criteria) == ("setup", why, [])
    assert (found.credit, found.credit_why) == ("not measured", "the drill is setup")
    # what was recorded is told all the same
    assert found.requests.planned == 7200
    assert len(found.commands) == 1


def test_one_unhealthy_look_of_several_is_setup(drill: RecordedDrill) -> None:
    drill.extra = [(999.5, "health.gate", {"healthy": False, "observed": "no endpoints"})]
    assert drill.judged().why == "the target was not healthy before the fault: no endpoints"


def test_a_fault_of_several_that_was_not_witnessed_is_named(drill: RecordedDrill) -> None:
    drill.started = {"faults": [{"fault": FAULT}, {"fault": "other"}]}
    drill.extra = [
        (1012.0, "fault.injected", {"fault": "other"}),
        (1020.0, "fault.unwitnessed", {"fault": "other", "awaited": "a", "last_seen": "b"}),
    ]
    assert drill.judged().why == "the fault other was not witnessed: awaited a, last seen b"


def test_the_first_error_that_ended_the_drill_is_told(drill: RecordedDrill) -> None:
    drill.extra = [
        (1050.0, "drill.error", {"error": "A", "message": "first", "stage": "put back"}),
        (1051.0, "drill.error", {"error": "B", "message": "second"}),
        (1052.0, "drill.error", {"error": "C", "message": "third"}),
    ]
    found = drill.judged()
    assert (found.verdict, found.why, found.criteria) == ("setup", "B: second", [])


def test_several_doubts_are_all_told(drill: RecordedDrill) -> None:
    drill.audit, drill.commands = None, []
    found = drill.judged()
    assert (found.verdict, found.why) == (
        "inconclusive",
        "procedure: the procedure ended without a command having been run; "
        "writes: the writes were not audited",
    )


def test_the_control_of_a_fault_is_judged_by_the_recovery_alone(drill: RecordedDrill) -> None:
    drill.started, drill.procedure = {"control": True}, None
    drill.cpu_share = lambda moment: 0.9
    found = drill.judged()
    assert (criterion(found, "cpu").verdict, found.verdict) == ("fail", "pass")
    drill.started = {"control": True, "faults": []}
    assert drill.judged().verdict == "fail"


@pytest.mark.parametrize(
    ("felt", "verdict"), [("failed", "not noticed"), ("slow", "not noticed"), ("latent", "pass")]
)
def test_a_fault_to_be_felt_that_nobody_felt_was_not_noticed(
    drill: RecordedDrill, felt: str, verdict: str
) -> None:
    drill.outages, drill.started = [], {"faults": [{"fault": FAULT, "felt": felt}]}
    found = drill.judged()
    assert (found.verdict, found.why) == (verdict, "users were never out: no request failed")


def test_a_recording_that_ends_before_the_drill_began_tells_its_error(tmp_path: Path) -> None:
    folder = RecordedDrill(tmp_path / "drill").write()
    recording = folder / "recording.jsonl"
    lines = [line for line in recording.read_bytes().split(b"\n") if b"drill.started" not in line]
    recording.write_bytes(b"\n".join(lines))
    found = judge(folder)
    assert (found.verdict, found.why) == ("setup", "the recording ends before the drill began")
    assert (found.drill, found.expected, found.requests) == ("drill", "", RequestCount(7200))
    assert (found.began_wall, found.evidence) == (1e9 + 999, "evidence/drill")
    recording.write_bytes(b"\n".join([b"{", *lines]))
    found = judge(folder)
    assert (found.verdict, len(found.unreadable)) == ("inconclusive", 1)
    assert found.why == f"the recording ends before the drill began; {found.unreadable[0]}"
    error = b'{"wall":1,"monotonic":1,"kind":"drill.error","data":{"error":"A","message":"b"}}'
    recording.write_bytes(b"\n".join([error, *lines]))
    found = judge(folder)
    assert (found.verdict, found.why, found.began_wall) == ("setup", "A: b", 1.0)


def test_a_fault_that_is_hidden_by_an_unreadable_line_is_in_doubt_and_both_are_told(
    drill: RecordedDrill,
) -> None:
    recording = drill.write() / "recording.jsonl"
    lines = [line for line in recording.read_bytes().split(b"\n") if b"fault.witnessed" not in line]
    recording.write_bytes(b"\n".join([b"{", b"[", *lines]))
    found = judge(drill.folder)
    assert found.verdict == "inconclusive"
    assert found.why == "; ".join(
        [f"the fault {FAULT} has no witness: the recording ends before one was seen", *found.unreadable]
    )
    assert [text.split(": ")[0] for text in found.unreadable] == ["recording.jsonl:1", "recording.jsonl:2"]


def test_a_case_that_the_judge_cannot_make_sense_of_is_inconclusive(
    drill: RecordedDrill, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(case: Case) -> Any:
        raise LookupError("no such thing")

    monkeypatch.setattr("drill.judge.judge._faults", crash)
    found = drill.judged()
    assert (found.verdict, found.why) == (
        "inconclusive",
        "the judge could not make sense of it: LookupError: no such thing",
    )


# the case


def test_a_folder_without_a_recording_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Case(tmp_path)
    assert str(caught.value).startswith(
        f"{tmp_path / 'recording.jsonl'}: no such file. Expected the evidence folder of a drill"
    )


def test_an_unreadable_line_is_shown_by_its_first_80_bytes(drill: RecordedDrill) -> None:
    recording = drill.write() / "recording.jsonl"
    recording.write_bytes(b"\xff" + b"x" * 100 + b"\n\n" + recording.read_bytes())
    (unreadable,) = Case(drill.folder).unreadable
    shown = "\ufffd" + "x" * 79
    assert unreadable.startswith(f"recording.jsonl:1: {shown!r} is not right here: expected an event (")


def test_events_are_found_by_kind_and_within_a_stretch_that_includes_both_ends(drill: RecordedDrill) -> None:
    drill.commands = [command(1, "a"), command(2, "b")]
    drill.extra = [
        (1030.0, "backup.made", {"name": "b", "started": 1.0, "finished": 2.0}),
        (1040.0, "backup.made", {"name": "c", "started": 1.0, "finished": 2.0}),
    ]
    case = Case(drill.write())
    assert [each.line for each in case.all(CommandFinished)] == [1, 2]
    first = case.first(BackupMade)
    assert (first and first.name, case.backup and case.backup.name) == ("b", "c")
    for window, names in (
        ((1030.0, 1040.0), ["b", "c"]),
        ((1030.1, 1040.0), ["c"]),
        ((1030.0, 1039.9), ["b"]),
    ):
        assert [each.name for _, each in case.within(BackupMade, window)] == names
    assert case.within(BackupMade, (1030.0, 1031.0))[0][0] == 1030.0
    assert case.first(WritesAudited) is not None


def test_a_load_that_did_not_end_well_has_lost_its_last_requests(drill: RecordedDrill) -> None:
    """As many seconds as a request may take, before the end of watching."""
    drill.load_ended, drill.settings = -9, {"timeout_seconds": 3.0}
    (stretch,) = drill.judged().unmeasured
    assert (stretch.start_seconds, stretch.end_seconds) == (
        pytest.approx(47.0, abs=0.02),
        pytest.approx(50.0),
    )
    assert stretch.what == "the load ended with exit status -9"
    drill.load_ended = None
    assert drill.judged().unmeasured[0].what == "the recording does not say that the load ended"
    drill.extra = [(1060.2, "load.stopped", {"exit_status": 1}), (1060.4, "load.stopped", {"exit_status": 0})]
    assert drill.judged().unmeasured == []


def test_how_late_the_load_usually_is_comes_from_calibration(drill: RecordedDrill) -> None:
    drill.late = {drill.index_at(1040.0): 0.4}
    assert drill.judged().requests.unmeasured > 0
    drill.started = {"calibration": {"lateness_seconds": 0.2}}
    assert drill.judged().requests.unmeasured == 0


def test_the_plan_is_that_of_the_load_and_not_of_the_settings(drill: RecordedDrill) -> None:
    drill.settings = {"requests_per_second": 60.0}
    assert drill.judged().requests.planned == 7200


def test_faults_are_told_with_what_injected_them_first(drill: RecordedDrill) -> None:
    drill.extra = [(1030.0, "fault.injected", {"fault": FAULT})]
    assert drill.judged().faults[0].injected_seconds == 0.0
    assert INJECTED == 1010.0
