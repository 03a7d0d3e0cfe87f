"""What is refused before anything runs; no cluster is needed for that."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pytest_bdd.scenario import find_fixturedefs_for_step, scenario_wrapper_template_registry

from drill.conduct.book import Book, step_at
from drill.conduct.scenario import Facts, facts_of
from drill.errors import DrillError
from drill.faults.catalogue import FAULTS, lacking
from drill.inject.experiment import experiment_of
from drill.plugin.keys import FACTS, load_settings
from drill.runbook import bind
from drill.settings import Settings


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Find steps that no definition matches, or more than one, before anything is broken; no cluster is
    needed for that.
    """
    wrong = []
    for item in items:
        template = scenario_wrapper_template_registry.get(getattr(item, "function", None))  # type: ignore[arg-type]
        if template is None:
            continue
        scenario = template.render(
            getattr(getattr(item, "callspec", None), "params", {}).get("_pytest_bdd_example", {})
        )
        for step in scenario.steps:
            found = {
                definition.func
                for definition in find_fixturedefs_for_step(step, session._fixturemanager, item)
            }
            if len(found) != 1:
                what = "no step definition matches" if not found else f"{len(found)} step definitions match"
                wrong.append(
                    f"{scenario.feature.filename}:{step.line_number}: {step.keyword} {step.name!r}: "
                    f"{what}; expected exactly one, see steps/"
                )
        tags = set(template.tags) | set(scenario.feature.tags)
        facts = item.stash[FACTS] = facts_of(
            scenario.feature.name or "", scenario.name, tags, [step.name for step in scenario.steps]
        )
        for named in (facts.fault, facts.procedure):
            line = next(
                (step.line_number for step in scenario.steps if named and f'"{named}"' in step.name), None
            )
            trouble = _trouble_with(config, facts, named) if line else ""
            wrong += [f"{scenario.feature.filename}:{line}: {trouble}"] if trouble else []
    names = [item.stash[FACTS].drill for item in items if FACTS in item.stash]
    wrong += [
        f"two scenarios make the same folder name {name!r}: give one of them another title"
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if wrong:
        raise pytest.UsageError("\n".join(dict.fromkeys(wrong)))


def _trouble_with(config: pytest.Config, facts: Facts, named: str) -> str:
    """What is wrong with a fault or a place in the runbook that a scenario names; empty where nothing is, or
    where it is not applicable anyway.
    """
    if facts.fault and facts.fault not in FAULTS:
        return f"{named!r} is no fault: expected one of {', '.join(FAULTS)}" if named == facts.fault else ""
    try:
        settings = load_settings(config)
        if _lacks(settings, facts):
            return ""
        book = Book(settings)
        book.limits(facts.severity)
        if named == facts.fault:
            experiment_of(settings, named)
        else:
            bind([step_at(book.as_written if facts.as_written else book.corrected, named)], {})
    except DrillError as error:
        return str(error)
    return ""


def _lacks(settings: Settings, facts: Facts) -> Sequence[str]:
    """What drill.toml would have to describe for this scenario and does not."""
    missing = [f"[{part}]" for part in (lacking(settings, facts.fault) if facts.fault else ())]
    missing += ["[backup]"] if facts.backed_up and settings.lacks("backup") else []
    return missing + (
        ["target.runbook_as_written"]
        if facts.as_written and settings.target.runbook_as_written is None
        else []
    )
