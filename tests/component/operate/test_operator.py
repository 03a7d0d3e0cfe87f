"""The operator with a real bash: which commands it reports, what it interrupts, and that nothing of a step is
left behind.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drill import wait
from drill.errors import ForeignClusterError, InputError, SetupError
from drill.operate import World
from drill.operate.operator import KEPT_CHARACTERS
from drill.operate.world import SYSTEM_PATH
from drill.recording.events import CommandFinished, ProcedureFinished, ProcedureStarted

Run = Callable[[str], list[tuple[int, str, int]]]
LONGEST_COMMAND_SECONDS = 20.0
"""As `place` has it: what took less was not ended as a command that hangs."""
SET_SECONDS = 120.0
"""By which a clock is set."""


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("true\n\n# a comment\nfalse", [(1, "true", 0), (4, "false", 1)]),
        ("false\nfor each in $(echo a); do\n  true\ndone", [(1, "false", 1), (3, "true", 0)]),
        (
            "false | cat | false\nfor each in $(echo a | cat); do\n  true\ndone",
            [(1, "false | cat | false", 1), (3, "true", 0)],
        ),
        ("true\nfor each in $(false); do\n  true\ndone\ntrue", [(1, "true", 0), (5, "true", 0)]),
        ("echo a \\\n  b\n\ntrue", [(1, "echo a b", 0), (4, "true", 0)]),
        ("false | \\\n  cat | tail -1\ntrue", [(1, "false | cat | tail -1", 0), (3, "true", 0)]),
        ("true | true\ntrue | false\ntrue", [(1, "true | true", 0), (2, "true | false", 1), (3, "true", 0)]),
        (
            "if [ -f /none ]; then\n  echo no\nelse\n  echo yes\nfi",
            [(1, "[ -f /none ]", 1), (4, "echo yes", 0)],
        ),
        ("false || true && echo x", [(1, "false", 1), (1, "true", 0), (1, "echo x", 0)]),
        ("sleep 60 &\ntrue", [(1, "sleep 60 &", 0), (2, "true", 0)]),
        ("sleep 60 | cat &", [(1, "sleep 60 | cat &", 0)]),
        ("for i in 1 2; do\n  echo $i\ndone", [(2, "echo $i", 0), (2, "echo $i", 0)]),
        (
            "f() {\n  true\n  return 3\n}\nf\ntrue",
            [(2, "true", 0), (3, "return 3", 3), (5, "f", 3), (6, "true", 0)],
        ),
        ("x=$(echo 1; false)\n[[ $x == 1 ]]", [(1, "x=$(echo 1; false)", 1), (2, "[[ $x == 1 ]]", 0)]),
        ("(cd /none; true)\ntrue", [(1, "cd /none", 1), (1, "true", 0), (2, "true", 0)]),
        ("echo a | while read l; do echo $l; done\ntrue", [(1, "echo a | ...", 0), (2, "true", 0)]),
        ("diff <(echo a) <(echo b)\ntrue", [(1, "diff <(echo a) <(echo b)", 1), (2, "true", 0)]),
        ("cat <<EOF\ntext\nEOF\ntrue", [(1, "cat <<EOF\ntext\nEOF\n", 0), (4, "true", 0)]),
        ("true\nexit 4\ntrue", [(1, "true", 0), (2, "exit 4", 4)]),
        ("set -euo pipefail\nfalse | true\ntrue", [(1, "set -euo pipefail", 0), (2, "false | true", 1)]),
        ("trap 'echo bye' EXIT\nfalse", [(1, "trap 'echo bye' EXIT", 0), (2, "false", 1)]),
    ],
)
def test_each_command_is_reported_with_its_line_and_status(
    run: Run, text: str, commands: list[tuple[int, str, int]]
) -> None:
    assert run(text) == commands


def test_the_step_sees_what_it_would_see_in_a_shell_of_its_own(place: Any) -> None:
    text = (
        'true one\necho "$_"\n(exit 7)\necho $?\nfalse | true\necho "${PIPESTATUS[@]}"\necho $# '
        '"${FUNCNAME-none}" "${BASH_ENV-none}"'
    )
    result = place.operator().follow("Procedure", [place.step(text)])
    assert [command.output for command in result.commands if command.text.startswith("echo")] == [
        "one\n",
        "7\n",
        "1 0\n",
        "0 none none\n",
    ]


def test_what_a_command_printed_is_kept_whole_and_of_very_much_the_end(place: Any) -> None:
    """`kubectl get events` prints a third of a million characters on a cluster that is drilled all day."""
    text = "seq 100000\n{ seq 600000 | sed s/^/event/; } && echo last"
    place.operator().follow("Procedure", [place.step(text)])
    whole, *_, large, last = place.events(CommandFinished)
    assert (whole.output, whole.cut) == ("".join(f"{each}\n" for each in range(1, 100_001)), False)
    assert (len(large.output), large.cut) == (KEPT_CHARACTERS, True)
    assert large.output.endswith("event599999\nevent600000\n")
    assert (last.output, last.cut) == ("last\n", False)


def test_parts_of_a_pipeline_have_their_own_lines_and_statuses(place: Any) -> None:
    place.operator().follow(
        "Procedure", [place.step("no-such-tool-1 2>/dev/null | \\\n  cat | \\\n  grep x")]
    )
    (finished,) = place.events(CommandFinished)
    assert [(part.line, part.status) for part in finished.parts] == [(4, 127), (5, 0), (6, 1)]
    assert finished.status == 1


def test_output_belongs_to_its_command_and_is_kept(place: Any) -> None:
    result = place.operator().follow("Procedure", [place.step("echo one\nls /none\necho two >&2")])
    assert [command.output for command in result.commands][::2] == ["one\n", "two\n"]
    assert "/none" in result.commands[1].output
    transcript = result.transcripts[0].read_text(encoding="utf-8")
    assert "one\n" in transcript
    assert "line 5: status 2" in transcript
    assert result.transcripts[0].with_suffix(".jsonl").stat().st_size > 0


def test_events_say_when_and_how(place: Any) -> None:
    before = time.monotonic()
    result = place.operator().follow("Recover", [place.step("sleep 0.3\nfalse")])
    after = time.monotonic()
    (started,), (finished,) = place.events(ProcedureStarted), place.events(ProcedureFinished)
    assert (started.procedure, started.section, started.line) == ("Recover", "Procedure", 4)
    assert finished.status == result.status == 1
    first, second = place.events(CommandFinished)
    assert before < first.started < first.finished <= second.started < second.finished < after
    assert first.finished - first.started >= 0.3


@pytest.mark.parametrize(
    "stream",
    [
        "tail -f /dev/null",
        "tail -f /dev/null | cat",
        "x=$(tail -f /dev/null)",
        "f() { tail -f /dev/null; }; f",
        "(tail -f /dev/null)",
    ],
)
def test_a_stream_is_interrupted_and_the_next_command_runs(place: Any, stream: str) -> None:
    result = place.operator().follow("Procedure", [place.step(f"{stream}\necho next")])
    interrupted = [command for command in result.commands if command.interrupted]
    assert len(interrupted) == 1
    assert 0.5 <= interrupted[0].seconds < LONGEST_COMMAND_SECONDS
    assert not interrupted[0].hung
    assert result.commands[-1].output == "next\n"


def test_a_stream_that_will_not_stop_is_killed(place: Any) -> None:
    text = "./watch\necho next"
    stubborn = place.folder / "watch"
    stubborn.write_text("#!/bin/sh\ntrap '' INT TERM\nwhile :; do sleep 0.1; done\n", encoding="utf-8")
    stubborn.chmod(0o755)
    result = place.operator(World(place.kubeconfig, files={"watch": stubborn})).follow(
        "Procedure", [place.step(text)]
    )
    assert [command.interrupted for command in result.commands] == [True, False]
    assert result.commands[-1].output == "next\n"


def test_a_slow_command_is_left_alone_until_the_long_limit(place: Any) -> None:
    step = place.step("sleep 1\nsleep 300\necho next")
    result = place.operator(longest_command_seconds=6).follow("Procedure", [step])
    assert [command.hung for command in result.commands] == [False, True, False]
    assert [command.hung for command in place.events(CommandFinished)] == [False, True, False]
    assert result.status == 130


def test_what_hung_has_failed_whatever_it_says_when_it_is_ended(place: Any) -> None:
    patient = place.folder / "rollout"
    patient.write_text("#!/bin/sh\ntrap 'exit 0' INT\nwhile :; do sleep 0.1; done\n", encoding="utf-8")
    patient.chmod(0o755)
    operator = place.operator(World(place.kubeconfig, files={"rollout": patient}), longest_command_seconds=1)
    result = operator.follow("Procedure", [place.step("./rollout --watch\ntrue")])
    assert [(command.status, command.hung) for command in result.commands] == [(0, True), (0, False)]
    assert result.status == 130


def test_a_loop_without_end_is_ended_by_the_limit_of_the_step(place: Any) -> None:
    began = time.monotonic()
    result = place.operator(longest_step_seconds=1.5).follow(
        "Procedure", [place.step("while true; do sleep 0.1; done")]
    )
    assert 1.5 <= time.monotonic() - began < LONGEST_COMMAND_SECONDS
    assert result.commands[-1].hung
    assert result.status == 130


def test_a_missing_tool_is_recorded_by_name(place: Any) -> None:
    text = "no-such-tool-1 --now\nno-such-tool-2 | cat\nno-such-tool-1"
    result = place.operator().follow("Procedure", [place.step(text)])
    assert result.missing_tools == ("no-such-tool-1", "no-such-tool-2")
    assert place.events(ProcedureFinished)[0].missing_tools == ["no-such-tool-1", "no-such-tool-2"]
    assert result.commands[0].status == 127
    assert "command not found" in result.commands[0].output


@pytest.mark.parametrize(
    ("text", "failures"),
    [
        ("false || true", []),
        ("false && true\ntrue", []),
        ("if false; then true; else true; fi", []),
        ("if ! false; then true; fi", []),
        ("n=0\nuntil [ $n = 2 ]; do n=$((n + 1)); done", []),
        ("check() { false; }\nif check; then true; fi\ncheck || true", []),
        ("(false) || true", []),
        ("false | false || true", []),
        ("x=$(false) || true", []),
        ("set -e\nfalse || true\ntrue", []),
        ("false || {\n  true\n}\ntrue", []),
        ("[ -f /none ] && true", []),
        ("false", ["false"]),
        ("false; true", ["false"]),
        ("true || true\nfalse\ntrue", ["false"]),
        ("true && false\ntrue", ["false"]),
        ("false || false\ntrue", ["false"]),
        ("check() { false; }\ncheck\ntrue", ["false", "check"]),
        ("check() { false || return 3; }\ncheck\ntrue", ["return 3", "check"]),
        ("(false; true)\ntrue", ["false"]),
        ("true | false\ntrue", ["true | false"]),
        ("set -o pipefail\nfalse | true\ntrue", ["false | true"]),
        ("x=$(false)\ntrue", ["x=$(false)"]),
        ("set -e\nfalse\ntrue", ["false"]),
        ("set -u\necho $none\ntrue", ["echo $none"]),
        ("false || exit 3", ["exit 3"]),
        ("for i in 1 2; do false; done\ntrue", ["false", "false"]),
        ("if true; then\n  false\nfi\ntrue", ["false"]),
        ("no-such-tool || true\nno-such-tool\ntrue", ["no-such-tool"]),
        ("trap 'echo wrong' ERR\nfalse || true", ["false"]),
    ],
)
def test_a_failure_that_the_text_handles_is_none_of_the_procedure(
    place: Any, text: str, failures: list[str]
) -> None:
    result = place.operator().follow("Procedure", [place.step(text)])
    assert [command.text for command in result.commands if command.failed] == failures
    recorded = place.events(CommandFinished)
    assert [one.command for one in recorded if one.status != 0 and not one.handled] == failures
    assert (result.status != 0) == bool(failures)


def test_a_clock_that_is_set_interrupts_nothing_and_changes_no_time(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what is set is the wall clock of the process that watches; the machine's own is everybody's
    started, honest = time.monotonic(), time.time
    monkeypatch.setattr(
        time, "time", lambda: honest() + (SET_SECONDS if time.monotonic() > started + 0.5 else 0)
    )
    operator = place.operator()
    result = operator.follow("Procedure", [place.step("sleep 1.5\ntail -f /dev/null")])
    assert [command.interrupted for command in result.commands] == [False, True]
    assert 1.5 <= result.commands[0].seconds < SET_SECONDS
    assert 0.5 <= result.commands[1].seconds < SET_SECONDS


def test_what_a_procedure_leaves_in_the_background_runs_on_until_the_operator_is_closed(place: Any) -> None:
    marks = [f"86{number}.{os.getpid()}" for number in range(3)]
    text = (
        f"sleep {marks[0]} &\nsetsid sleep {marks[1]} &\n(trap '' TERM HUP; sleep {marks[2]} & "
        "disown)\nsleep 0.5\necho done"
    )
    operator = place.operator()
    result = operator.follow("Procedure", [place.step(text)])
    assert result.commands[-1].output == "done\n"
    (finished,) = place.events(ProcedureFinished)
    assert sorted(finished.background) == sorted(result.background)
    assert sorted(result.background) == [
        f"sleep {marks[0]} &",
        f"sleep {marks[1]}",
        f"sleep {marks[2]} &",
    ]
    assert [len(running(mark)) for mark in marks] == [1, 1, 1]
    assert operator.running()
    operator.close()
    assert [mark for mark in marks if running(mark)] == []
    assert not operator.running()


def test_a_background_that_only_watches_is_not_waited_for(place: Any) -> None:
    operator = place.operator()
    result = operator.follow(
        "Procedure", [place.step("tail -f /dev/null &\ntrue\n(tail -f /dev/null | cat) &\ntrue")]
    )
    assert len(result.background) == 2
    assert "tail -f /dev/null &" in result.background
    # a subshell is bash until it has started what it runs
    wait.until("only streams to be left", operator.running, lambda running: not running, seconds=60)


def test_the_background_of_one_procedure_serves_the_next(place: Any) -> None:
    operator = place.operator()
    operator.follow("First", [place.step("(sleep 1; echo late > made; echo said) &\ntrue")])
    second = operator.follow("Second", [place.step("while ! [ -f made ]; do sleep 0.1; done\ncat made")])
    assert second.commands[-1].output == "late\n"
    assert operator.running() is False
    operator.close()
    transcripts = sorted((place.folder / "evidence" / "transcripts").glob("*.txt"))
    assert "said\n" in transcripts[0].read_text(encoding="utf-8")


def test_output_of_the_background_is_kept(place: Any) -> None:
    operator = place.operator()
    result = operator.follow(
        "Procedure",
        [
            place.step(
                "(trap 'echo asked to end; exit' TERM; echo forwarding; while :; do sleep 0.05; done) "
                "&\nsleep 0.5"
            )
        ],
    )
    assert result.background[0].startswith("( ... sleep 0.05 ... ) &")
    operator.close()
    transcript = result.transcripts[0].read_text(encoding="utf-8")
    assert "forwarding" in transcript
    assert "asked to end" in transcript


def test_a_file_handed_over_later_is_there_for_the_next_procedure(place: Any) -> None:
    handed = place.folder / "handed"
    operator = place.operator(World(place.kubeconfig, handed=handed))
    operator.follow("First", [place.step("ls\necho mine > own")])
    handed.mkdir()
    (handed / "backup.db").write_text("data", encoding="utf-8")
    second = operator.follow("Second", [place.step("cat backup.db own")])
    assert second.commands[0].output == "datamine\n"


def test_what_would_be_refused_later_is_refused_when_asked(place: Any) -> None:
    operator = place.operator()
    assert operator.check([place.step("echo {token}")], {"token": "t"}) == [
        tool for tool in place.settings.operator.tools if shutil.which(tool, path=SYSTEM_PATH) is None
    ]
    with pytest.raises(InputError):
        operator.check([place.step("echo {token}")])
    place.write_kubeconfig("kind-other")
    with pytest.raises(ForeignClusterError):
        operator.check()


def test_a_token_that_ends_is_refused(place: Any) -> None:
    def kubeconfig(ends: float) -> None:
        claims = base64.urlsafe_b64encode(json.dumps({"exp": ends}).encode()).decode().rstrip("=")
        place.kubeconfig.write_text(
            "current-context: kind-drill\ncontexts: [{name: kind-drill, context: {cluster: c, user: u}}]\n"
            f"users: [{{name: u, user: {{token: e30.{claims}.sign}}}}]\n",
            encoding="utf-8",
        )

    kubeconfig(time.time() + 7200)
    place.operator().check()
    kubeconfig(time.time() + 1800)
    with pytest.raises(SetupError, match="ends within the hour; `drill up` renews it"):
        place.operator().check()


@pytest.mark.parametrize("at_the_end", ["", " &"], ids=["while a step runs", "between two steps"])
def test_nothing_of_a_step_is_left_when_the_operator_is_killed(place: Any, at_the_end: str) -> None:
    mark = f"87.{os.getpid()}"
    place.step(f"setsid sleep {mark} &\nsleep {mark}{at_the_end}")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from "
        "tests.component.operate.conftest import Place, ROOT\n"
        "from drill.runbook import parse; from drill.settings import load\n"
        "place = Place(Path(sys.argv[2]), load(ROOT / 'drill.toml'))\n"
        "place.operator().follow('Procedure', [parse(Path(sys.argv[2]) / 'runbook.md').step('Procedure')])\n"
        "import time; time.sleep(60)\n"
    )
    homes = place.folder / "homes"
    homes.mkdir()
    operator = subprocess.Popen(
        [sys.executable, "-c", program, str(Path(__file__).parents[3]), str(place.folder)],
        env={**os.environ, "TMPDIR": str(homes)},
    )
    try:
        wait.until(
            "both commands of the step", lambda: running(mark), lambda found: len(found) == 2, seconds=60
        )
    finally:
        operator.send_signal(signal.SIGKILL)
        operator.wait()
    wait.until("no process of the step", lambda: running(mark), lambda found: not found, seconds=60)
    wait.until("no folder of the operator", lambda: list(homes.iterdir()), lambda left: not left, seconds=60)


def running(mark: str) -> list[str]:
    """Processes `sleep MARK` of this machine."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"sleep", mark.encode()]:
                found.append(name)
    return found


def test_the_world_is_only_what_it_was_given(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
    (place.folder / "tools").mkdir()
    tool = place.folder / "tools" / "kubectl"
    tool.write_text('#!/bin/sh\necho "drill\'s own: $KUBECONFIG"\n', encoding="utf-8")
    tool.chmod(0o755)
    (place.folder / "backup.db").write_text("data", encoding="utf-8")
    world = World(
        place.kubeconfig,
        tools=(place.folder / "tools",),
        connect={"novel-engine.com:443": "127.0.0.1:18443"},
        files={"backup-latest.db": place.folder / "backup.db"},
        variables={"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"},
    )
    text = (
        'env | cut -d= -f1 | sort | tr "\\n" " "\nkubectl\ncat backup-latest.db\ncat '
        '"$CURL_HOME/.curlrc"\ntty\ncat'
    )
    commands = place.operator(world).follow("Procedure", [place.step(text)]).commands
    names = set(commands[0].output.split())
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {
        "AWS_ENDPOINT_URL", "CURL_HOME", "HOME", "KUBECONFIG", "LANG", "LC_ALL", "PATH", "TERM", "USER"
    }  # fmt: skip
    assert commands[1].output.startswith("drill's own: /")
    assert str(place.kubeconfig) not in commands[1].output
    assert commands[2].output == "data"
    assert commands[3].output == 'connect-to = "novel-engine.com:443:127.0.0.1:18443"\n'
    assert commands[4].output == "not a tty\n"
    assert commands[5].output == ""


@pytest.mark.parametrize(
    "contexts", [("kind-other",), ("kind-drill", "production"), ("production", "kind-drill")]
)
def test_a_kubeconfig_that_leads_elsewhere_is_refused_before_anything_runs(
    place: Any, contexts: tuple[str, ...]
) -> None:
    place.write_kubeconfig(*contexts)
    with pytest.raises(ForeignClusterError):
        place.operator().follow("Procedure", [place.step(f"touch {place.folder}/ran")])
    assert not (place.folder / "ran").exists()


def test_an_unbound_placeholder_is_refused_before_anything_runs(place: Any) -> None:
    step = place.step(f"touch {place.folder}/ran\nkubectl describe pod <pod-name>")
    with pytest.raises(InputError) as caught:
        place.operator().follow("Procedure", [step])
    assert caught.value.line == 5
    assert not (place.folder / "ran").exists()
    assert place.events(ProcedureStarted) == []


def test_values_take_the_places_of_placeholders(place: Any) -> None:
    result = place.operator().follow(
        "Procedure", [place.step("echo {token} <pod-name>")], {"token": "t-1", "pod-name": "p-1"}
    )
    assert result.commands[0].output == "t-1 p-1\n"


def test_what_the_background_does_ends_no_command_in_the_foreground(place: Any) -> None:
    result = place.operator().follow(
        "Procedure", [place.step("(sleep 0.2; while :; do sleep 0.05; done) &\nsleep 1\nfalse")]
    )
    assert [(command.text, command.status) for command in result.commands][-2:] == [
        ("sleep 1", 0),
        ("false", 1),
    ]
    assert result.commands[-2].seconds > 0.9
