"""What is read of a shell block: words, who looks at a status, where a command runs, and where it stands in
the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.lint.document import parse_document
from drill.lint.kubectl import parse_kubectl
from drill.lint.shell import Command, Script
from drill.lint.shell_reader import read_script


def script(text: str, language: str = "bash") -> Script:
    return read_script(parse_document(Path("t.md"), f"# T\n```{language}\n{text}\n```\n").fences)


def named(text: str, name: str) -> Command:
    return next(command for command in script(text).commands if command.name == name)


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("probe", False),
        ("if probe; then echo; fi", True),
        ("probe && echo", True),
        ("! probe", True),
        ("while probe; do echo; done", True),
        ("probe | tail", False),
        ("if tail | probe; then echo; fi", True),
        ("probe\n[ $? -eq 0 ]", True),
        ("echo && probe", False),
        ("X=$(probe)", False),
        ("if X=$(probe); then echo; fi", True),
        ("kubectl exec pod -- probe && echo", True),
    ],
)
def test_who_reads_a_status(text: str, judged: bool) -> None:
    assert named(text, "probe").is_judged == judged


@pytest.mark.parametrize(
    "text",
    [
        "kubectl exec -i pod -n space -- probe --all",
        "kubectl exec pod -- sh -c 'probe --all'",
        'kubectl exec pod -- bash -c "cd /x && probe --all"',
        "kubectl exec -i pod -- bash -s <<'EOF'\nprobe --all\nEOF",
        "docker exec -it -u root box probe --all",
    ],
)
def test_a_command_that_runs_elsewhere_is_read_too(text: str) -> None:
    inner = named(text, "probe")
    assert inner.runs_in is not None
    assert inner.runs_in.name in {"kubectl", "docker"}
    assert inner.texts == ["--all"]


def test_a_place_is_that_of_the_file_also_inside_a_quoted_script() -> None:
    inner = named("# one\nkubectl exec pod -- \\\n    sh -c 'first; probe'", "probe")
    assert (inner.span.line, inner.span.column) == (5, 19)


def test_a_place_counts_the_indentation_of_a_list() -> None:
    text = "1. Do\n\n   ```bash\n   probe --all\n   ```\n"
    command = read_script(parse_document(Path("t.md"), text).fences).commands[0]
    assert (command.span.line, command.span.column, command.span.end_column) == (4, 4, 15)


def test_characters_outside_ascii_do_not_move_a_place() -> None:
    command = named('echo "✅ é"; probe', "probe")
    assert command.span.column == 13


def test_a_variable_that_the_text_sets_is_put_in() -> None:
    command = named('SPACE="novel"\nprobe -n $SPACE "$UNKNOWN"', "probe")
    assert [word.text for word in command.arguments] == ["-n", "novel", "$UNKNOWN"]
    assert [word.is_literal for word in command.arguments] == [True, True, False]


def test_a_variable_behind_a_blank_in_quotes_is_named_without_it() -> None:
    uses = script('probe "$A  $B"').uses
    assert [(use.name, use.span.column) for use in uses] == [("A", 8), ("B", 12)]


@pytest.mark.parametrize("written", ["<pod-name>", "<your pod>", "<größe>", "{{ pod }}"])
def test_a_place_to_fill_is_a_word_and_no_redirection(written: str) -> None:
    command = named(f"probe {written} --all", "probe")
    assert command.arguments[0].is_placeholder
    assert command.redirects == []


def test_of_a_terminal_only_what_was_typed_is_read() -> None:
    typed = script("$ probe \\\n  --all\nname   ready\n$ other\nNothing (yet)", "console").commands
    assert [command.name for command in typed] == ["probe", "other"]


def test_a_block_that_bash_would_not_read_is_named() -> None:
    assert len(script("if probe; then (").unread) == 1
    assert script("if probe; then echo; fi").unread == []


def test_redirections_belong_to_their_command() -> None:
    command = named("probe --all > out.txt 2>&1", "probe")
    assert [word.text for word in command.writes_to()] == ["out.txt"]
    assert named("probe >/dev/null", "probe").is_silenced


@pytest.mark.parametrize(
    ("text", "verb", "targets", "options"),
    [
        ("kubectl -n s get pods -l app=a", "get", [], {"namespace": "s", "selector": "app=a"}),
        ("kubectl get pods a b -n=s", "get", [("Pod", "a"), ("Pod", "b")], {"namespace": "s"}),
        (
            "kubectl rollout status deploy/a --timeout 5s",
            "rollout status",
            [("Deployment", "a")],
            {"timeout": "5s"},
        ),
        ("kubectl logs a -c b -f", "logs", [("Pod", "a")], {"container": "b", "follow": ""}),
        ("kubectl exec -it a -- ls -l", "exec", [("Pod", "a")], {"stdin": "", "tty": ""}),
        ("kubectl cp f s/a:/tmp/f", "cp", [("Pod", "a")], {}),
        ("kubectl set image deploy/a b=c:1", "set image", [("Deployment", "a")], {}),
        ("kubectl top pods -A", "top pods", [], {"all-namespaces": ""}),
        ("kubectl scale sts a --replicas=0", "scale", [("StatefulSet", "a")], {"replicas": "0"}),
        ("kubectl logs -lapp=a --tail=5", "logs", [], {"selector": "app=a", "tail": "5"}),
    ],
)
def test_arguments_of_kubectl(
    text: str, verb: str, targets: list[tuple[str, str]], options: dict[str, str]
) -> None:
    call = parse_kubectl(script(text).commands[0])
    assert call is not None
    assert call.verb == verb
    assert [(target.kind, target.name) for target in call.targets] == targets
    assert {option.name: option.text for option in call.options} == options


def test_a_line_end_that_the_grammar_misses_ends_its_command() -> None:
    text = (
        "kubectl logs -l app=x --tail=-1 --since=15m | grep -i error | tail -50\n\nrm -rf /srv/data/live\n"
        "[ -f /backups/newest.tar ] || exit 1\ntar -xf /backups/newest.tar\n"
    )
    assert [command.name for command in script(text).commands] == [
        "kubectl",
        "grep",
        "tail",
        "rm",
        "[",
        "exit",
        "tar",
    ]
