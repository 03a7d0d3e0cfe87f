"""Programs of the operator that drill makes: which are needed, and what is said where one cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drill.errors import SetupError
from drill.machine import operator_tools
from drill.machine.doctor import diagnose
from drill.machine.operator_tools import ensure_called
from drill.programs import calls
from drill.runbook import parse
from drill.settings import load

ROOT = Path(__file__).parents[3]
INIT = "terraform -chdir=terraform init\n"


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (INIT, True),
        ("cd terraform\nterraform apply -auto-approve", True),
        ("TF_LOG=info terraform plan | tee plan.txt", True),
        ("(cd here; terraform plan)", True),
        ("ls terraform/", False),
        ("# terraform makes it\nkubectl get pods  # not terraform", False),
        ("kubectl get secret terraform-state", False),
        ("kubectl apply -f ./terraform", False),
    ],
)
def test_a_block_calls_a_program_or_does_not(block: str, expected: bool) -> None:
    assert calls(block, "terraform") is expected


def test_the_runbooks_call_it_in_full_system_recovery_alone() -> None:
    for name, section in [
        ("operations-runbook.md", ["Full System Recovery / Infrastructure"]),
        ("as-first-written.md", ["Full System Recovery"]),
    ]:
        book = parse(ROOT / "runbook" / name)
        found = [book.place_of(step) for step in book.steps if calls(step.text, "terraform")]
        assert found == section


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made, in the place of what takes minutes."""
    done: list[str] = []

    def make(tell: Callable[[str], None]) -> Path:
        tell("making it")
        done.append("made")
        return Path("/made")

    monkeypatch.setattr(operator_tools, "MADE_WHEN_NEEDED", {"terraform": make})
    return done


@pytest.mark.parametrize(
    ("tools", "blocks", "expected"),
    [
        (("bash", "terraform"), ["kubectl get pods", INIT], ["made"]),
        (("bash", "terraform"), ["kubectl get pods"], []),
        (("bash",), [INIT], []),
    ],
)
def test_only_what_is_named_and_called_is_made(
    made: list[str], tools: tuple[str, ...], blocks: list[str], expected: list[str]
) -> None:
    told: list[str] = []
    ensure_called(tools, blocks, told.append)
    assert made == expected
    assert told == ["making it"] * len(expected)


def test_one_that_cannot_be_made_is_missing_and_it_is_told_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(tell: Callable[[str], None]) -> Path:
        raise SetupError("no room")

    monkeypatch.setattr(operator_tools, "MADE_WHEN_NEEDED", {"terraform": make})
    ensure_called(["terraform"], [INIT], lambda _: None)
    assert capsys.readouterr().err == "drill: terraform is not there for the operator: no room\n"


def test_doctor_says_that_drills_make_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DRILL_KUBECONFIG", raising=False)
    seen = {finding.part: finding.line() for finding in diagnose(load(ROOT / "drill.toml"))}
    made = "are inconclusive; drills and `drill tools` make it when they first need it"
    assert seen["operator's terraform"].endswith(made)
    assert seen["operator's trivy"].endswith("are inconclusive")
