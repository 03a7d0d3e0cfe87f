"""The features and the steps belong together: each sentence has one definition, each definition is used."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from pytest_bdd.feature import get_features
from pytest_bdd.parser import Step
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

import steps

ROOT = Path(__file__).resolve().parents[2]
FEATURES = ROOT / "features"
SHAMS = ROOT / "tests" / "shams" / "features"
"""Scenarios that must not pass: some sentences are needed for them alone."""
MOST_DEFINITIONS = 40


def _definitions() -> list[StepFunctionContext]:
    for module in pkgutil.iter_modules(steps.__path__):
        importlib.import_module(f"steps.{module.name}")
    return [
        context
        for context in step_function_context_registry.values()
        if context.step_func.__module__.startswith("steps.")
    ]


def _sentences() -> list[Step]:
    features = get_features([str(FEATURES), str(SHAMS)])
    return [
        step
        for feature in features
        for scenario in feature.scenarios.values()
        for step in scenario.render({}).steps
    ]


def _matches(definition: StepFunctionContext, sentence: Step) -> bool:
    return definition.type in (None, sentence.type) and definition.parser.is_matching(sentence.name)


def test_every_sentence_is_matched_by_exactly_one_definition() -> None:
    definitions = _definitions()
    found = {
        sentence.name: [d.step_func.__name__ for d in definitions if _matches(d, sentence)]
        for sentence in _sentences()
    }
    assert found, "no feature file was read"
    assert {name: matching for name, matching in found.items() if len(matching) != 1} == {}


def test_every_definition_is_used_by_a_feature() -> None:
    sentences = _sentences()
    unused = [
        definition.step_func.__name__
        for definition in _definitions()
        if not any(_matches(definition, sentence) for sentence in sentences)
    ]
    assert unused == []


def test_the_definitions_stay_few() -> None:
    assert 15 <= len(_definitions()) <= MOST_DEFINITIONS


def test_scenarios_state_what_they_expect() -> None:
    """A scenario whose steps say that the service stays out, or that writes are lost, is tagged so; one that
    is tagged so says one of that, proves a defect, or says what the procedure prints that fails."""
    for feature in get_features([str(FEATURES)]):
        for scenario in feature.scenarios.values():
            said = [step.name for step in scenario.render({}).steps]
            out_or_lost = not {"the service stays out", "acknowledged writes are lost"}.isdisjoint(said)
            defective = any(step.startswith("the procedure fails as defect") for step in said)
            refuses = any('" prints "' in step for step in said)
            fails, where = "expect-fail" in scenario.tags, f"{feature.filename}: {scenario.name}"
            assert fails or not out_or_lost, where
            assert out_or_lost or defective or refuses or not fails, where
