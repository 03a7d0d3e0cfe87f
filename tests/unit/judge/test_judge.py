"""The verdict as a whole: what is never blamed on the target, what a control says, and that judging again
changes nothing, from wherever.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from recorded_drill import FAULT, INJECTED, RecordedDrill, command, criterion

from drill.errors import UsageError
from drill.judge import judge
from drill.judge.verdict import DrillVerdict, RequestCount


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "evidence" / "drill")


def test_judging_twice_gives_the_same_bytes_from_any_path(
    drill: RecordedDrill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = drill.write()
    first = msgspec.json.encode(judge(folder))
    assert msgspec.json.encode(judge(folder)) == first
    elsewhere = tmp_path / "a" / "longer way" / "evidence" / "drill"
    shutil.copytree(folder, elsewhere)
    assert msgspec.json.encode(judge(elsewhere)) == first
    monkeypatch.chdir(elsewhere)
    assert msgspec.json.encode(judge(Path())) == first
    link = tmp_path / "latest"
    link.symlink_to(folder.parent)
    assert msgspec.json.encode(judge(link / "drill")) == first
    assert msgspec.json.decode(first, type=DrillVerdict).evidence == "evidence/drill"
    assert str(tmp_path).encode() not in first


def test_a_verdict_is_read_as_it_was_written(drill: RecordedDrill) -> None:
    verdict = drill.judged()
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=DrillVerdict) == verdict


def test_the_order_in_which_records_were_written_does_not_matter(drill: RecordedDrill) -> None:
    folder = drill.write()
    first = msgspec.json.encode(judge(folder))
    for name in ("recording.jsonl", "requests.jsonl"):
        lines = (folder / name).read_bytes().splitlines()
        (folder / name).write_bytes(b"\n".join(reversed(lines)) + b"\n")
    assert msgspec.json.encode(judge(folder)) == first


def test_what_the_drill_was_is_told_with_the_verdict(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl get pods --watch", 130, interrupted=True)]
    verdict = drill.judged()
    assert (verdict.drill, verdict.severity, verdict.tags) == (FAULT, "P0", ["P0", "smoke"])
    assert (verdict.fault, verdict.procedure) == (FAULT, "Service Completely Down")
    assert (verdict.faults[0].witness, verdict.faults[0].witness_seconds) == ("no endpoints", 0.5)
    assert (verdict.faults[0].users, verdict.faults[0].noticed) == ("failed requests", True)
    assert (verdict.requests.planned, verdict.requests.completed, verdict.requests.failed) == (
        7200,
        7200,
        1200,
    )
    assert [(run.line, run.command, run.interrupted) for run in verdict.commands] == [
        (52, "kubectl get pods --watch", True)
    ]
    assert verdict.commands[0].seconds == pytest.approx(0.2)
    assert verdict.watched_seconds == pytest.approx(50.0)
    assert verdict.began_wall == pytest.approx(1e9 + 998.0)


def test_a_failed_criterion_outweighs_an_inconclusive_one(drill: RecordedDrill) -> None:
    drill.audit, drill.commands = None, [command(52, "kubectl apply", 1)]
    verdict = drill.judged()
    assert criterion(verdict, "writes").verdict == "inconclusive"
    assert (verdict.verdict, verdict.why) == (
        "fail",
        "procedure: line 52: `kubectl apply` ended with status 1",
    )


def test_an_unhealthy_gate_is_setup(drill: RecordedDrill) -> None:
    drill.healthy = False
    verdict = drill.judged()
    assert (verdict.verdict, verdict.criteria) == ("setup", [])
    assert verdict.why == "the target was not healthy before the fault: 503 of /health"


def test_a_gate_never_passed_is_setup(drill: RecordedDrill) -> None:
    drill.healthy = None
    assert drill.judged().verdict == "setup"


def test_an_unwitnessed_fault_is_setup_and_names_the_fault(drill: RecordedDrill) -> None:
    drill.witness, drill.unwitnessed = None, {"awaited": "no endpoints", "last_seen": "3 endpoints"}
    verdict = drill.judged()
    assert (verdict.verdict, verdict.credit) == ("setup", "not measured")
    assert verdict.why == (
        "the fault deployment-scaled-to-zero was not witnessed: awaited no endpoints, last seen 3 endpoints"
    )


def test_a_fault_without_any_word_of_a_witness_is_setup(drill: RecordedDrill) -> None:
    drill.witness = None
    assert "has no witness" in drill.judged().why


def test_what_was_seen_before_the_injection_is_no_witness(drill: RecordedDrill) -> None:
    drill.witness = None
    seen = {"fault": FAULT, "what": "no endpoints", "seconds": 0.5, "users": "failed requests"}
    drill.extra = [(INJECTED - 5, "fault.witnessed", seen)]
    verdict = drill.judged()
    assert (verdict.verdict, "has no witness" in verdict.why) == ("setup", True)
    assert (verdict.faults[0].witness, verdict.faults[0].users) == ("", "")
    drill.extra = [(INJECTED, "fault.witnessed", seen)]
    assert drill.judged().verdict == "pass"


def test_a_fault_of_a_service_that_is_out_already_is_setup(drill: RecordedDrill) -> None:
    drill.slowness = [(1006.0, INJECTED)]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.why) == (
        "setup",
        f"users were out already when the fault {FAULT} was injected",
    )
    drill.slowness = [(1006.0, INJECTED - 1)]
    assert drill.judged().verdict == "pass"
    second = {"fault": "redis-killed"}
    drill.started = {"faults": [{"fault": FAULT}, second]}
    drill.extra = [
        (1012.0, "fault.injected", second),
        (1012.5, "fault.witnessed", second | {"what": "gone", "seconds": 0.5}),
    ]
    assert drill.judged().verdict == "pass", "a second fault finds users out of the first one"


def test_a_fault_never_injected_is_setup(drill: RecordedDrill) -> None:
    drill.injected = None
    verdict = drill.judged()
    assert verdict.verdict == "setup"
    assert "was never injected" in verdict.why


def test_an_error_of_the_drill_is_setup_even_when_the_target_looks_broken(drill: RecordedDrill) -> None:
    drill.outages = [(INJECTED, 2000.0)]
    drill.extra = [(1050.0, "drill.error", {"error": "DeadlineError", "message": "waited 5 s"})]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.why) == ("setup", "DeadlineError: waited 5 s")


def test_an_error_while_putting_back_leaves_the_verdict_as_it_is(drill: RecordedDrill) -> None:
    before = drill.judged()
    error = {"error": "DeadlineError", "message": "waited 5 s", "stage": "put back"}
    drill.extra = [(1068.0, "drill.error", error)]
    assert drill.judged() == before


def test_a_drill_that_the_target_has_no_part_for_is_not_applicable(drill: RecordedDrill) -> None:
    drill.injected, drill.procedure = None, None
    drill.extra = [(999.5, "drill.not_applicable", {"what": "redis"})]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.why) == ("not applicable", "the target has no redis")


def test_a_control_says_only_whether_users_were_served_again(drill: RecordedDrill) -> None:
    drill.started, drill.procedure, drill.audit = {"control": True}, None, None
    verdict = drill.judged()
    assert (verdict.verdict, verdict.credit, verdict.control) == ("pass", "platform", True)
    assert criterion(verdict, "procedure").verdict == "not applicable"
    drill.outages = [(INJECTED, 2000.0)]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.credit) == ("fail", "nobody")


def test_torn_last_lines_are_left_out(drill: RecordedDrill) -> None:
    whole = judge(drill.write())
    for name, torn in (
        ("recording.jsonl", b'{"wall":1.0,"mono'),
        ("requests.jsonl", b'{"planned":1060.0,"se'),
    ):
        with (drill.folder / name).open("ab") as file:
            file.write(torn)
    assert msgspec.json.encode(judge(drill.folder)) == msgspec.json.encode(whole)


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"\xff\xfe",
        b'{"wall":1,"monotonic":1,"kind":"no.such","data":{}}',
        b'{"wall":1,"monotonic":1,"kind":"command.finished","data":{"status":"no"}}',
        b"[" * 5000,
    ],
)
def test_an_unreadable_event_leaves_the_drill_in_doubt_and_is_named(
    drill: RecordedDrill, line: bytes
) -> None:
    path = drill.write() / "recording.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:6], line, *lines[6:]]))
    verdict = judge(drill.folder)
    assert verdict.verdict == "inconclusive"
    assert verdict.unreadable == [verdict.why]
    assert verdict.why.startswith("recording.jsonl:7: ")
    assert criterion(verdict, "recovered").verdict == "pass"


def test_what_cannot_be_read_is_never_setup_by_what_it_hides(drill: RecordedDrill) -> None:
    path = drill.write() / "recording.jsonl"
    lines = [line for line in path.read_bytes().split(b"\n") if b"fault.witnessed" not in line]
    path.write_bytes(b"\n".join([*lines[:6], b"{", *lines[6:]]))
    assert judge(drill.folder).verdict == "inconclusive"
    first = [line for line in lines if b"drill.started" not in line]
    path.write_bytes(b"\n".join([b"{", *first]))
    verdict = judge(drill.folder)
    assert (verdict.verdict, verdict.drill) == ("inconclusive", "drill")


@pytest.mark.parametrize(
    "settings",
    [
        {"requests_per_second": 0.0},
        {"requests_per_second": -1.0},
        {"hold_seconds": 0.0},
        {"timeout_seconds": -5.0},
        {"requests_per_second": 1e300},
    ],
)
def test_nonsense_in_the_recording_costs_this_drill_only(
    drill: RecordedDrill, settings: dict[str, float]
) -> None:
    drill.settings = settings
    assert drill.judged().verdict in ("inconclusive", "pass", "fail")


@pytest.mark.parametrize("planned", [-1e300, 1e300, 1e18, -5.0])
def test_a_record_from_far_away_is_none_of_the_drill(drill: RecordedDrill, planned: float) -> None:
    folder = drill.write()
    with (folder / "requests.jsonl").open("ab") as file:
        line = {"planned": planned, "sent": planned, "finished": planned, "name": "GET /"}
        file.write(msgspec.json.encode(line) + b"\n")
    assert judge(folder).verdict == "pass"


def test_a_drill_that_the_judge_cannot_make_sense_of_is_inconclusive(
    drill: RecordedDrill, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(timeline: object) -> Any:
        raise ValueError("no such phase")

    monkeypatch.setattr(sys.modules["drill.judge.judge"], "phases_of", crash)
    verdict = drill.judged()
    assert (verdict.verdict, verdict.criteria) == ("inconclusive", [])
    assert verdict.why == "the judge could not make sense of it: ValueError: no such phase"
    assert (verdict.drill, verdict.requests.planned, verdict.faults[0].fault) == (FAULT, 7200, FAULT)


def test_what_cannot_be_read_is_told_beside_the_trouble_it_may_hide(drill: RecordedDrill) -> None:
    drill.injected = None
    path = drill.write() / "recording.jsonl"
    written = path.read_bytes()
    path.write_bytes(b"{\n[\n" + written)
    verdict = judge(drill.folder)
    assert verdict.verdict == "inconclusive"
    assert verdict.why == "; ".join([f"the fault {FAULT} was never injected", *verdict.unreadable])
    path.write_bytes(b"{\n[\n" + b"\n".join(line for line in written.split(b"\n") if b"drill.st" not in line))
    verdict = judge(drill.folder)
    assert len(verdict.unreadable) == 2
    assert verdict.why == "; ".join(["the recording ends before the drill began", *verdict.unreadable])


def test_what_is_said_of_a_drill_that_never_began(tmp_path: Path) -> None:
    folder = tmp_path / "a drill"
    folder.mkdir()
    (folder / "recording.jsonl").write_bytes(b"")
    assert judge(folder) == DrillVerdict(
        drill="a drill",
        feature="",
        scenario="",
        tags=[],
        severity="",
        faults=[],
        procedures=[],
        expected="",
        verdict="setup",
        why="the recording ends before the drill began",
        control=False,
        criteria=[],
        phases=[],
        credit="not measured",
        writes=None,
        requests=RequestCount(),
        commands=[],
        evidence="evidence/a drill",
    )


def test_a_folder_without_a_recording_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"recording\.jsonl: no such file"):
        judge(tmp_path)


def test_a_recording_that_ends_before_the_drill_began_is_setup(tmp_path: Path) -> None:
    (tmp_path / "recording.jsonl").write_bytes(b"")
    verdict = judge(tmp_path)
    assert (verdict.verdict, verdict.why) == ("setup", "the recording ends before the drill began")
