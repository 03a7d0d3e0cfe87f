"""Gherkin steps in the results that allure-pytest writes, by running pytest on a small feature."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from recorded_runs import Shape, make_run

FEATURE = """
Feature: Service Completely Down (P0)

  @P0 @smoke
  Scenario: Someone scales the service away
    Given users are on the service
    When the fault "deployment-scaled-to-zero" takes effect
    Then the service is restored
    And nothing was lost

  Scenario: All is well
    Given users are on the service
    Then nothing was lost

  Scenario: A step that nobody defined
    Given users are on the service
    When something unheard of happens
    Then nothing was lost
"""
STEPS = """
from pytest_bdd import given, parsers, scenarios, then, when

scenarios("down.feature")

@given("users are on the service")
def _users(): pass

@when(parsers.parse('the fault "{fault}" takes effect'))
def _fault(fault): pass

@then("the service is restored")
def _restored(): assert False, "not restored within 900 s"

@then("nothing was lost")
def _lost(): pass
"""

CONFTEST = """
from pathlib import Path
import msgspec
from drill.judge.verdict import DrillVerdict
from drill.report.allure import attach_evidence

def pytest_bdd_after_scenario():
    folder = Path("EVIDENCE")
    attach_evidence(folder, msgspec.json.decode((folder / "verdict.json").read_bytes(), type=DrillVerdict))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Allure's result of each scenario, by its name."""
    folder = tmp_path_factory.mktemp("allure")
    run, verdicts = make_run(folder / "reports", [Shape(before=2, end=4)])
    (folder / "down.feature").write_text(FEATURE)
    (folder / "test_down.py").write_text(STEPS)
    (folder / "conftest.py").write_text(
        CONFTEST.replace("EVIDENCE", str(run / "evidence" / verdicts[0].drill))
    )
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    P0\n    smoke\n")
    plugins = ["-p", "no:cacheprovider", "-p", "no:drill", "-p", "drill.report.allure"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "--alluredir", "results"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    found = [json.loads(path.read_text()) for path in (folder / "results").glob("*-result.json")]
    for result in found:
        for attachment in result.get("attachments", []):
            attachment["content"] = (folder / "results" / attachment["source"]).read_text()
    return {result["name"]: result for result in found}


def _steps(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["name"], step["status"]) for step in result["steps"]]


def test_failing_step_is_marked_and_the_rest_is_shown_as_not_reached(
    results: dict[str, dict[str, Any]],
) -> None:
    result = results["Someone scales the service away"]
    assert result["status"] == "failed"
    assert _steps(result) == [
        ("Given users are on the service", "passed"),
        ('When the fault "deployment-scaled-to-zero" takes effect', "passed"),
        ("Then the service is restored", "failed"),
        ("And nothing was lost", "skipped"),
    ]
    assert "not restored within 900 s" in result["steps"][2]["statusDetails"]["message"]


def test_passing_scenario_has_passing_steps(results: dict[str, dict[str, Any]]) -> None:
    result = results["All is well"]
    assert result["status"] == "passed"
    assert _steps(result) == [
        ("Given users are on the service", "passed"),
        ("Then nothing was lost", "passed"),
    ]


def test_step_without_a_definition_is_broken(results: dict[str, dict[str, Any]]) -> None:
    assert _steps(results["A step that nobody defined"])[1:] == [
        ("When something unheard of happens", "broken"),
        ("Then nothing was lost", "skipped"),
    ]


def test_labels_are_feature_story_severity_and_tags(results: dict[str, dict[str, Any]]) -> None:
    labels = {
        (label["name"], label["value"]) for label in results["Someone scales the service away"]["labels"]
    }
    assert {
        ("feature", "Service Completely Down (P0)"),
        ("story", "Someone scales the service away"),
        ("severity", "blocker"),
        ("tag", "smoke"),
    } <= labels


def test_evidence_is_attached_to_the_test(results: dict[str, dict[str, Any]]) -> None:
    attachments = {a["name"]: a for result in results.values() for a in result.get("attachments", [])}
    assert attachments["timeline"]["type"] == "image/svg+xml"
    assert attachments["timeline"]["content"].startswith("<svg")
    assert "fault injected" in attachments["timeline"]["content"]
    assert json.loads(attachments["verdict.json"]["content"])["drill"] == "scaled-to-zero"
    assert "kubectl get nodes" in attachments["transcripts/01-immediate-actions.txt"]["content"]
