"""The verdict as a whole: what is never blamed on the target, what a control says, and that judging again
changes nothing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from recorded_drill import INJECTED, RecordedDrill, command, criterion

from drill.errors import InputError, UsageError
from drill.judge import judge


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


def test_judging_twice_gives_the_same_bytes(drill: RecordedDrill) -> None:
    folder = drill.write()
    assert msgspec.json.encode(judge(folder)) == msgspec.json.encode(judge(folder))


def test_what_the_drill_was_is_told_with_the_verdict(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl get pods --watch", 130, interrupted=True)]
    verdict = drill.judged()
    assert (verdict.drill, verdict.severity, verdict.tags) == (
        "deployment-scaled-to-zero",
        "P0",
        ["P0", "smoke"],
    )
    assert verdict.witness is not None
    assert (verdict.witness.what, verdict.witness.seconds) == ("no endpoints, failed requests", 0.5)
    assert (verdict.requests.planned, verdict.requests.completed, verdict.requests.failed) == (
        7200,
        7200,
        1200,
    )
    assert [(run.line, run.command, run.interrupted) for run in verdict.commands] == [
        (52, "kubectl get pods --watch", True)
    ]
    assert verdict.commands[0].seconds == pytest.approx(0.2)
    assert verdict.evidence == str(drill.folder)
    assert verdict.watched_seconds == pytest.approx(50.0)


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


def test_a_fault_never_injected_is_setup(drill: RecordedDrill) -> None:
    drill.injected = None
    verdict = drill.judged()
    assert (verdict.verdict, verdict.phases) == ("setup", [])


def test_an_error_of_the_drill_is_setup_even_when_the_target_looks_broken(drill: RecordedDrill) -> None:
    drill.outages = [(INJECTED, 2000.0)]
    drill.extra = [(1050.0, "drill.error", {"error": "DeadlineError", "message": "waited 5 s"})]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.why) == ("setup", "DeadlineError: waited 5 s")


def test_a_drill_that_the_target_has_no_part_for_is_not_applicable(drill: RecordedDrill) -> None:
    drill.injected, drill.procedure = None, None
    drill.extra = [(999.5, "drill.not_applicable", {"what": "redis"})]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.why) == ("not applicable", "the target has no redis")


def test_a_control_says_only_whether_the_platform_restored(drill: RecordedDrill) -> None:
    drill.started, drill.procedure, drill.audit = {"control": True}, None, None
    verdict = drill.judged()
    assert (verdict.verdict, verdict.credit, verdict.control) == ("pass", "platform", True)
    assert criterion(verdict, "procedure").verdict == "not applicable"
    again = RecordedDrill(drill.folder.parent / "again", procedure=None, outages=[(INJECTED, 2000.0)])
    again.started = {"control": True}
    verdict = again.judged()
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


@pytest.mark.parametrize("name", ["recording.jsonl", "requests.jsonl"])
def test_a_bad_line_elsewhere_is_an_error_that_names_it(drill: RecordedDrill, name: str) -> None:
    path = drill.write() / name
    lines = path.read_bytes().split(b"\n")
    lines[6] = b"{"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(InputError, match=rf"{name}:7: '{{' is not right here"):
        judge(drill.folder)


def test_wrong_data_is_an_error_that_names_the_event_and_the_field(drill: RecordedDrill) -> None:
    drill.commands = [command(52, "kubectl get pods") | {"status": "no"}]
    with pytest.raises(InputError, match=r"command\.finished.*status"):
        drill.judged()


def test_a_folder_without_a_recording_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"recording\.jsonl: no such file"):
        judge(tmp_path)


def test_a_recording_that_ends_before_the_drill_began_is_setup(tmp_path: Path) -> None:
    (tmp_path / "recording.jsonl").write_bytes(b"")
    verdict = judge(tmp_path)
    assert (verdict.verdict, verdict.why) == ("setup", "the recording ends before the drill began")
