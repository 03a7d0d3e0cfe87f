"""A drill of a benchmark's own, and monitoring beside the target. Flows in: the cluster. Flows out: both, for
as long as they are looked at: however that ends, the target is put back, and monitoring is taken down again
where it was not up before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.row import MeasureError
from drill.alerts.rules import AlertRules
from drill.cluster.access import Cluster
from drill.conduct.book import Book
from drill.conduct.drill import Drill
from drill.conduct.scenario import Sentence, Written, facts_of
from drill.machine.stage import say
from drill.monitoring.deploy import bring_up, is_up, take_down
from drill.monitoring.key_metrics import KeyMetric
from drill.monitoring.prometheus import Prometheus, in_cluster
from drill.putback import put_back
from drill.report.live import LiveLine
from drill.run.child import ends_on_sigterm
from drill.settings import Settings


@contextmanager
def monitored(
    settings: Settings, cluster: Cluster, rules: AlertRules, metrics: list[KeyMetric]
) -> Iterator[Prometheus]:
    """Monitoring with these rules and dashboards, beside a target in its known state."""
    was_up = is_up(settings, cluster)
    with ends_on_sigterm():
        try:
            bring_up(settings, cluster, rules, metrics)
            put_back(settings, cluster)
            yield in_cluster(settings, cluster)
        finally:
            if not was_up:
                take_down(settings, cluster)


@contextmanager
def drilled(settings: Settings, cluster: Cluster, fault: str, why: str, folder: Path) -> Iterator[Drill]:
    """A drill of one fault, of which nothing is done yet; its evidence goes to `folder`. Raises MeasureError
    for what could not be put back."""
    sentence = Sentence(1, f'the fault "{fault}" takes effect')
    facts = facts_of(Written(__file__, 1, "Benchmark", why, ("P0",), (sentence,)))
    live = LiveLine()
    drill = Drill(settings, cluster, Book(settings), facts, folder, live=live)
    troubles: list[str] = []
    try:
        yield drill
    finally:
        troubles += drill.close()
        live.end()
        for each in troubles:  # also where something else is raised meanwhile
            say(f"not put back: {each}")
    if troubles:
        raise MeasureError("; ".join(troubles))
