"""What steps and scenarios are given: the target, its cluster, the run, the drill."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from drill.cluster.access import Cluster, connect
from drill.cluster.lease import Held, Holder, hold
from drill.conduct.book import Book
from drill.conduct.checks import lacks
from drill.conduct.drill import Drill
from drill.conduct.ground import cluster_facts
from drill.conduct.keeping import bring_control, find_calibration, find_controls, keep_control, that_answer
from drill.conduct.kept_drill import KeptDrill
from drill.conduct.run import Run
from drill.conduct.scenario import Facts
from drill.errors import DrillError
from drill.monitoring.deploy import is_up
from drill.plugin.keys import DRILL, FACTS, RUN, load_settings
from drill.putback import put_back
from drill.recording.events import Calibration
from drill.report.live import LiveLine
from drill.settings import Settings


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """The target, as drill.toml describes it."""
    return load_settings(pytestconfig)


@pytest.fixture(scope="session")
def allow_context(pytestconfig: pytest.Config) -> str | None:
    """A context that the command line allows although it is not kind-*."""
    allowed: str | None = pytestconfig.getoption("--allow-context")
    return allowed


@pytest.fixture(scope="session")
def connected(settings: Settings, allow_context: str | None) -> Cluster:
    """The target's cluster, before this run has it for itself."""
    return connect(settings, allow_context)


@pytest.fixture(scope="session")
def lease(pytestconfig: pytest.Config, connected: Cluster) -> Iterator[Held]:
    """The cluster is this run's alone until the run ends."""
    holder = Holder.of_this_process(pytestconfig.stash[RUN].name)
    with hold(connected, holder) as held:
        yield held


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config, settings: Settings, connected: Cluster, lease: Held) -> Cluster:
    """The target's cluster, with whatever an earlier run left open put back."""
    lease.check()
    put_back(settings, connected)
    pytestconfig.stash[RUN].know_cluster(cluster_facts(settings, connected))
    return connected


@pytest.fixture(scope="session")
def calibration(pytestconfig: pytest.Config, settings: Settings, cluster: Cluster) -> Calibration | None:
    """The target's noise as `drill calibrate` measured it; None where that is too long ago, or of another
    target.
    """
    kept = find_calibration(settings, pytestconfig.stash[RUN].facts.cluster, time.time())
    return None if kept is None or kept.stale else kept.note.calibration


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
) -> Iterator[Drill | KeptDrill]:
    """The scenario's drill. When the scenario ends, however it ends, the target is put back."""
    facts = request.node.stash[FACTS]
    cluster: Cluster = request.getfixturevalue("cluster")
    request.getfixturevalue("lease").check()
    missing = " and no ".join(lacks(settings, facts))
    if facts.calls and not missing and not is_up(settings, cluster):
        missing = "monitoring in its cluster (`drill monitoring up`)"
    kept = (
        None if missing or request.config.getoption("--fresh-controls") else _kept(run, settings, book, facts)
    )
    if kept is not None:
        request.node.stash[DRILL] = kept
        yield kept
        return
    made = Drill(
        settings,
        cluster,
        book,
        facts,
        run.evidence(facts.drill),
        live=live,
        allow_context=request.config.getoption("--allow-context"),
        calibration=request.getfixturevalue("calibration"),
        earlier=tuple(run.verdicts),
    )
    if missing:
        run.add(made.not_applicable(missing))
        run.ended(facts.scenario, "not applicable")
        made.close()
        pytest.skip(f"not applicable: {settings.file.name} describes no {missing}")
    request.node.stash[DRILL] = made
    yield made
    troubles = made.close()
    live.end()
    for trouble in troubles:
        run.trouble(trouble, facts.scenario)
    if troubles:
        pytest.fail("the target could not be put back: " + "; ".join(troubles), pytrace=False)
    _keep(run, settings, made)


def _kept(run: Run, settings: Settings, book: Book, facts: Facts) -> KeptDrill | None:
    """The control that stands for this scenario, where one is kept that can answer; all of them give
    credit.
    """
    if not facts.control:
        return None
    found = find_controls(settings, run.facts.cluster, facts.faults, time.time())
    brought = [bring_control(run, kept) for kept in that_answer(run, facts.scenario, found)]
    if not brought:
        return None
    return KeptDrill(facts, book, run.folder / brought[0].evidence, brought[0])


def _keep(run: Run, settings: Settings, made: Drill) -> None:
    """Keep a control for later runs; one that cannot be kept is told, since the next run will measure it
    anew.
    """
    verdict = run.of(made.facts.scenario)
    if verdict is None or not made.facts.control:
        return
    try:
        keep_control(settings, run, verdict)
    except DrillError as error:
        run.trouble(str(error), made.facts.scenario)
