"""Each operator spoils what it says, in one place, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.lint.document import Document, parse_document
from drill.lint.run import Options, lint_text
from drill.mutate.mutant import OPERATORS, Mutant
from drill.mutate.operators import alert_mutants, mutants

ROOT = Path(__file__).parents[3]
RUNBOOK = ROOT / "runbook" / "operations-runbook.md"


def document(shell: str, above: str = "") -> Document:
    return parse_document(Path("runbook.md"), f"{above}# Repair\n\n```bash\n{shell}\n```\n")


def spoilt(shell: str, operator: str) -> list[str]:
    """The shell of every mutant of an operator."""
    written = document(shell)
    made = mutants(written, range(1, 200))
    texts = [each.applied(written.text) for each in made if each.operator == operator]
    return [text.removeprefix("# Repair\n\n```bash\n").removesuffix("```\n").rstrip("\n") for text in texts]


@pytest.mark.parametrize(
    ("operator", "shell", "expected"),
    [
        ("drop", "set -e\nkubectl get nodes  # all of them", ["kubectl get nodes  # all of them", "set -e"]),
        ("drop", "if [ -f a ]; then rm a; fi\nls", [
            "ls",
            "if [ -f a ]; then :; fi\nls",
            "if [ -f a ]; then rm a; fi",
        ]),
        ("drop", "echo 'it begins'\nrm a", ["echo 'it begins'"]),
        ("drop", "python -m http.server &\nkill $!", ["kill $!", "python -m http.server &"]),
        ("swap", "set -e\nrm a\n# then\nrm b", ["rm a\nset -e\n# then\nrm b", "set -e\nrm b\n# then\nrm a"]),
        ("swap", "kubectl get pods\nkubectl logs deployment/web | tail -5", []),
        ("swap", "sleep 9 &\nJOB=$!", ["JOB=$!\nsleep 9 &"]),
        ("namespace", "kubectl get pods -n shop", ["kubectl get pods -n default", "kubectl get pods -n sho"]),
        (
            "namespace",
            'SPACE="shop"\nkubectl get pods -n $SPACE',
            ['SPACE="default"\nkubectl get pods -n $SPACE', 'SPACE="sho"\nkubectl get pods -n $SPACE'],
        ),
        (
            "name",
            "kubectl rollout undo deployment/web\nkubectl logs deployment/redis",
            [
                "kubectl rollout undo deployment/redis\nkubectl logs deployment/redis",
                "kubectl rollout undo deployment/we\nkubectl logs deployment/redis",
                "kubectl rollout undo deployment/web\nkubectl logs deployment/redi",
                "kubectl rollout undo deployment/web\nkubectl logs deployment/web",
            ],
        ),
        ("name", "kubectl logs -l app=web", ["kubectl logs -l app=we"]),
        ("container", "kubectl logs deployment/web -c app", ["kubectl logs deployment/web -c ap"]),
        ("path", "ls /srv/data/live.db", ["ls /srv/data/liv.db"]),
        ("path", "curl http://web:8000/health", ["curl http://web:8000/healt"]),
        ("path", "ls x 2>/dev/null", []),
        ("path", "cp a.db b.db", ["cp ax.db b.db", "cp a.db bx.db"]),
        (
            "replicas",
            "kubectl scale deployment web --replicas=3",
            ["kubectl scale deployment web --replicas=0", "kubectl scale deployment web --replicas=1"],
        ),
        ("replicas", "kubectl scale deploy web --replicas=0", ["kubectl scale deploy web --replicas=1"]),
        ("wait", "sleep 5\nls", ["ls"]),
        ("wait", "kubectl wait pod/a --for=delete\nkubectl rollout status deployment/web", [
            "kubectl rollout status deployment/web",
            "kubectl wait pod/a --for=delete",
        ]),
        ("guard", "if [ -f a ]; then rm a; fi", ["if ! [ -f a ]; then rm a; fi"]),
        ("guard", "if ! ls a; then exit 1; fi", ["if ls a; then exit 1; fi"]),
        ("guard", "test -f a && rm a", ["test -f a || rm a"]),
        ("guard", "cat a | grep -x PONG", ["cat a | grep -v -x PONG"]),
        ("limit", "kubectl wait pod/a --timeout=120s", ["kubectl wait pod/a --timeout=1s"]),
        ("limit", "kubectl logs deployment/web --tail=-1 --since=15m", [
            "kubectl logs deployment/web --tail=10 --since=15m",
            "kubectl logs deployment/web --tail=-1 --since=1s",
        ]),
        ("limit", '[ "$ready" -gt 0 ] || exit 1', ['[ "$ready" -gt 1000 ] || exit 1']),
        ("limit", "find . -mmin -420", ["find . -mmin -1"]),
        ("backup", "find /backups | sort -r | head -1", [
            "find /backups | sort | head -1",
            "find /backups | sort -r | tail -1",
        ]),
        ("backup", "find /srv | sort -r | head -1", []),
    ],
)  # fmt: skip
def test_an_operator_spoils_what_it_says(operator: str, shell: str, expected: list[str]) -> None:
    assert sorted(spoilt(shell, operator)) == sorted(expected)


def test_a_script_inside_is_spoilt_too() -> None:
    shell = "kubectl exec -i deployment/web -- bash -s <<'EOF'\nset -e\nmv new.db live.db\nEOF"
    assert "set -e\nEOF" in spoilt(shell, "drop")[-1]
    assert any("mv ne.db live.db" in text for text in spoilt(shell, "path"))


def test_an_applied_object_is_spoilt_by_its_names_and_paths() -> None:
    shell = """kubectl apply -f - <<'EOF'
kind: Pod
metadata: {name: look}
spec:
  containers: [{image: 'web:1', volumeMounts: [{name: data, mountPath: /srv/data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: shop-data}}]
EOF"""
    assert ["claimName: shop-dat}" in text for text in spoilt(shell, "name")].count(True) == 1
    assert ["mountPath: /srv/dat}" in text for text in spoilt(shell, "path")].count(True) == 1


def test_a_block_in_a_list_keeps_its_indent() -> None:
    text = "# Repair\n1. First\n   ```bash\n   set -e\n   rm a.db\n   ```\n"
    made = mutants(parse_document(Path("runbook.md"), text), range(1, 99))
    texts = {each.operator: each.applied(text) for each in made if each.line == 5}
    assert texts["drop"] == "# Repair\n1. First\n   ```bash\n   set -e\n   ```\n"
    assert "   rm ax.db\n" in texts["path"]


def test_only_what_scenarios_follow_is_spoilt() -> None:
    written = document("rm a\nrm b\nrm c")
    assert [each.line for each in mutants(written, {5}) if each.operator == "drop"] == [5]
    assert mutants(written, ()) == []


def test_what_the_parser_does_not_read_is_left() -> None:
    assert mutants(document("if [ -f a; then\nrm a"), range(1, 99)) == []


def test_an_id_is_the_same_wherever_the_section_stands() -> None:
    shell = "rm a\nkubectl get pods -n shop\nrm a"
    here = mutants(document(shell), range(1, 99))
    below = mutants(document(shell, "# Other\n\n```bash\nrm z\n```\n\n"), range(7, 99))
    assert [each.id for each in here] == [each.id for each in below]
    assert len({each.id for each in here}) == len(here)
    assert [each.line + 6 for each in here] == [each.line for each in below]


def test_an_alert_is_spoilt_by_its_severity_and_its_link() -> None:
    alert = (
        '- alert: {}\n  expr: up == 0\n  labels: {{severity: {}}}\n  annotations:\n    runbook_url: "{}"\n'
    )
    fence = alert.format("Down", "P0", "#down") + alert.format("Slow", "P2", "#slow")
    written = parse_document(Path("runbook.md"), f"# Alerts\n\n```yaml\n{fence}```\n")
    made = alert_mutants(written)
    assert {each.operator for each in made} == {"alert"}
    assert sorted((each.line, each.after.strip()) for each in made) == [
        (6, "labels: {severity: P2}"),
        (6, "labels: {severity: P}"),
        (8, 'runbook_url: "#dow"'),
        (8, 'runbook_url: "#slow"'),
        (11, "labels: {severity: P0}"),
        (11, "labels: {severity: P}"),
        (13, 'runbook_url: "#down"'),
        (13, 'runbook_url: "#slo"'),
    ]
    assert alert_mutants(parse_document(Path("runbook.md"), "```yaml\nalert: [\n```\n")) == []


@pytest.fixture(scope="module")
def corrected() -> tuple[Document, list[Mutant]]:
    written = parse_document(RUNBOOK, RUNBOOK.read_text(encoding="utf-8"))
    return written, [*mutants(written, range(1, len(written.lines) + 1)), *alert_mutants(written)]


def test_every_operator_finds_a_place_in_the_runbook(corrected: tuple[Document, list[Mutant]]) -> None:
    assert {each.operator for each in corrected[1]} == set(OPERATORS)
    again = mutants(corrected[0], range(1, len(corrected[0].lines) + 1))
    assert corrected[1] == [*again, *alert_mutants(corrected[0])]


def test_a_mutant_differs_on_its_lines_alone(corrected: tuple[Document, list[Mutant]]) -> None:
    written, made = corrected
    for each in made:
        lines = each.applied(written.text).split("\n")
        behind = len(written.lines) - each.last_line
        assert lines[: each.line - 1] == list(written.lines[: each.line - 1])
        assert lines[len(lines) - behind :] == list(written.lines[each.last_line :])
        assert each.applied(written.text) != written.text


def test_mutants_are_shell_that_can_be_run(corrected: tuple[Document, list[Mutant]]) -> None:
    """A text that no shell reads is no test of anything: bash -n says so of none of a sample."""
    written, made = corrected
    options = Options(select=("D010",))
    for each in made[:: len(made) // 8]:
        assert lint_text(each.applied(written.text), options, RUNBOOK) == []
