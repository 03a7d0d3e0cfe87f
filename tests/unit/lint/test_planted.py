"""Each rule's defect, planted at random places of sound texts. benchmarks/lint_planted.py does the same at 20
places each."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.lint_planted import RUNBOOK, planted, sound_texts
from drill.lint.rule import RULES, Rule
from drill.lint.run import Options, lint_text

PLACES = 2


@pytest.mark.parametrize("entry", list(RULES.values()), ids=lambda entry: entry.id)
@given(seed=st.integers(0, 10**6))
@settings(
    max_examples=PLACES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_planted_defect_is_found_and_the_rest_stays_silent(entry: Rule, beside: Options, seed: int) -> None:
    chance = random.Random(seed)
    text, first, last = planted(chance.choice(sound_texts()), entry, chance)
    options = beside if entry.id == "D310" else replace(beside, ignore=("D310",))
    found = lint_text(text, options, RUNBOOK)
    assert any(finding.rule == entry.id and first <= finding.span.line <= last for finding in found)
    assert {finding.rule for finding in found} == {entry.id}


def test_the_texts_in_which_is_planted_are_sound(beside: Options) -> None:
    assert [lint_text(text, beside, RUNBOOK) for text in sound_texts()] == [[], []]
