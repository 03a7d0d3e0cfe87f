"""Does the monitoring show what happens, and the same as the drill? Flows in: the cluster. Flows out: rows,
and pictures of the dashboards in reports/monitoring-live- and the time. Monitoring is brought up for it, and
taken down again where it was not there before.

Two drills under load, in which nobody acts; in each:

    steady     once every key metric gives a number, a stretch in which nothing is broken
    broken     the fault is in for so long that it fills the minute over which the dashboards tell rates; then
               each dashboard is opened in headless Chromium (seen_in_browser.py, panels.py)

Of the first drill's stretches, what the drill recorded is compared with what Prometheus scraped
(two_sources.py).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.drilled import drilled, monitored
from benchmarks.panels import PageVerdict, Shows, judged
from benchmarks.row import ROOT, MeasureError, Options, Outcome, Row, reached, unmeasured
from benchmarks.seen_in_browser import address_of, browser, check_browser, look_at, options_for
from benchmarks.two_sources import Scraped, Span, fault_row, steady_rows
from drill import settings as drill_settings
from drill import wait
from drill.alerts.rules import alert_rules
from drill.cluster.access import Cluster, connect
from drill.conduct.book import Book
from drill.conduct.world import world_of
from drill.errors import DeadlineError, DrillError
from drill.judge.case import Case
from drill.machine.stage import say
from drill.monitoring.key_metrics import KeyMetric, key_metrics, measure
from drill.monitoring.prometheus import Prometheus
from drill.recording import Moment, now
from drill.settings import Monitoring, Settings
from tests.browser.chromium import Chromium

NUMBERS_SECONDS = 120.0
TAKES_HOLD_SECONDS = 10.0
"""Of the stretch in which requests fail, what is left out after the injection."""


@dataclass(frozen=True)
class Broken:
    """A fault, how long all is well before it, how long it is in before the dashboards are opened, and how it
    shows in their panels."""

    fault: str
    steady_seconds: float
    seconds: float
    shows: dict[str, Shows]


@dataclass(frozen=True)
class Looked:
    """Who looks at what."""

    settings: Settings
    cluster: Cluster
    prometheus: Prometheus
    monitoring: Monitoring
    metrics: list[KeyMetric]
    folder: Path


@dataclass(frozen=True)
class Drilled:
    """What came of one drill: its evidence, its two stretches, and the rows that are told already."""

    folder: Path
    steady: Span
    broken: Span
    rows: list[Row]


LOCKED_OUT = Broken(
    "redis-locked-out",
    steady_seconds=75.0,
    seconds=80.0,
    shows={
        "Error Rate": "rises",
        "Cache Hit Rate": "falls",
        # they are counted in Redis
        "Active Users": "ends",
        "Queue Depth": "ends",
    },
)
SCALED_AWAY = Broken(
    "deployment-scaled-to-zero",
    steady_seconds=45.0,
    seconds=110.0,
    shows={
        "Network I/O": "falls",
        # no pod is left that would tell
        **dict.fromkeys(
            (
                "Request Rate",
                "Error Rate",
                "Response Time",
                "Active Users",
                "Queue Depth",
                "Connection Count",
                "Query Performance",
                "Lock Wait Time",
                "Cache Hit Rate",
            ),
            "ends",
        ),
    },
)


def monitoring_live(options: Options) -> list[Row]:
    """See the module's text."""
    check_browser()
    settings = drill_settings.load(ROOT / "drill.toml")
    monitoring = settings.monitoring
    if monitoring is None:
        raise MeasureError("drill.toml has no [monitoring]")
    cluster, book = connect(settings), Book(settings)
    metrics = key_metrics(settings, book.corrected)
    folder = ROOT / "reports" / f"monitoring-live-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True)
    say(f"pictures and recordings: {folder}")
    with monitored(settings, cluster, alert_rules(book.corrected), metrics) as prometheus:
        looked = Looked(settings, cluster, prometheus, monitoring, metrics, folder)
        return [*_compared(looked, LOCKED_OUT), *_shown(looked, SCALED_AWAY)]


def _compared(looked: Looked, broken: Broken) -> list[Row]:
    """The rows of a drill whose recording is held against Prometheus' series."""
    try:
        done = _drill(looked, broken)
        case = Case(done.folder)
        queries, prometheus = looked.monitoring.metrics, looked.prometheus
        return [
            *done.rows,
            *steady_rows(case, done.steady, Scraped(prometheus, queries, done.steady)),
            fault_row(case, done.broken, Scraped(prometheus, queries, done.broken), broken.fault),
        ]
    except (MeasureError, DrillError, OSError) as error:
        return [unmeasured(f"monitoring, {broken.fault}", "to be measured", error)]


def _shown(looked: Looked, broken: Broken) -> list[Row]:
    """The rows of a drill of which the dashboards alone are looked at."""
    try:
        return _drill(looked, broken).rows
    except (MeasureError, DrillError, OSError) as error:
        return [unmeasured(f"monitoring, {broken.fault}", "to be measured", error)]


def _drill(looked: Looked, broken: Broken) -> Drilled:
    folder = looked.folder / broken.fault
    title = f"Dashboards under {broken.fault}"
    with drilled(looked.settings, looked.cluster, broken.fault, title, folder) as drill:
        drill.gate()
        drill.start_load()
        rows = [numbers_row(looked.metrics, _without_number(looked), broken.fault)]
        steady = _pass(broken.steady_seconds)
        drill.take_effect(broken.fault)
        injected = now()
        wait.pause(TAKES_HOLD_SECONDS)
        held = _pass(broken.seconds - TAKES_HOLD_SECONDS)
        rows += _pages(looked, broken, injected)
    return Drilled(folder, steady, held, rows)


def _pass(seconds: float) -> Span:
    """Let so long pass."""
    start = now()
    wait.pause(seconds)
    return Span(start, now())


def _without_number(looked: Looked) -> list[str]:
    """Wait until every key metric gives a number; those that do not, and what was last seen of them."""
    lines: list[str] = []

    def look() -> list[str]:
        nonlocal lines
        found = measure(looked.prometheus, looked.metrics)
        lines = [line for each in found if each.trouble for line in each.lines()]
        return lines

    try:
        wait.until(
            "every key metric to give a number",
            look,
            lambda seen: not seen,
            seconds=NUMBERS_SECONDS,
            every_seconds=2.0,
        )
    except DeadlineError as error:
        return [f"after {error.seconds:.0f} s: {line}" for line in lines]
    return []


def numbers_row(metrics: list[KeyMetric], without: list[str], fault: str) -> Row:
    """How many of the runbook's key metrics give a number under load. `without`: of those with a query, a
    line for each that does not."""
    missing = [f"{each.name}: missing: {each.missing}" for each in metrics if each.missing]
    asked = len(metrics) - len(missing)
    return Row(
        f"key metrics that give a number, before {fault}",
        f"all {asked} with a query",
        f"{asked - len(without)} of {len(metrics)}",
        reached(asked and not without),
        (*without, *missing),
    )


def _pages(looked: Looked, broken: Broken, injected: Moment) -> list[Row]:
    """A row for each dashboard, in one browser."""
    pages = looked.monitoring.dashboards
    try:
        world = world_of(looked.settings, looked.folder, looked.cluster)
        with browser(options_for(world.connect, world.certificate)) as chromium:
            return [_page(looked, broken, injected, chromium, page) for page in pages]
    except (DrillError, OSError) as error:
        return [
            unmeasured(_title(page, broken), page_aim(_of_page(looked, page), broken), error)
            for page in pages
        ]


def _page(looked: Looked, broken: Broken, injected: Moment, chromium: Chromium, page: str) -> Row:
    runbook = (looked.settings.root / looked.settings.target.runbook).read_text(encoding="utf-8")
    kept = looked.folder / broken.fault / page
    metrics = _of_page(looked, page)
    try:
        panels = look_at(chromium, address_of(page, runbook), kept)
        found = judged(panels, metrics, broken.shows, time.monotonic() - injected.monotonic)
    except (MeasureError, OSError, ValueError) as error:
        return unmeasured(_title(page, broken), page_aim(metrics, broken), error)
    return page_row(page, metrics, broken, found, kept.with_suffix(".png"))


def page_aim(metrics: list[KeyMetric], broken: Broken) -> str:
    """What a page of these metrics is to show."""
    asked = [each.name for each in metrics if not each.missing]
    showing = [name for name in asked if name in broken.shows]
    if not showing:
        return f"{len(asked)} panels have data"
    rest = len(asked) - len(showing)
    return f"{len(showing)} panels show the fault{f', {rest} have data' if rest else ''}"


def page_row(page: str, metrics: list[KeyMetric], broken: Broken, found: PageVerdict, picture: Path) -> Row:
    """The row of one dashboard: missed where something is wrong, not measured where that cannot be told."""
    outcome: Outcome = "error" if found.unknown and not found.wrong else reached(not found.wrong)
    measured = f"{len(found.wrong)} wrong" if found.wrong else "they do"
    if found.unknown:
        wrong = f"{measured}, " if found.wrong else ""
        measured = f"{wrong}of {len(found.unknown)} it cannot be told"
    notes = (*found.wrong, *found.unknown, *found.said, f"picture: {picture}")
    return Row(_title(page, broken), page_aim(metrics, broken), measured, outcome, notes)


def _of_page(looked: Looked, page: str) -> list[KeyMetric]:
    return [each for each in looked.metrics if each.page == page]


def _title(page: str, broken: Broken) -> str:
    return f"dashboard {page}, {broken.fault}"
