"""Who repaired the service: each answer, the seconds at which it turns into another, and what it takes to say
so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from recorded_drill import BACK, FAULT, INJECTED, RecordedDrill, command

from drill.judge import DrillVerdict, judge, judge_credit, with_credit, with_credits
from drill.judge.credit import watched_long_enough
from drill.judge.verdict import Change

OUT = 2000.0


@pytest.fixture
def drill(tmp_path: Path) -> DrillVerdict:
    """Recovered 10 s after the injection; the procedure started at 2 s, and changed something at 3 s."""
    return RecordedDrill(tmp_path / "drill").judged()


def _control(folder: Path, *, took: float | None, watched: float = 60.0, **more: Any) -> DrillVerdict:
    back = INJECTED + took if took is not None else OUT
    more = {"outages": [(INJECTED, back)]} | more
    control = RecordedDrill(folder / "control", end=INJECTED + watched, procedure=None, **more)
    control.started = {"control": True, "drill": f"{FAULT}.control"}
    return control.judged()


def _credit(drill: DrillVerdict, *controls: DrillVerdict) -> str:
    return judge_credit(drill, controls)[0]


@pytest.mark.parametrize(
    ("took", "credit"),
    [
        (9.0, "platform"),
        (10.0, "platform"),
        (12.4, "platform"),
        (12.6, "too close to tell"),
        (14.9, "too close to tell"),
        (15.1, "runbook"),
    ],
)
def test_both_recovered(tmp_path: Path, drill: DrillVerdict, took: float, credit: str) -> None:
    found, why = judge_credit(drill, [_control(tmp_path, took=took)])
    assert (found, why.startswith("10.0 s with the procedure; the platform alone: ")) == (credit, True)


def test_the_margin_grows_with_the_controls_time(tmp_path: Path) -> None:
    slow = RecordedDrill(tmp_path / "drill", outages=[(INJECTED, BACK + 30)], end=1090.0).judged()
    assert slow.recovered_seconds == pytest.approx(40.0)
    assert _credit(slow, _control(tmp_path, took=53.0, watched=70)) == "too close to tell"
    assert _credit(slow, _control(tmp_path, took=53.5, watched=70)) == "runbook"


@pytest.mark.parametrize(("watched", "credit"), [(31.0, "runbook"), (15.1, "not measured")])
def test_the_control_was_never_recovered(
    tmp_path: Path, drill: DrillVerdict, watched: float, credit: str
) -> None:
    assert _credit(drill, _control(tmp_path, took=None, watched=watched)) == credit


@pytest.mark.parametrize(("watched", "credit"), [(49.9, "too close to tell"), (50.1, "runbook")])
def test_a_control_must_have_been_watched_clearly_longer_than_the_drill_took(
    tmp_path: Path, watched: float, credit: str
) -> None:
    slow = RecordedDrill(tmp_path / "drill", outages=[(INJECTED, INJECTED + 40)], end=1090.0).judged()
    control = _control(tmp_path, took=None, watched=watched, settings={"patience_seconds": 20.0})
    assert _credit(slow, control) == credit


def test_several_controls_must_agree(tmp_path: Path, drill: DrillVerdict) -> None:
    never, soon, late = (
        _control(tmp_path / name, took=took) for name, took in (("a", None), ("b", 9.0), ("c", 30.0))
    )
    assert _credit(drill, never, late) == "runbook"
    assert judge_credit(drill, [never, soon, late]) == (
        "too close to tell",
        "controls differ: 10.0 s with the procedure; the platform alone: "
        "still out after 60.0 s, 9.0 s, 30.0 s",
    )


def test_one_conclusive_control_among_others_is_enough(tmp_path: Path, drill: DrillVerdict) -> None:
    short = _control(tmp_path / "a", took=None, watched=12.0)
    assert _credit(drill, short, _control(tmp_path / "b", took=None)) == "runbook"


def test_a_control_in_which_users_stay_out_tells_of_drills_that_took_clearly_less(
    tmp_path: Path, drill: DrillVerdict
) -> None:
    never = _control(tmp_path / "a", took=None, watched=40.0)
    took = {seconds: msgspec.structs.replace(drill, recovered_seconds=seconds) for seconds in (31.9, 32.1)}
    nobody = msgspec.structs.replace(drill, recovered_seconds=None)
    assert watched_long_enough(never, [took[31.9], nobody])
    assert watched_long_enough(never, [])
    assert not watched_long_enough(never, [took[31.9], took[32.1]])
    assert watched_long_enough(_control(tmp_path / "b", took=9.0, watched=40.0), [took[32.1]])
    # the margin is five seconds at least
    short = msgspec.structs.replace(never, watched_seconds=15.0)
    assert watched_long_enough(short, [drill])
    assert not watched_long_enough(msgspec.structs.replace(never, watched_seconds=14.9), [drill])


@pytest.mark.parametrize(
    ("alone", "credit"),
    [(12.5, "platform"), (12.6, "too close to tell"), (15.0, "too close to tell"), (15.1, "runbook")],
)
def test_a_difference_counts_when_it_is_larger_than_the_margin(
    tmp_path: Path, drill: DrillVerdict, alone: float, credit: str
) -> None:
    exact = msgspec.structs.replace(drill, recovered_seconds=10.0)
    control = msgspec.structs.replace(_control(tmp_path, took=15.0), recovered_seconds=alone)
    assert _credit(exact, control) == credit


def test_the_credit_of_the_runbook_names_the_last_change_before_users_were_served(tmp_path: Path) -> None:
    drill = RecordedDrill(
        tmp_path / "drill",
        changes=[1013.0],
        extra=[(1015.0, "cluster.changed", {"verb": "create", "object": "pods/x"})],
    ).judged()
    assert judge_credit(drill, [_control(tmp_path, took=None)]) == (
        "runbook",
        "10.0 s with the procedure; the platform alone: still out after 60.0 s; the last change before users "
        "were served: create pods/x",
    )


# what earns nobody credit


def test_a_crash_looping_control_earns_nobody_credit(tmp_path: Path, drill: DrillVerdict) -> None:
    """Up 6 s of every 20: the platform's it was once."""
    loop = [(INJECTED + start, INJECTED + start + 14.0) for start in (0.0, 20.0, 40.0)]
    assert judge_credit(drill, [_control(tmp_path, took=None, outages=loop)]) == (
        "not measured",
        "in the control the service was going up and down, which tells nothing of who repaired it",
    )


def test_one_stray_failed_request_in_the_control_earns_nobody_credit(
    tmp_path: Path, drill: DrillVerdict
) -> None:
    control = _control(tmp_path, took=None, outages=[], failing={1300})
    assert _credit(drill, control) == "not measured"


def test_a_control_in_which_nothing_failed_proves_nothing(tmp_path: Path, drill: DrillVerdict) -> None:
    assert _credit(drill, _control(tmp_path, took=0.0)) == "not measured"


def test_a_control_of_which_hardly_anything_was_recorded_earns_nobody_credit(
    tmp_path: Path, drill: DrillVerdict
) -> None:
    """239 of 5,175 requests: the runbook's it was once."""
    absent = set(range(1300, 7000))
    found, why = judge_credit(drill, [_control(tmp_path, took=None, absent=absent)])
    assert found == "not measured"
    assert why.startswith("the control is not conclusive: recovered: ")


def test_a_control_that_is_slow_for_ever_earns_the_runbook_its_credit_by_being_out(
    tmp_path: Path, drill: DrillVerdict
) -> None:
    """It was inconclusive, "no request failed", once; and credited all the same."""
    slow = _control(tmp_path, took=None, outages=[], slowness=[(INJECTED, OUT)])
    assert (slow.verdict, slow.recovered_seconds) == ("fail", None)
    assert _credit(drill, slow) == "runbook"


def test_a_control_whose_cluster_still_has_something_on_its_way_is_not_conclusive(
    tmp_path: Path, drill: DrillVerdict
) -> None:
    assert _credit(drill, _control(tmp_path, took=None, on_its_way=["rollout"])) == "not measured"


def test_a_control_that_could_not_be_set_up_proves_nothing(tmp_path: Path, drill: DrillVerdict) -> None:
    assert _credit(drill, _control(tmp_path, took=None, healthy=False)) == "not measured"


@pytest.mark.parametrize("verdict", ["setup", "not applicable", "not noticed"])
def test_a_control_of_such_a_verdict_is_not_conclusive(
    tmp_path: Path, drill: DrillVerdict, verdict: str
) -> None:
    control = _control(tmp_path, took=None)
    assert _credit(drill, control) == "runbook"
    assert _credit(drill, msgspec.structs.replace(control, verdict=verdict)) == "not measured"


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        ("setup", "the drill could not be carried out"),
        ("not applicable", "the target has not what the drill needs"),
    ],
)
def test_a_drill_that_was_not_carried_out_earns_nobody_credit(
    tmp_path: Path, drill: DrillVerdict, verdict: str, why: str
) -> None:
    spoilt = msgspec.structs.replace(drill, verdict=verdict)
    assert judge_credit(spoilt, [_control(tmp_path, took=None)]) == (
        "not measured",
        why,
    )


def test_a_control_that_recovered_too_late_for_its_limit_is_conclusive_all_the_same(
    tmp_path: Path, drill: DrillVerdict
) -> None:
    late = _control(tmp_path, took=30.0)
    late = msgspec.structs.replace(
        late,
        criteria=[
            msgspec.structs.replace(each, verdict="fail") if each.name == "recovered" else each
            for each in late.criteria
        ],
    )
    assert _credit(drill, late) == "runbook"


@pytest.mark.parametrize("moment", [2.0, 10.0])
def test_a_change_at_the_very_beginning_and_at_the_recovery_is_a_cause(
    tmp_path: Path, drill: DrillVerdict, moment: float
) -> None:
    exact = msgspec.structs.replace(
        drill,
        recovered_seconds=10.0,
        procedure_started_seconds=2.0,
        changes=[Change("patch", "deployments/novel-engine", moment)],
    )
    assert _credit(exact, _control(tmp_path, took=None)) == "runbook"


def test_recovered_at_the_moment_at_which_the_operator_began_is_not_by_that_the_platforms(
    tmp_path: Path, drill: DrillVerdict
) -> None:
    exact = msgspec.structs.replace(
        drill,
        recovered_seconds=10.0,
        procedure_started_seconds=10.0,
        changes=[Change("patch", "deployments/novel-engine", 10.0)],
    )
    assert _credit(exact, _control(tmp_path, took=None)) == "runbook"


def test_a_control_with_an_unreadable_record_proves_nothing(tmp_path: Path, drill: DrillVerdict) -> None:
    control = msgspec.structs.replace(_control(tmp_path, took=None), unreadable=["recording.jsonl:3: ..."])
    assert _credit(drill, control) == "not measured"


@pytest.mark.parametrize("changes", [[], [1011.9], [BACK + 0.1]])
def test_a_procedure_that_only_looks_earns_nobody_credit(tmp_path: Path, changes: list[float]) -> None:
    """`kubectl get pods`; or what it changed came before it began, or after users had their service back."""
    looks = RecordedDrill(
        tmp_path / "drill", changes=changes, commands=[command(52, "kubectl get pods")]
    ).judged()
    assert judge_credit(looks, [_control(tmp_path, took=None)]) == (
        "not measured",
        "the procedure changed nothing before users were served again",
    )


def test_a_change_that_was_refused_is_none(tmp_path: Path) -> None:
    refused = {"verb": "patch", "object": "deployments/novel-engine", "code": 403}
    drill = RecordedDrill(
        tmp_path / "drill", changes=[], extra=[(1013.0, "cluster.changed", refused)]
    ).judged()
    assert (drill.changes, drill.came_back_after) == ([], None)
    assert _credit(drill, _control(tmp_path, took=None)) == "not measured"


def test_a_change_from_before_the_fault_repaired_nothing_of_it(tmp_path: Path) -> None:
    early = RecordedDrill(tmp_path / "drill", procedure=(1005.0, 1016.0), changes=[1006.0]).judged()
    assert _credit(early, _control(tmp_path, took=None)) == "not measured"


def test_a_drill_with_an_unreadable_record_earns_nobody_credit(tmp_path: Path) -> None:
    """It may be that of the procedure's beginning, and nobody would seem to have acted."""
    drill = RecordedDrill(tmp_path / "drill")
    recording = drill.write() / "recording.jsonl"
    lines = recording.read_bytes().splitlines(keepends=True)
    recording.write_bytes(b"".join(b"{}\n" if b"procedure.started" in line else line for line in lines))
    verdict = judge(drill.folder)
    assert (verdict.credit, verdict.credit_why) == (
        "not measured",
        "some of its records could not be read",
    )


def test_without_an_audit_log_no_cause_can_be_shown(tmp_path: Path) -> None:
    drill = RecordedDrill(tmp_path / "drill", changes=None)
    for extra in ([], [(1065.0, "changes.read", {"available": False, "why": "no audit log"})]):
        drill.extra = extra
        verdict = drill.judged()
        assert verdict.changes is None
        found, why = judge_credit(verdict, [_control(tmp_path, took=None)])
        assert (found, why.startswith("no audit log of the cluster was read")) == ("not measured", True)


def test_a_drill_whose_recovery_is_in_doubt_earns_nobody_credit(tmp_path: Path) -> None:
    doubtful = RecordedDrill(tmp_path / "drill")
    doubtful.absent = {doubtful.index_at(1030.0)}
    assert _credit(doubtful.judged(), _control(tmp_path, took=None)) == "not measured"


@pytest.mark.parametrize("limit", [900.0, 5.0])
def test_a_control_that_was_not_measured_when_users_came_back_proves_nothing(
    tmp_path: Path, drill: DrillVerdict, limit: float
) -> None:
    """Whether or not it was too late by then: users may have been served again at 12 s."""
    control = RecordedDrill(
        tmp_path / "control",
        procedure=None,
        started={"control": True},
        outages=[(INJECTED, INJECTED + 12)],
    )
    control.absent = control.indexes(INJECTED + 12, INJECTED + 30)
    control.limits["recovered"]["value"] = limit
    verdict = control.judged()
    assert verdict.recovered_seconds == pytest.approx(30.0)
    assert _credit(drill, verdict) == "not measured"


def test_without_a_control_it_is_not_measured(drill: DrillVerdict) -> None:
    assert (drill.credit, drill.credit_why) == ("not measured", "there is no control")


# what a recording proves by itself


def test_recovered_before_anyone_acted_is_the_platforms_by_the_same_recording(tmp_path: Path) -> None:
    early = RecordedDrill(tmp_path / "early", procedure=(BACK + 0.1, BACK + 2)).judged()
    assert early.credit == "platform"
    assert _credit(early, _control(tmp_path, took=None)) == "platform"
    late = RecordedDrill(tmp_path / "late", procedure=(BACK - 0.1, BACK + 2)).judged()
    assert late.credit == "not measured"


def test_a_service_that_goes_up_and_down_was_repaired_by_nobody_in_particular(tmp_path: Path) -> None:
    loop = RecordedDrill(
        tmp_path / "drill", outages=[(INJECTED, 1013.0), (1019.0, 1021.0)], procedure=(1040.0, 1042.0)
    )
    assert loop.judged().credit == "not measured"


def test_never_recovered_is_nobodys_whatever_the_control_says(tmp_path: Path) -> None:
    out = RecordedDrill(tmp_path / "out", outages=[(INJECTED, OUT)]).judged()
    assert _credit(out, _control(tmp_path, took=5.0)) == "nobody"


def test_a_drill_that_was_not_watched_for_long_enough_is_nobodys_neither(tmp_path: Path) -> None:
    out = RecordedDrill(tmp_path / "out", outages=[(INJECTED, OUT)], end=1030.0).judged()
    assert _credit(out, _control(tmp_path, took=5.0)) == "not measured"


# the cause


def test_the_command_after_which_service_came_back_is_named(tmp_path: Path) -> None:
    drill = RecordedDrill(
        tmp_path / "drill",
        procedure=(1012.0, 1018.0),
        commands=[
            command(50, "kubectl get pods", started=1012.0, finished=1012.5),
            command(51, "kubectl scale deployment/x --replicas=3", started=1013.0, finished=1013.2),
            command(52, "kubectl get pods --watch", 130, interrupted=True, started=1014.0, finished=1018.0),
        ],
        changes=[1013.1],
    )
    verdict = drill.judged()
    assert verdict.came_back_after is not None
    assert (verdict.came_back_after.line, verdict.came_back_after.command) == (
        51,
        "kubectl scale deployment/x --replicas=3",
    )
    assert verdict.came_back_after.finished_seconds == pytest.approx(3.2)
    found, why = judge_credit(verdict, [_control(tmp_path, took=None)])
    assert (found, why.endswith("before users were served: patch deployments/novel-engine")) == (
        "runbook",
        True,
    )
    drill.changes = [1005.0, BACK]
    at_that_moment = drill.judged().came_back_after
    assert at_that_moment is not None
    assert at_that_moment.line == 52
    drill.changes = [1013.0]  # at the very beginning of a command
    as_it_began = drill.judged().came_back_after
    assert as_it_began is not None
    assert as_it_began.line == 51
    drill.changes = None
    without_a_log = drill.judged().came_back_after
    assert without_a_log is not None
    assert without_a_log.line == 52
    drill.changes = []
    assert drill.judged().came_back_after is None
    drill.outages = [(INJECTED, OUT)]
    assert drill.judged().came_back_after is None


def test_with_credit_changes_nothing_else(tmp_path: Path, drill: DrillVerdict) -> None:
    credited = with_credit(drill, [_control(tmp_path, took=None)])
    assert (credited.credit, credited.criteria, credited.verdict) == ("runbook", drill.criteria, "pass")


def test_controls_of_the_same_faults_give_the_credit_also_those_that_were_kept(
    tmp_path: Path, drill: DrillVerdict
) -> None:
    control = _control(tmp_path, took=None)
    other = msgspec.structs.replace(control, faults=[])
    assert [each.credit for each in with_credits([control, drill])] == [control.credit, "runbook"]
    assert with_credits([control, drill])[0] is control
    assert [each.credit for each in with_credits([drill], [control])] == ["runbook"]
    assert with_credits([drill, other])[0].credit == "not measured"
