"""What is refused before anything runs; no cluster is needed for that."""

from __future__ import annotations

import pytest
from pytest_bdd.scenario import find_fixturedefs_for_step, scenario_wrapper_template_registry

from drill.conduct.book import Book
from drill.conduct.checks import troubles, troubles_together, written_of
from drill.conduct.record import begin_run
from drill.conduct.scenario import Written, facts_of
from drill.errors import DrillError
from drill.plugin.keys import FACTS, RUN, load_settings
from drill.plugin.shards import take_shard


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
        template = scenario_wrapper_template_registry.get(getattr(item, "function", None))  # type: ignore[arg-type]
        if template is None:
            continue
        example = getattr(getattr(item, "callspec", None), "params", {}).get("_pytest_bdd_example", {})
        scenario = template.render(example)
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
        written = written_of(scenario, set(template.tags) | set(scenario.feature.tags))
        scenarios.append((item, written))
        item.stash[FACTS] = facts_of(written)
    if scenarios:
        wrong += _troubles(config, [written for _, written in scenarios])
    if wrong:
        raise pytest.UsageError("\n".join(dict.fromkeys(wrong)))
    take_shard(config, items)
    chosen = [written for item, written in scenarios if item in items]
    if chosen and RUN in config.stash:
        _begin(config, chosen)


def _begin(config: pytest.Config, scenarios: list[Written]) -> None:
    try:
        begin_run(config.stash[RUN], load_settings(config), scenarios)
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
