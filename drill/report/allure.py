"""Gherkin in Allure results. Flows in: pytest-bdd's hooks as scenarios run. Flows out: steps, labels and
evidence in the results of allure-pytest, which by itself shows none of them. Register this module as a pytest
plugin; without --alluredir it does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import allure
import pytest
from allure_commons import hookimpl, plugin_manager
from allure_commons.types import AttachmentType, LabelType, Severity
from pytest_bdd.parser import Feature, Scenario, Step

from drill.judge.verdict import DrillVerdict
from drill.report.timeline import draw_file

SEVERITIES = {"P0": Severity.BLOCKER, "P1": Severity.CRITICAL, "P2": Severity.NORMAL, "P3": Severity.MINOR}
"""What Allure calls the runbook's severities."""


GUARD = "drill-guard"


class _OpenStep:
    """The step that is being carried out, if any: pytest-bdd runs one at a time."""

    def __init__(self) -> None:
        self.identity = ""

    def start(self, step: Step) -> None:
        self.identity = str(uuid4())
        plugin_manager.hook.start_step(
            uuid=self.identity, title=f"{step.keyword.strip()} {step.name}", params=_parameters(step)
        )

    def stop(self, error: BaseException | None) -> None:
        kind: type[BaseException] | None = type(error) if error else None
        trace: TracebackType | None = error.__traceback__ if error else None
        plugin_manager.hook.stop_step(uuid=self.identity, exc_type=kind, exc_val=error, exc_tb=trace)
        self.identity = ""


_open_step = _OpenStep()


def attach_evidence(folder: Path, verdict: DrillVerdict) -> None:
    """Add the drill's picture, verdict, recording, journal and transcripts to the test that is running."""
    hook = plugin_manager.hook
    hook.attach_data(
        body=draw_file(folder, verdict), name="timeline", attachment_type=AttachmentType.SVG, extension=None
    )
    kinds = {
        "verdict.json": AttachmentType.JSON,
        "journal.json": AttachmentType.JSON,
        "recording.jsonl": AttachmentType.TEXT,
    }
    transcripts = sorted((folder / "transcripts").glob("*.txt"))
    for path in [*(folder / name for name in kinds), *transcripts]:
        if path.exists():
            kind = kinds.get(path.name, AttachmentType.TEXT)
            hook.attach_file(
                source=str(path), name=str(path.relative_to(folder)), attachment_type=kind, extension=None
            )


class _Guard:
    """Wraps the hooks by which allure-pytest writes files."""

    def __init__(self, told: Callable[[OSError], None]) -> None:
        self._told = told

    def _wrap(self) -> Generator[None, Any, None]:
        outcome = yield
        error = outcome.exception
        if isinstance(error, OSError):
            self._told(error)
            outcome.force_result(None)

    @hookimpl(hookwrapper=True)
    def report_result(self) -> Generator[None, Any, None]:
        yield from self._wrap()

    @hookimpl(hookwrapper=True)
    def report_container(self) -> Generator[None, Any, None]:
        yield from self._wrap()

    @hookimpl(hookwrapper=True)
    def report_attached_file(self) -> Generator[None, Any, None]:
        yield from self._wrap()

    @hookimpl(hookwrapper=True)
    def report_attached_data(self) -> Generator[None, Any, None]:
        yield from self._wrap()


def guard(told: Callable[[OSError], None]) -> None:
    """From now on a result that cannot be written is told, and ends no run: the disk may be full, and what
    was broken has still to be put back."""
    if plugin_manager.has_plugin(GUARD):
        plugin_manager.unregister(name=GUARD)
    plugin_manager.register(_Guard(told), GUARD)


@pytest.hookimpl(tryfirst=True)
def pytest_bdd_apply_tag(tag: str, function: Callable[..., object]) -> None:
    """A severity of the runbook becomes one of Allure's; the tag stays a marker, since nothing is
    returned.
    """
    if tag in SEVERITIES:
        allure.severity(SEVERITIES[tag])(function)  # type: ignore[no-untyped-call]


def pytest_bdd_before_scenario(feature: Feature, scenario: Scenario) -> None:
    """The test is called as its scenario, and found by feature and story."""
    hook = plugin_manager.hook
    hook.add_title(test_title=scenario.name)
    hook.add_label(label_type=LabelType.FEATURE, labels=[feature.name or feature.rel_filename])
    hook.add_label(label_type=LabelType.STORY, labels=[scenario.name])
    description = (scenario.description or feature.description or "").strip()
    if description:
        hook.add_description(test_description=description)


def pytest_bdd_before_step(step: Step) -> None:
    _open_step.start(step)


def pytest_bdd_after_step() -> None:
    _open_step.stop(None)


def pytest_bdd_step_error(scenario: Scenario, step: Step, exception: Exception) -> None:
    """The step is marked, and those that are not reached any more are shown as such."""
    _open_step.stop(exception)
    _show_unreached(scenario, step)


def pytest_bdd_step_func_lookup_error(scenario: Scenario, step: Step, exception: Exception) -> None:
    """A step that has no definition is a broken step."""
    _open_step.start(step)
    _open_step.stop(exception)
    _show_unreached(scenario, step)


@pytest.hookimpl(tryfirst=True)
def pytest_bdd_after_scenario() -> None:
    """A step that was interrupted (Ctrl-C) is still open: close it, or what follows would become part of
    it.
    """
    if _open_step.identity:
        _open_step.stop(KeyboardInterrupt("interrupted"))


def _show_unreached(scenario: Scenario, failed: Step) -> None:
    steps = list(scenario.steps)
    unreached = steps[steps.index(failed) + 1 :]
    for step in unreached:
        _open_step.start(step)
        _open_step.stop(pytest.skip.Exception("not reached"))


def _parameters(step: Step) -> dict[str, str]:
    """The table and the text block of a step, as Allure shows parameters."""
    parameters = {}
    if step.docstring:
        parameters["text"] = step.docstring
    if step.datatable:
        parameters["table"] = "\n".join(
            " | ".join(cell.value for cell in row.cells) for row in step.datatable.rows
        )
    return parameters
