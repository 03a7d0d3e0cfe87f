"""Each rule by its own examples: the bad one is found by it, the good one by none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from drill.lint.manifests import load_manifests
from drill.lint.rule import KINDS, NEEDS, RULES, Rule
from drill.lint.run import Options, lint_text

MANIFESTS = Path(__file__).parents[3] / "novel_engine" / "manifests"
METRICS = frozenset({"http_requests_total", "http_request_duration_seconds", "error_total"})
TOOLS = {
    "novel-engine:drill": frozenset({"python", "sqlite3", "tar", "sh", "bash", "rm", "cat"}),
    "redis:drill": frozenset({"redis-cli", "redis-server", "sh", "xargs", "rm", "cat", "free"}),
}
OPTIONS = Options(load_manifests(MANIFESTS), TOOLS, METRICS, today=date(2026, 11, 24))


def as_document(rule: Rule, example: str) -> str:
    """The example as a text: a markdown one is one already."""
    return example if rule.language == "markdown" else f"# Example\n\n```{rule.language}\n{example}\n```\n"


def rules() -> list[Rule]:
    return list(RULES.values())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_the_bad_example_is_found(rule: Rule) -> None:
    found = lint_text(as_document(rule, rule.bad), OPTIONS)
    assert rule.id in {finding.rule for finding in found}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_nothing_else_is_found_in_the_bad_example(rule: Rule) -> None:
    found = lint_text(as_document(rule, rule.bad), OPTIONS)
    assert {finding.rule for finding in found} == {rule.id}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_nothing_is_found_in_the_good_example(rule: Rule) -> None:
    assert lint_text(as_document(rule, rule.good), OPTIONS) == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_says_what_it_is_for(rule: Rule) -> None:
    assert rule.id[:2] in KINDS
    assert set(rule.needs) <= set(NEEDS)
    assert rule.title
    assert len(rule.why) > 40
    assert rule.bad != rule.good
