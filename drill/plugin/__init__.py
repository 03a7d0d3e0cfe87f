"""drill as a pytest plugin: `pytest features -m smoke` needs nothing else.

options.py    command line, markers, where a run's files go
collect.py    what is refused before anything runs: broken features, undefined steps, names of nothing
shards.py     the K-th of N parts of what is asked for
progress.py   how far a run is, and how long it may still take
fixtures.py   the target, its cluster, the run and the drill of a scenario
outcome.py    from verdicts to test results, reports and the exit status
keys.py       what these keep for each other

Exit status of a run of drills: 0 all as expected, 1 otherwise, 2 inconclusive, 3 setup or usage error. Runs
without a drill keep pytest's own.
"""

from drill.plugin.collect import pytest_collection_modifyitems, pytest_deselected
from drill.plugin.fixtures import (
    allow_context,
    book,
    calibration,
    cluster,
    connected,
    drill,
    lease,
    live,
    run,
    settings,
)
from drill.plugin.options import pytest_addoption, pytest_cmdline_main, pytest_configure
from drill.plugin.outcome import (
    pytest_runtest_call,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

__all__ = [
    "allow_context",
    "book",
    "calibration",
    "cluster",
    "connected",
    "drill",
    "lease",
    "live",
    "pytest_addoption",
    "pytest_cmdline_main",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_deselected",
    "pytest_runtest_call",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "run",
    "settings",
]
