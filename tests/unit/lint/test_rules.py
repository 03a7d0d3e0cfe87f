"""Each rule by its own examples: the bad one is found by it and by no other, the good one by none."""

from __future__ import annotations

import pytest

from drill.lint.rule import KINDS, NEEDS, RULES, Rule, rule
from drill.lint.run import Options, lint_text


def as_document(entry: Rule, example: str) -> str:
    """The example as a text: a markdown one is one already."""
    return example if entry.language == "markdown" else f"# Example\n\n```{entry.language}\n{example}\n```\n"


def each_rule() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", list(RULES.values()), ids=lambda entry: entry.id)


@each_rule()
def test_the_bad_example_is_found_and_nothing_else(entry: Rule, beside: Options) -> None:
    found = lint_text(as_document(entry, entry.bad), beside)
    assert {finding.rule for finding in found} == {entry.id}


@each_rule()
def test_nothing_is_found_in_the_good_example(entry: Rule, beside: Options) -> None:
    assert lint_text(as_document(entry, entry.good), beside) == []


@each_rule()
def test_a_rule_says_what_it_is_for(entry: Rule) -> None:
    assert entry.id[:2] in KINDS
    assert set(entry.needs) <= set(NEEDS)
    assert len(entry.why) > 40
    assert entry.bad != entry.good


@each_rule()
def test_a_rule_that_corrects_says_so(entry: Rule, beside: Options) -> None:
    found = lint_text(as_document(entry, entry.bad), beside)
    assert any(finding.edit is not None for finding in found) == entry.fixes


def test_an_id_is_given_once() -> None:
    with pytest.raises(ValueError, match="D201 is the id of"):
        rule("D201", "another", why="", bad="", good="")(lambda _: iter(()))
