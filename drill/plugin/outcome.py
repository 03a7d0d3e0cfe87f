"""From verdicts to test results, reports and the exit status."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from drill.conduct.drill import Drill
from drill.conduct.expect import Inconclusive, hold_to_expectation
from drill.conduct.kept_drill import KeptDrill
from drill.conduct.run import Run
from drill.errors import DrillError, UsageError
from drill.evidence.findings import read_findings
from drill.evidence.life import overdue
from drill.history.command import history_of
from drill.plugin.keys import DRILL, FACTS, RUN, load_settings
from drill.plugin.progress import tell_progress
from drill.report import allure
from drill.run.facts import day_of

QUARTERLY = re.compile(r"(?<!not )\bquarterly\b")
"""In the expression of -m."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """What drill raises on purpose while a drill is set up is shown without a traceback."""
    if FACTS in item.stash and RUN in item.config.stash:
        tell_progress(item)
    try:
        return (yield)
    except DrillError as error:
        if FACTS in item.stash:
            item.config.stash[RUN].trouble(str(error))
        raise pytest.fail.Exception(f"setup: {error}", pytrace=False) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Judge every drill that began, whichever step ended it, and hold its verdict against what the scenario
    states.
    """
    if FACTS not in item.stash:
        return (yield)
    run, scenario = item.config.stash[RUN], item.stash[FACTS].scenario
    try:
        yield
        _judge(item, run)
        hold_to_expectation(_drill_of(item).verdict)
        run.ended(scenario, "kept" if isinstance(_drill_of(item), KeptDrill) else "passed")
    except DrillError as error:
        made = item.stash.get(DRILL, None)
        if isinstance(made, Drill):
            run.add(made.fail_setup(error))
        else:
            run.trouble(str(error), scenario)
        run.ended(scenario, "setup")
        raise pytest.fail.Exception(f"setup: {error}", pytrace=False) from None
    except Inconclusive as error:
        _judge(item, run)
        run.doubt(scenario, str(error))
        run.ended(scenario, "inconclusive")
        raise pytest.fail.Exception(f"inconclusive: {error}", pytrace=False) from None
    except AssertionError as error:
        _judge(item, run)
        run.failure(scenario, str(error))
        run.ended(scenario, "failed")
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _judge(item: pytest.Item, run: Run) -> None:
    made = _drill_of(item)
    made.add_to(run)
    allure.attach_evidence(made.folder, made.verdict)


def _drill_of(item: pytest.Item) -> Drill | KeptDrill:
    made = item.stash.get(DRILL, None)
    if made is None:
        raise UsageError(f"{item.name}: no step of this scenario takes part in a drill")
    return made


class Finish:
    """The end of a run of drills: the last thing that is done, and what is done about a disk that is full."""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        """Write the reports, and say with the exit status what the drills say."""
        run = session.config.stash.get(RUN, None)
        if run is not None:
            _finish(session, run, exitstatus)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(
    session: pytest.Session, exitstatus: int | pytest.ExitCode
) -> Generator[None, None, None]:
    """A disk that is full when pytest writes its own results is one message, not a traceback and exit status
    1.
    """
    run = session.config.stash.get(RUN, None)
    try:
        yield
    except OSError as error:
        if run is None:
            raise
        run.could_not_write(error)
        _finish(session, run, exitstatus)
        for line in run.summary_lines():
            click.echo(line, err=True)


def _finish(session: pytest.Session, run: Run, exitstatus: int | pytest.ExitCode) -> None:
    ended_well = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if not ended_well:
        run.trouble(f"the run did not come to its end: pytest's own exit status is {int(exitstatus)}")
    if QUARTERLY.search(session.config.option.markexpr):
        _hold_to_findings(session.config, run)
    session.exitstatus = run.finish()
    if run.kept:
        session.exitstatus = _remember(session.config, run)


def _hold_to_findings(config: pytest.Config, run: Run) -> None:
    """An overdue finding turns the quarterly red, whatever its drills say."""
    try:
        settings = load_settings(config)
        for why in overdue(read_findings(settings.root / settings.evidence.findings), day_of(run.facts)):
            run.failure("", why)
    except (DrillError, pytest.UsageError) as error:
        run.trouble(str(error))


def _remember(config: pytest.Config, run: Run) -> int:
    """Append the run to the history; where that is not possible, its line says so and the status is 3."""
    try:
        history_of(load_settings(config), Path(config.getoption("--reports"))).add(run.folder)
    except (DrillError, pytest.UsageError) as error:
        run.not_remembered(error)
    return run.exit_status()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The verdicts, one line each, and where to look."""
    run = config.stash.get(RUN, None)
    if run is None:
        return
    terminalreporter.section("drills")
    for line in run.summary_lines():
        terminalreporter.write_line(line)
