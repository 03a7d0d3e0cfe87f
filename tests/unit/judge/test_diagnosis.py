"""What investigations tell, both ways: each statement holds, fails by one line, and cannot be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recorded_drill import BACK, RecordedDrill, command, criterion

from drill.conduct import expect
from drill.judge import judge
from drill.judge.verdict import Criterion
from drill.report.words import outcome, says
from drill.run.outcome import as_expected, exit_status

PLACE = "Service Completely Down / # Check pods"
HEALTHY = "NAME READY STATUS\nweb-1 1/1 Running\n"
BROKEN = "NAME READY STATUS\nweb-2 0/1 ImagePullBackOff\n"


def pods(output: str, **more: Any) -> dict[str, Any]:
    return command(52, "kubectl get pods | grep web", output=output, **more)


def symptom(**more: Any) -> dict[str, Any]:
    return {"place": PLACE, "pattern": "^web.*ImagePullBackOff", "line": 51, "last_line": 53} | more


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    made = RecordedDrill(tmp_path / "drill", commands=[pods(BROKEN)], looked=[pods(HEALTHY)])
    made.started = {"symptoms": [symptom()]}
    return made


def found(drill: RecordedDrill) -> Criterion:
    return criterion(drill.judged(), "diagnosis")


def test_it_passes_where_one_line_tells_the_fault_and_none_did_before(drill: RecordedDrill) -> None:
    verdict = drill.judged()
    diagnosis = criterion(verdict, "diagnosis")
    assert (diagnosis.verdict, diagnosis.value, diagnosis.limit, diagnosis.samples) == ("pass", 0.0, 0.0, 1)
    assert diagnosis.why == f'"{PLACE}" tells it: web-2 0/1 ImagePullBackOff'
    assert [(each.name, each.title, each.verdict) for each in verdict.told] == [
        (PLACE, "^web.*ImagePullBackOff", "pass")
    ]
    expect.tells(verdict, PLACE, "^web.*ImagePullBackOff")


def test_it_fails_where_no_line_tells_it(drill: RecordedDrill) -> None:
    drill.commands = [pods(BROKEN.replace("ImagePullBackOff", "Running"))]
    verdict = drill.judged()
    assert (criterion(verdict, "diagnosis").verdict, verdict.verdict) == ("fail", "fail")
    assert "does not tell it: of 2 lines under the fault, no line holds" in verdict.why
    with pytest.raises(AssertionError, match="does not tell it"):
        expect.tells(verdict, PLACE, "^web.*ImagePullBackOff")


def test_a_pattern_is_of_one_line(drill: RecordedDrill) -> None:
    drill.commands = [pods(BROKEN.replace("0/1 ", "0/1\n"))]
    assert found(drill).verdict == "fail"


def test_it_fails_where_the_healthy_target_is_said_to_have_the_fault(drill: RecordedDrill) -> None:
    drill.looked = [pods(HEALTHY + "web-3 0/1 ImagePullBackOff\n")]
    assert found(drill).verdict == "fail"
    assert found(drill).why == (
        f'"{PLACE}" told it on the healthy target already: web-3 0/1 ImagePullBackOff'
    )


def test_a_command_that_prints_nothing_or_the_same_informs_nobody(drill: RecordedDrill) -> None:
    drill.commands = [pods("")]
    assert found(drill).why.endswith("informs nobody: it printed nothing under the fault")
    drill.commands = [pods(HEALTHY)]
    assert found(drill).why == (
        f'"{PLACE}" informs nobody: it printed under the fault what it prints on a healthy target, '
        "last web-1 1/1 Running"
    )
    assert found(drill).verdict == "fail"


def test_what_other_lines_and_the_other_text_printed_does_not_count(drill: RecordedDrill) -> None:
    drill.commands = [pods(HEALTHY), command(54, "kubectl get events", output=BROKEN)]
    assert found(drill).verdict == "fail"
    drill.started = {"symptoms": [symptom(last_line=54)]}
    assert found(drill).verdict == "pass"
    drill.started = {"symptoms": [symptom(last_line=54, as_written=True)]}
    assert found(drill).verdict == "inconclusive"


def test_one_of_two_statements_that_fails_is_named(drill: RecordedDrill) -> None:
    drill.started = {"symptoms": [symptom(), symptom(pattern="CrashLoop"), symptom(pattern="OOM")]}
    diagnosis = found(drill)
    assert (diagnosis.verdict, diagnosis.value, diagnosis.samples) == ("fail", 2.0, 3)
    assert diagnosis.why.endswith("holds 'CrashLoop' (and 1 more)")


def test_of_a_log_only_what_was_not_there_before_is_news(drill: RecordedDrill) -> None:
    drill.started = {"symptoms": [symptom(before="older")]}
    old = "web-0 yesterday ImagePullBackOff\n"
    drill.looked, drill.commands = [pods(old)], [pods(old + BROKEN)]
    assert found(drill).why.endswith("tells it: web-2 0/1 ImagePullBackOff")
    drill.commands = [pods(old + HEALTHY)]
    assert (found(drill).verdict, "no new line holds" in found(drill).why) == ("fail", True)


@pytest.mark.parametrize(
    ("commands", "looked", "says"),
    [
        ([pods(HEALTHY, cut=True)], [pods(HEALTHY)], "only the end was kept"),
        ([pods(BROKEN)], [pods(HEALTHY, cut=True)], "tells it, but of the healthy target not all is known"),
        ([pods(HEALTHY, hung=True, interrupted=True)], [pods(HEALTHY)], "a command hung"),
        ([command(60, "kubectl get nodes", output=BROKEN)], [pods(HEALTHY)], "not followed under the fault"),
        ([pods(BROKEN)], [], "was not followed on the healthy target"),
        ([pods(BROKEN)], None, "was not followed on the healthy target"),
    ],
)
def test_what_was_not_seen_whole_is_inconclusive(
    drill: RecordedDrill, commands: list[dict[str, Any]], looked: list[dict[str, Any]] | None, says: str
) -> None:
    drill.commands, drill.looked = commands, looked
    verdict = drill.judged()
    diagnosis = criterion(verdict, "diagnosis")
    assert (diagnosis.verdict, says in diagnosis.why) == ("inconclusive", True), diagnosis.why
    with pytest.raises(expect.Inconclusive, match=r"healthy|fault|known"):
        expect.tells(verdict, PLACE, "^web.*ImagePullBackOff")


SCAN = command(52, "trivy image web | grep x", 127)
FOR_WANT_OF_IT = "inconclusive: not on this machine: trivy"


def test_where_a_tool_is_missing_that_may_be_nothing_is_known_as_stated(drill: RecordedDrill) -> None:
    drill.commands, drill.looked, drill.missing_tools = [SCAN], [SCAN], ["trivy"]
    drill.started |= {"expected": FOR_WANT_OF_IT}
    verdict = drill.judged()
    assert (verdict.verdict, as_expected(verdict)) == ("inconclusive", True)
    expect.tells(verdict, PLACE, "^web.*ImagePullBackOff", "trivy")
    assert exit_status([verdict], []) == 0
    assert says(verdict) == FOR_WANT_OF_IT
    assert outcome(verdict) == "a tool is missing"
    with pytest.raises(expect.Inconclusive, match="not on this machine: trivy"):
        expect.tells(verdict, PLACE, "^web.*ImagePullBackOff")


def test_for_want_of_a_tool_that_nobody_stated_the_run_is_inconclusive(drill: RecordedDrill) -> None:
    drill.commands, drill.looked, drill.missing_tools = [SCAN], [SCAN], ["trivy"]
    verdict = drill.judged()
    with pytest.raises(expect.Inconclusive, match="not on this machine: trivy"):
        expect.tells(verdict, PLACE, "^web.*ImagePullBackOff", "trivy")
    assert exit_status([verdict], []) == 2
    assert says(verdict) == "inconclusive"


def test_a_doubt_about_something_else_is_not_for_want_of_the_tool(drill: RecordedDrill) -> None:
    drill.commands = [pods(HEALTHY, cut=True)]
    drill.started |= {"expected": FOR_WANT_OF_IT}
    with pytest.raises(AssertionError, match="expected nothing to be known for want of trivy, yet"):
        expect.tells(drill.judged(), PLACE, "^web.*ImagePullBackOff", "trivy")


def test_where_the_tool_is_there_the_block_is_held_to_what_it_tells(drill: RecordedDrill) -> None:
    expect.tells(drill.judged(), PLACE, "^web.*ImagePullBackOff", "trivy")
    drill.commands = [pods(HEALTHY)]
    with pytest.raises(AssertionError, match="informs nobody"):
        expect.tells(drill.judged(), PLACE, "^web.*ImagePullBackOff", "trivy")


def test_each_of_several_statements_is_told(drill: RecordedDrill) -> None:
    drill.started = {"symptoms": [symptom(), symptom(pattern="^web")]}
    drill.looked, drill.commands = [pods("NAME\n")], [pods(BROKEN + "web-3 0/1 Pending\n")]
    verdict = drill.judged()
    one = f'"{PLACE}" tells it: web-2 0/1 ImagePullBackOff'
    assert criterion(verdict, "diagnosis").why == f"{one}; {one}"
    assert [(each.verdict, each.samples) for each in verdict.told] == [("pass", 1), ("pass", 2)]
    drill.commands = [pods(HEALTHY, cut=True)]
    doubt = f'"{PLACE}" not all is known: of what it printed only the end was kept'
    drill.started = {"symptoms": [symptom(), symptom(pattern="CrashLoop")]}
    assert (found(drill).why, found(drill).samples) == (f"{doubt}; {doubt}", 2)


def test_the_text_as_first_written_is_named_as_such(drill: RecordedDrill) -> None:
    drill.started = {"symptoms": [symptom(as_written=True)]}
    assert found(drill).why == f'"{PLACE} as first written" was not followed on the healthy target'


@pytest.mark.parametrize(("length", "shown"), [(160, 160), (161, 160), (400, 160)])
def test_a_long_line_is_shown_by_its_beginning(drill: RecordedDrill, length: int, shown: int) -> None:
    line = "web-2 ImagePullBackOff ".ljust(length, "x")
    drill.commands = [pods(line)]
    told = found(drill).why.partition("tells it: ")[2]
    assert told == (line if length <= 160 else line[:157] + "...")
    assert len(told) == shown


def test_who_looks_as_users_are_served_again_comes_too_late(drill: RecordedDrill) -> None:
    drill.commands = [pods(HEALTHY, started=BACK, finished=BACK + 1)]
    assert (found(drill).verdict, found(drill).why) == (
        "inconclusive",
        f'"{PLACE}" was followed when users were served again already',
    )


def test_a_block_reaches_from_its_first_to_its_last_line(drill: RecordedDrill) -> None:
    for line, verdict in ((50, "inconclusive"), (51, "pass"), (53, "pass"), (54, "inconclusive")):
        drill.commands = [command(line, "kubectl get pods", output="  web-9\n" + BROKEN)]
        assert found(drill).verdict == verdict
    drill.commands = [pods("  web-9 ImagePullBackOff\n")]
    assert found(drill).verdict == "fail"  # the pattern is of the line's very beginning


def test_a_command_that_hung_and_two_missing_tools_are_told_word_for_word(drill: RecordedDrill) -> None:
    drill.commands = [pods(HEALTHY, hung=True, interrupted=True)]
    assert found(drill).why == f'"{PLACE}" not all is known: a command hung, and was ended'
    drill.commands = [command(52, "aws eks list | trivy image x", 127)]
    drill.missing_tools = ["trivy", "aws"]
    assert found(drill).why == f'"{PLACE}" nothing is known: not on this machine: aws, trivy'


def test_a_missing_tool_is_inconclusive_by_name(drill: RecordedDrill) -> None:
    drill.commands, drill.missing_tools = [command(52, "aws eks list | grep x", 127)], ["aws", "trivy"]
    assert (found(drill).verdict, found(drill).why) == (
        "inconclusive",
        f'"{PLACE}" nothing is known: not on this machine: aws',
    )
    drill.commands = [command(52, "kubectl get pods", output="nothing")]
    assert found(drill).verdict == "fail"
    drill.commands, drill.missing_tools = [pods(BROKEN)], []
    drill.looked, drill.looked_without = [command(52, "aws eks list", 127)], ["aws"]
    assert found(drill).verdict == "inconclusive"


def test_what_an_emulator_told_is_said(drill: RecordedDrill) -> None:
    by_moto = "; aws was answered by moto 5.2.5 on this machine, not by AWS"
    drill.extra = [(1001.0, "cloud.begun", {"emulator": "moto 5.2.5", "client": "awscli 1.46.3"})]
    drill.commands = [command(52, "aws eks list-clusters", output=BROKEN)]
    assert (found(drill).verdict, found(drill).why.endswith(by_moto)) == ("pass", True)
    drill.commands = [command(52, "aws eks list-clusters", output="nothing")]
    assert (found(drill).verdict, found(drill).why.endswith(by_moto)) == ("fail", True)
    drill.commands = [pods(BROKEN)]
    assert "moto" not in found(drill).why


def test_who_looks_when_users_are_served_again_has_nothing_to_tell(drill: RecordedDrill) -> None:
    drill.commands = [pods(HEALTHY, started=BACK + 1, finished=BACK + 2)]
    assert (found(drill).verdict, "served again already" in found(drill).why) == ("inconclusive", True)


def test_a_look_that_cannot_be_read_is_named(drill: RecordedDrill) -> None:
    folder = drill.write()
    look = folder / "look" / "recording.jsonl"
    look.write_bytes(b"{}\n" + look.read_bytes())

    verdict = judge(folder)
    assert verdict.verdict == "inconclusive"
    assert verdict.unreadable[0].startswith("look/recording.jsonl:1: ")


def test_a_status_that_tells_the_fault_is_no_failure_of_the_command(drill: RecordedDrill) -> None:
    drill.commands = [pods(BROKEN, status=1)]
    drill.procedure_status = 1
    assert criterion(drill.judged(), "procedure").verdict == "pass"
    drill.looked = [pods(HEALTHY, status=1)]
    assert "ended with status 1, and printed last: web-2" in criterion(drill.judged(), "procedure").why
    drill.looked = [command(53, "kubectl get pods")]
    assert criterion(drill.judged(), "procedure").verdict == "fail"


def test_the_look_is_no_procedure(drill: RecordedDrill) -> None:
    drill.commands, drill.procedure, drill.started = [], None, {"procedures": []}
    verdict = drill.judged()
    assert criterion(verdict, "procedure").verdict == "not applicable"
    assert (verdict.procedure_started_seconds, verdict.commands) == (None, [])


def test_what_a_block_prints_is_asked_without_a_look_before(drill: RecordedDrill) -> None:
    drill.started, drill.looked = {"symptoms": [symptom(before="anything")]}, None
    answer = found(drill)
    assert (answer.verdict, answer.why) == ("pass", f'"{PLACE}" prints: web-2 0/1 ImagePullBackOff')
    drill.commands = [pods("No resources found in defalt namespace.\n")]
    verdict = drill.judged()
    assert (criterion(verdict, "diagnosis").verdict, verdict.verdict) == ("fail", "fail")
    assert "does not print it: of 1 lines none holds" in verdict.why
    with pytest.raises(AssertionError, match="does not print it"):
        expect.tells(verdict, PLACE, "^web.*ImagePullBackOff")
    drill.commands = [pods("")]
    assert "does not print it: it printed nothing" in found(drill).why


def test_a_block_whose_commands_are_gone_prints_nothing_unless_a_tool_or_the_end_is_missing(
    drill: RecordedDrill,
) -> None:
    drill.started = {"symptoms": [symptom(before="anything", line=50, last_line=50)]}
    why = f'"{PLACE}" tells nothing: the procedure is over, and none of its commands was run'
    assert (found(drill).verdict, found(drill).why) == ("fail", why)
    drill.started = {"symptoms": [symptom(line=50, last_line=50)]}
    drill.looked = [command(50, "true", output=HEALTHY)]
    assert (found(drill).verdict, found(drill).why) == ("fail", why)
    drill.missing_tools = ["kubectl"]
    assert (found(drill).verdict, "this machine: kubectl" in found(drill).why) == ("inconclusive", True)
    drill.missing_tools, drill.procedure = [], (1012.0, None)
    assert (found(drill).verdict, "the recording ends before" in found(drill).why) == ("inconclusive", True)
    drill.started, drill.procedure = {"symptoms": [symptom(before="anything")]}, (1012.0, 1016.0)
    drill.commands, drill.missing_tools = [pods("", status=127)], ["kubectl"]
    assert (found(drill).verdict, "not on this machine: kubectl" in found(drill).why) == (
        "inconclusive",
        True,
    )
