"""sqlite3's arguments, and what opens a prompt: what is an option's value is no statement."""

from __future__ import annotations

import pytest

from drill.lint.run import Options, lint_text

POD = "kubectl exec deployment/novel-engine -n novel-engine-production --"


def rules_of(text: str, beside: Options) -> set[str]:
    return {found.rule for found in lint_text(f"# Example\n\n```bash\n{text}\n```\n", beside)}


@pytest.mark.parametrize(
    "arguments",
    [
        '-cmd ".headers on" /app/data/engine.db "SELECT 1;"',
        '-separator , /app/data/engine.db "SELECT 1;"',
        '-lookaside 64 100 /app/data/engine.db "SELECT 1;"',
    ],
)
def test_a_statement_that_waits_for_no_lock(arguments: str, beside: Options) -> None:
    assert rules_of(f"{POD} sqlite3 {arguments}", beside) == {"D311"}


@pytest.mark.parametrize(
    "arguments",
    [
        '--cmd ".timeout 30000" /app/data/engine.db "SELECT 1;"',
        '-cmd ".headers on" -cmd "PRAGMA busy_timeout = 30000" /app/data/engine.db "SELECT 1;"',
        '-init /app/patient.sql /app/data/engine.db "SELECT 1;"',
        '/app/data/engine.db ".timeout 30000" "SELECT 1;"',
        '-csv -separator , -cmd ".timeout 30000" /app/data/engine.db "SELECT 1;"',
    ],
)
def test_a_statement_that_waits(arguments: str, beside: Options) -> None:
    assert rules_of(f"{POD} sqlite3 {arguments}", beside) == set()


def test_a_setting_alone_stays_one_behind_an_option_that_has_a_value(beside: Options) -> None:
    found = rules_of(f'{POD} sqlite3 -separator , /app/data/engine.db ".timeout 30000"', beside)
    assert found == {"D604"}


@pytest.mark.parametrize(
    "command",
    ['sqlite3 -cmd ".timeout 30000" /app/data/engine.db', "sqlite3 -separator , /app/data/engine.db"],
)
def test_a_prompt_behind_an_option_that_has_a_value(command: str, beside: Options) -> None:
    pod = POD.replace("exec", "exec -it")
    assert rules_of(f"{pod} {command}\necho done", beside) == {"D206"}


@pytest.mark.parametrize(
    "command", ["psql --version", "mysql -V", "sqlite3 -version", "redis-cli --version", "python3 -V"]
)
def test_a_question_for_the_version_opens_no_session(command: str, beside: Options) -> None:
    assert rules_of(f"{command}\necho done", beside) == set()
