"""An alert as it happens: from the injection until whoever is on call has received it; and whether a replay
of the same series says the same. Flows in: a Prometheus, what the receiver writes, rules. Flows out: stages
with their moments, and the two accounts side by side.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from drill import wait
from drill.alerts.engine import evaluate
from drill.alerts.receiver import ReceivedAlert, read_received
from drill.alerts.rules import TEXT, AlertRule, AlertRules
from drill.alerts.series import Kind, ScrapedSeries, Scrapes, SeriesFile, SeriesHeader
from drill.errors import DeadlineError, SetupError
from drill.monitoring.prometheus import ActiveAlert, Prometheus, QueriedSeries
from drill.reading import METRIC_NAME
from drill.recording.events import AlertStage

LOOK_EVERY_SECONDS = 0.5
MARGIN_SECONDS = 60.0
CLOCK_SECONDS = 0.01
"""Prometheus writes the times of what it stores in milliseconds; those of its evaluations are exact."""
COUNTER_ENDINGS = ("_total", "_count", "_sum", "_bucket")


class AlertAccount(msgspec.Struct, frozen=True):
    """An alert by one of the two accounts. `firing_wall`: the first evaluation at which it fired, in seconds
    since the epoch; None where it did not."""

    alert: str
    firing_wall: float | None


class LifeAndReplay(msgspec.Struct, frozen=True):
    """The same alert in life and in the replay. `interval_seconds`: between two evaluations."""

    life: AlertAccount
    replay: AlertAccount
    interval_seconds: float

    @property
    def apart_seconds(self) -> float | None:
        """How far the two moments of firing are apart; 0 where both say never, None where one does."""
        life, replay = self.life.firing_wall, self.replay.firing_wall
        if life is None or replay is None:
            return 0.0 if life is replay else None
        return abs(life - replay)

    @property
    def agree(self) -> bool:
        """True where they are within one evaluation of each other."""
        apart = self.apart_seconds
        return apart is not None and apart <= self.interval_seconds + CLOCK_SECONDS


def longest_seconds(rule: AlertRule) -> float:
    """After so long an alert that has not been received will not be."""
    return rule.window_seconds + rule.waits_seconds + MARGIN_SECONDS


def wait_until_quiet(prometheus: Prometheus, rules: AlertRules, only: Collection[str] = ()) -> None:
    """Wait until none of these alerts is pending or fires; `only`: of these names, of all unless given. Users
    must be on the service meanwhile: where nobody asks for anything, an alert that no request succeeds is
    right. Raises SetupError where one stays."""
    awaited = [rule for rule in rules.rules if not only or rule.name in only]
    names = {rule.name for rule in awaited}
    longest = max(map(longest_seconds, awaited), default=0.0)
    try:
        wait.until(
            "no alert to be there before anything is broken",
            lambda: sorted(
                {f"{each.name} {each.state}" for each in prometheus.alerts() if each.name in names}
            ),
            lambda seen: not seen,
            seconds=longest,
            every_seconds=LOOK_EVERY_SECONDS,
        )
    except DeadlineError as error:
        raise SetupError(str(error)) from error


def watch(
    prometheus: Prometheus,
    received: Path,
    alert: str,
    *,
    since_wall: float,
    seconds: float,
    seen: Callable[[AlertStage, float, dict[str, str]], None],
) -> str:
    """Watch an alert from `since_wall` until it is received, telling each stage once with its moment (seconds
    since the epoch) and labels: pending since, seen firing, arrived. Returns "" then, or after `seconds` what
    was last seen. Raises SetupError for an alert that was there before."""
    reached: list[AlertStage] = []
    last = "nothing"

    def reach(stage: AlertStage, wall: float, labels: dict[str, str]) -> None:
        if stage not in reached:
            reached.append(stage)
            seen(stage, wall, labels)

    def look() -> bool:
        nonlocal last
        for each in _of(alert, prometheus.alerts()):
            if each.since_wall < since_wall:
                raise SetupError(
                    f"{alert} was {each.state} {since_wall - each.since_wall:.0f} s before anything was "
                    "broken: wait until it is resolved"
                )
            last = each.state
            reach("pending", each.since_wall, each.labels)
            if each.state == "firing":
                reach("firing", time.time(), each.labels)
        for arrived in arrivals(received, alert, since_wall):
            reach("received", arrived.wall, arrived.labels)
        return "received" in reached

    try:
        wait.until(f"{alert} to be received", look, seconds=seconds, every_seconds=LOOK_EVERY_SECONDS)
    except DeadlineError:
        return f"{alert} was not received within {seconds:.0f} s; last seen: {last}"
    return ""


def arrivals(received: Path, alert: str, since_wall: float) -> list[ReceivedAlert]:
    """Notifications that an alert fires which began then or later."""
    if not received.exists():
        return []
    return [
        each
        for each in read_received(received)
        if each.alert == alert and each.status == "firing" and each.starts_wall >= since_wall
    ]


def _of(alert: str, alerts: Sequence[ActiveAlert]) -> list[ActiveAlert]:
    return [each for each in alerts if each.name == alert]


class Lived(msgspec.Struct, frozen=True):
    """What Prometheus has scraped of what the rules look at. `first_wall`: the evaluation that the replay
    begins with, seconds since the epoch; `interval_seconds`: between two."""

    series: SeriesFile
    first_wall: float
    interval_seconds: float


def lived(
    prometheus: Prometheus, rules: AlertRules, over_seconds: float, source: str, fault_wall: float | None
) -> Lived:
    """The series that the rules look at, of the last `over_seconds`, each sample at the first evaluation that
    saw it. Raises SetupError where there is none of them, or no such rule is loaded."""
    names = {rule.name for rule in rules.rules}
    loaded = [each for each in prometheus.rules() if each.name in names]
    if not loaded:
        raise SetupError("Prometheus has loaded none of these rules")
    words = {
        word for rule in rules.rules for word in re.findall(METRIC_NAME, TEXT.sub('""', rule.expression))
    }
    # `up` is there of every scrape, also of one that failed
    found = [
        series
        for name in sorted((words | {"up"}) & prometheus.metric_names())
        for series in prometheus.query(f"{name}[{over_seconds:.0f}s]")
        if series.samples
    ]
    if not found:
        raise SetupError("Prometheus has none of the series that the rules look at")
    interval = loaded[0].interval_seconds
    first = first_evaluation(found, loaded[0].evaluated_wall, interval)
    fault = None if fault_wall is None else max(0.0, fault_wall - first)
    header = SeriesHeader("drill alert series 1", source, interval, fault_seconds=fault)
    return Lived(SeriesFile("life", header, on_grid(found, first, interval)), first, interval)


def first_evaluation(found: Sequence[QueriedSeries], evaluated_wall: float, interval: float) -> float:
    """The first evaluation that saw any of the samples, where another was at `evaluated_wall`."""
    first = min(series.samples[0][0] for series in found)
    return evaluated_wall - math.floor((evaluated_wall - first) / interval + 1e-6) * interval


def on_grid(found: Sequence[QueriedSeries], first_wall: float, interval: float) -> tuple[ScrapedSeries, ...]:
    """Series as Prometheus has them, each sample at the first evaluation at or after it; the evaluations are
    `interval` seconds apart, the first at `first_wall`. All that one target gave is one scrape of it."""
    target_labels = ("job", "instance")
    by_scrape: dict[tuple[int, tuple[str, ...]], list[tuple[dict[str, str], Kind, float]]] = {}
    for series in found:
        place = tuple(series.labels.get(name, "") for name in target_labels)
        kind: Kind = "counter" if series.labels["__name__"].endswith(COUNTER_ENDINGS) else "gauge"
        for at, value in series.samples:
            slot = max(0, math.ceil((at - first_wall) / interval - 1e-6))
            by_scrape.setdefault((slot, place), []).append((series.labels, kind, value))
    scrapes = Scrapes(interval)
    for (slot, place), samples in sorted(by_scrape.items(), key=lambda each: each[0]):
        scrapes.add(slot * interval, dict(zip(target_labels, place, strict=True)), samples)
    return scrapes.series()


def by_life(prometheus: Prometheus, alert: str, over_seconds: float, since_wall: float) -> AlertAccount:
    """What Prometheus itself has written down of an alert, by its evaluations, from `since_wall` on."""
    asked = f'ALERTS{{alertname="{alert}",alertstate="firing"}}[{over_seconds:.0f}s]'
    times = [at for series in prometheus.query(asked) for at, _ in series.samples if at >= since_wall]
    return AlertAccount(alert, min(times, default=None))


def by_replay(promtool: Path, rules: AlertRules, life: Lived, since_wall: float) -> dict[str, AlertAccount]:
    """What promtool says of each alert over the same series, from `since_wall` on."""
    (episodes,) = evaluate(promtool, rules.files(), [life.series], life.interval_seconds)
    accounts = {}
    for rule in rules.rules:
        times = [
            life.first_wall + each.firing_seconds
            for each in episodes
            if each.alert == rule.name and each.firing_seconds is not None
        ]
        firing = min((wall for wall in times if wall >= since_wall), default=None)
        accounts[rule.name] = AlertAccount(rule.name, firing)
    return accounts
