"""The command line of a run of drills, its markers, and where its files go."""

from __future__ import annotations

import importlib.util
import re
import signal
import sys
from collections.abc import Generator
from fnmatch import fnmatch
from pathlib import Path
from types import FrameType

import pytest

from drill import settings as settings_module
from drill.conduct.book import Book
from drill.conduct.feature_file import feature_troubles
from drill.conduct.run import Run
from drill.conduct.scenario import TAGS
from drill.errors import DrillError
from drill.plugin.keys import RUN
from drill.plugin.outcome import Finish
from drill.plugin.shards import shard_of
from drill.report import allure
from drill.run.outcome import SETUP


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
    group.addoption(
        "--fresh-controls",
        action="store_true",
        help="measure every control anew, also where an earlier run's is kept and not stale",
    )
    group.addoption(
        "--shards",
        default=None,
        metavar="K/N",
        help="only the K-th of N parts of what is asked for; scenarios of the same faults stay together",
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
    if config.getoption("--shards") is not None:
        shard_of(config.getoption("--shards"))
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
    try:
        run = Run(Path(config.getoption("--reports")), config.getoption("run_name"), sys.argv)
        run.claim()
    except DrillError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[RUN] = run
    config.pluginmanager.register(Finish(), "drill-finish")
    allure.guard(run.could_not_write)
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
    """Read every feature file once, since a broken one would otherwise end the collection with a traceback,
    or be passed over.
    """
    tags = {re.split("[:(]", line)[0].strip() for line in config.getini("markers")}
    files = sorted({file for argument in config.args for file in _features_of(config, argument)})
    wrong = [trouble for file in files for trouble in feature_troubles(file, tags)]
    if wrong:
        raise pytest.UsageError("\n".join(wrong))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(f"signal {number}")
