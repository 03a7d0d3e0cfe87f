"""drill as a pytest plugin: `pytest features -m smoke` needs nothing else.

Flows in: options and feature files. Flows out: a run folder and an exit status.

Exit status of a run of drills: 0 all as expected, 1 otherwise, 2 inconclusive, 3 setup or usage error. Runs
without a drill keep pytest's own.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.feature import get_features
from pytest_bdd.scenario import find_fixturedefs_for_step, scenario_wrapper_template_registry

from drill import settings as settings_module
from drill.cluster.access import Cluster, connect
from drill.conduct.book import Book, step_at
from drill.conduct.drill import Drill
from drill.conduct.expect import Inconclusive, hold_to_expectation
from drill.conduct.run import SETUP, Run
from drill.conduct.scenario import TAGS, Facts, facts_of
from drill.errors import DrillError, UsageError
from drill.faults.catalogue import FAULTS, lacking
from drill.inject.experiment import experiment_of
from drill.putback.restore import remember, restore_all
from drill.report import allure
from drill.report.live import LiveLine
from drill.runbook import bind
from drill.settings import Settings

RUN = pytest.StashKey[Run]()
FACTS = pytest.StashKey[Facts]()
DRILL = pytest.StashKey[Drill]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options that the drill command has too, and where the evidence goes."""
    group = parser.getgroup("drill", "drills of an operations runbook")
    group.addoption(
        "--target",
        default=settings_module.DEFAULT_FILE,
        help="the file that describes the service under test (drill.toml)",
    )
    group.addoption(
        "--allow-context",
        default=None,
        metavar="NAME",
        help="allow this kubeconfig context although it is not kind-*",
    )
    group.addoption(
        "--reports", default="reports", metavar="FOLDER", help="where runs leave their reports (reports)"
    )
    group.addoption(
        "--run",
        dest="run_name",
        default=None,
        metavar="NAME",
        help="the run's name, also of its folder (default: the time)",
    )
    if importlib.util.find_spec("xdist") is None:
        # so that it is refused in our words also where nothing else knows it
        group._addoption(
            "-n",
            "--numprocesses",
            dest="numprocesses",
            type=int,
            default=None,
            help="refused above 1: drills break one target",
        )


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(
    config: pytest.Config,
) -> Generator[None, int | pytest.ExitCode | None, int | pytest.ExitCode | None]:
    """A usage error in a run of drills ends with drill's own exit status; other runs keep pytest's."""
    try:
        return (yield)
    except pytest.UsageError as error:
        if not _asks_for_drills(config):
            raise
        print(f"drill: {error}", file=sys.stderr)
        return SETUP


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register markers; refuse to run drills side by side; let SIGTERM end a run as Ctrl-C does, so that
    faults are put back.

    Where features are asked for, JUnit XML and Allure results go into the run's folder, unless the command
    line names others.
    """
    if getattr(config.option, "numprocesses", None) not in (None, 0, 1):
        raise pytest.UsageError("drills break one target, one at a time: -n above 1 is refused")
    config.pluginmanager.register(allure, "drill-allure")
    for tag, meaning in TAGS.items():
        config.addinivalue_line("markers", f"{tag}: {meaning}")
    target = Path(config.getoption("--target"))
    if target.exists():
        try:
            settings = settings_module.load(target)
            for defect in Book(settings).defects:
                config.addinivalue_line("markers", f"{defect.id}: proves this defect of the runbook")
        except DrillError as error:
            raise pytest.UsageError(str(error)) from error
    signal.signal(signal.SIGTERM, _interrupt)
    if not _asks_for_drills(config):
        return
    _read_features(config)
    if config.option.collectonly:
        return
    run = Run(Path(config.getoption("--reports")), config.getoption("run_name"), sys.argv)
    config.stash[RUN] = run
    config.option.xmlpath = config.option.xmlpath or str(run.folder / "junit.xml")
    config.option.allure_report_dir = config.option.allure_report_dir or str(run.folder / "allure")


def _asks_for_drills(config: pytest.Config) -> bool:
    return any(_features_of(config, argument) for argument in config.args)


def _features_of(config: pytest.Config, argument: str) -> list[Path]:
    """The feature files that pytest would come across on its way through `argument`."""
    path = Path(argument.partition("::")[0])
    if not path.is_dir():
        return sorted(path.parent.glob("*.feature"))
    passed_over = config.getini("norecursedirs")
    return sorted(
        file
        for file in path.rglob("*.feature")
        if not any(
            fnmatch(folder, pattern)
            for folder in file.relative_to(path).parts[:-1]
            for pattern in passed_over
        )
    )


def _read_features(config: pytest.Config) -> None:
    """Read every feature file once, since a broken one would otherwise end the collection with a
    traceback.
    """
    for file in sorted({file for argument in config.args for file in _features_of(config, argument)}):
        try:
            get_features([str(file)])
        except GherkinParseError as error:
            raise pytest.UsageError(
                f"{file}:{error.line}: {error.line_content.strip()!r} is not right here: {error.message}"
            ) from error


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(f"signal {number}")


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
        settings = _load(config)
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


def _load(config: pytest.Config) -> Settings:
    try:
        return settings_module.load(config.getoption("--target"))
    except DrillError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """The target, as drill.toml describes it."""
    return _load(pytestconfig)


@pytest.fixture(scope="session")
def allow_context(pytestconfig: pytest.Config) -> str | None:
    """A context that the command line allows although it is not kind-*."""
    allowed: str | None = pytestconfig.getoption("--allow-context")
    return allowed


@pytest.fixture(scope="session")
def cluster(settings: Settings, allow_context: str | None) -> Cluster:
    """The target's cluster, with whatever an earlier run left broken put back and the known state
    remembered.
    """
    found = connect(settings, allow_context)
    restore_all(settings, found)
    remember(settings, found)
    return found


@pytest.fixture(scope="session")
def book(settings: Settings) -> Book:
    """The runbooks and their defects."""
    return Book(settings)


@pytest.fixture(scope="session")
def live() -> LiveLine:
    """The one line that tells what is going on."""
    return LiveLine()


@pytest.fixture
def run(pytestconfig: pytest.Config) -> Run:
    """The run that the drills belong to."""
    return pytestconfig.stash[RUN]


@pytest.fixture
def drill(
    request: pytest.FixtureRequest, run: Run, settings: Settings, book: Book, live: LiveLine
) -> Iterator[Drill]:
    """The scenario's drill. When the scenario ends, however it ends, the target is put back."""
    facts = request.node.stash[FACTS]
    cluster = request.getfixturevalue("cluster")
    allow_context = request.config.getoption("--allow-context")
    folder = run.evidence(facts.drill)
    made = Drill(
        settings,
        cluster,
        book,
        facts,
        folder,
        live=live,
        allow_context=allow_context,
        earlier=tuple(run.verdicts),
    )
    missing = " and no ".join(_lacks(settings, facts))
    if missing:
        run.add(made.not_applicable(missing))
        made.close()
        pytest.skip(f"not applicable: {settings.file.name} describes no {missing}")
    request.node.stash[DRILL] = made
    yield made
    troubles = made.close()
    live.end()
    for trouble in troubles:
        run.trouble(f"{facts.scenario}: {trouble}")
    if troubles:
        pytest.fail("the target could not be put back: " + "; ".join(troubles), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """What drill raises on purpose while a drill is set up is shown without a traceback."""
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
    except DrillError as error:
        made = item.stash.get(DRILL, None)
        if made is None:
            run.trouble(str(error))
        else:
            run.add(made.fail_setup(error))
        raise pytest.fail.Exception(f"setup: {error}", pytrace=False) from None
    except Inconclusive as error:
        _judge(item, run)
        run.doubt(f"{scenario}: {error}")
        raise pytest.fail.Exception(f"inconclusive: {error}", pytrace=False) from None
    except AssertionError as error:
        _judge(item, run)
        run.failure(f"{scenario}: {error}")
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _judge(item: pytest.Item, run: Run) -> None:
    made = _drill_of(item)
    run.add(made.verdict)
    allure.attach_evidence(made.folder, made.verdict)


def _drill_of(item: pytest.Item) -> Drill:
    made = item.stash.get(DRILL, None)
    if made is None:
        raise UsageError(f"{item.name}: no step of this scenario takes part in a drill")
    return made


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """Write the reports, and say with the exit status what the drills say."""
    config = session.config
    run = config.stash.get(RUN, None)
    if run is None:
        return
    ended_well = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    session.exitstatus = run.exit_status() if ended_well else SETUP
    if run.verdicts:
        settings = _load(config)
        run.finish(settings.target.name, Book(settings).defects, int(session.exitstatus))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The verdicts, one line each, and where to look."""
    run = config.stash.get(RUN, None)
    if run is None:
        return
    terminalreporter.section("drills")
    for line in run.summary_lines():
        terminalreporter.write_line(line)
