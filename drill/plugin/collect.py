"""What is refused before anything runs; no cluster is needed for that."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pytest_bdd.parser import Scenario
from pytest_bdd.scenario import find_fixturedefs_for_step, scenario_wrapper_template_registry

from drill.conduct.book import Book
from drill.conduct.checks import troubles, troubles_together, written_of
from drill.conduct.record import begin_run
from drill.conduct.scenario import Written, facts_of
from drill.errors import DrillError
from drill.plugin.keys import FACTS, NOT_SELECTED, RUN, load_settings
from drill.plugin.shards import take_shard


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember the scenarios that -m and -k leave out."""
    for item in items:
        scenario = _scenario_of(item)
        if scenario is not None:
            item.config.stash.setdefault(NOT_SELECTED, []).append(scenario.name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Find steps that no definition matches, or more than one, and all that scenarios name and is not
    there.
    """
    wrong: list[str] = []
    scenarios: list[tuple[pytest.Item, Written]] = []
    for item in items:
        scenario = _scenario_of(item)
        if scenario is None:
            continue
        for step in scenario.steps:
            found = {
                definition.func
                for definition in find_fixturedefs_for_step(step, session._fixturemanager, item)
            }
            if len(found) != 1:
                what = "no step definition matches" if not found else f"{len(found)} step definitions match"
                wrong.append(
                    f"{scenario.feature.filename}:{step.line_number}: {step.keyword} {step.name!r}: {what}; "
                    f"expected exactly one, see steps/"
                )
        written = written_of(scenario, set(scenario.tags) | set(scenario.feature.tags))
        scenarios.append((item, written))
        item.stash[FACTS] = facts_of(written)
    if scenarios:
        wrong += _troubles(config, [written for _, written in scenarios])
    if wrong:
        raise pytest.UsageError("\n".join(dict.fromkeys(wrong)))
    # told before the shard is taken: what goes to other shards is selected all the same
    left_out = config.stash.get(NOT_SELECTED, [])
    not_selected = sorted(set(left_out))
    take_shard(config, items)
    chosen = [written for item, written in scenarios if item in items]
    if chosen and RUN in config.stash:
        _begin(config, chosen, not_selected)


def _scenario_of(item: pytest.Item) -> Scenario | None:
    """The scenario that a test carries out, with its example filled in; None where it is no scenario."""
    template = scenario_wrapper_template_registry.get(getattr(item, "function", None))  # type: ignore[arg-type]
    if template is None:
        return None
    example = getattr(getattr(item, "callspec", None), "params", {}).get("_pytest_bdd_example", {})
    return template.render(example)


def _begin(config: pytest.Config, scenarios: list[Written], not_selected: list[str]) -> None:
    try:
        begin_run(config.stash[RUN], load_settings(config), scenarios, not_selected)
    except DrillError as error:
        raise pytest.UsageError(str(error)) from error


def _troubles(config: pytest.Config, scenarios: list[Written]) -> list[str]:
    settings = load_settings(config)
    book = Book(settings)
    try:
        found = [trouble for written in scenarios for trouble in troubles(settings, book, written)]
    except DrillError as error:
        found = [str(error)]
    return found + troubles_together(scenarios)
