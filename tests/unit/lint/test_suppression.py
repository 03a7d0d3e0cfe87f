"""Findings that somebody has looked at: which lines a suppression covers, and what is said of one that is
wrong."""

from __future__ import annotations

import pytest

from drill.lint.run import lint_text

FLUSH = "redis-cli FLUSHALL"


def rules_in(text: str) -> list[str]:
    return [finding.rule for finding in lint_text(text)]


def block(shell: str) -> str:
    return f"# T\n\n```bash\n{shell}\n```\n"


@pytest.mark.parametrize(
    "shell",
    [
        f"{FLUSH}  # drill: ignore D701: the store has the cache alone",
        f"# drill: ignore D701: the store has the cache alone\n{FLUSH}",
        f"# drill: ignore D701: the cache alone\n# more words\n{FLUSH}",
        "kubectl exec a-0 -- \\\n    redis-cli FLUSHALL  # drill: ignore D701: the cache alone",
        f"{FLUSH}  # drill: ignore d701: the cache alone",
    ],
)
def test_in_a_block_it_covers_its_command(shell: str) -> None:
    assert rules_in(block(shell)) == []


def test_above_a_block_it_covers_the_block() -> None:
    comment = "<!-- drill: ignore D701: the cache alone -->"
    text = f"# T\n\n{comment}\n```bash\n{FLUSH}\n{FLUSH}\n```\n\n```bash\n{FLUSH}\n```\n"
    assert rules_in(text) == ["D701"]


def test_in_the_text_it_covers_its_line() -> None:
    text = "# T\n- (+1-555-0123) <!-- drill: ignore D111: an example -->\n- (+1-555-0124)\n"
    assert rules_in(text) == ["D111"]


def test_another_rule_is_still_found() -> None:
    shell = f"kubectl logs -l a=b && {FLUSH}  # drill: ignore D701: the cache alone"
    assert rules_in(block(shell)) == ["D401"]


@pytest.mark.parametrize(
    ("comment", "rules"),
    [
        ("# drill: ignore D701", ["D091"]),
        ("# drill: ignore D701:", ["D091"]),
        ("# drill: ignore D701, D201: the cache alone", ["D090"]),
        ("# drill: ignore D799: the cache alone", ["D090", "D701"]),
    ],
)
def test_a_suppression_that_is_wrong_is_a_finding(comment: str, rules: list[str]) -> None:
    assert sorted(rules_in(block(f"{FLUSH}  {comment}"))) == rules


def test_one_of_a_rule_that_was_not_applied_is_left_alone() -> None:
    assert rules_in(block("kubectl get pods -n a  # drill: ignore D101: made by the installer")) == []
