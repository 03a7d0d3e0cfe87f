"""What steps and scenarios are given: the target, its cluster, the run, the drill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drill.cluster.access import Cluster, connect
from drill.conduct.book import Book
from drill.conduct.checks import lacks
from drill.conduct.drill import Drill
from drill.conduct.run import Run
from drill.plugin.keys import DRILL, FACTS, RUN, load_settings
from drill.putback import put_back
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
def cluster(settings: Settings, allow_context: str | None) -> Cluster:
    """The target's cluster, with whatever an earlier run left open put back."""
    found = connect(settings, allow_context)
    put_back(settings, found)
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
    missing = " and no ".join(lacks(settings, facts))
    if missing:
        run.add(made.not_applicable(missing))
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
