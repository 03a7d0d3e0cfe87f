"""Alerts in life against the replay of the same series. Flows in: the cluster. Flows out: a row a fault.
Monitoring is brought up for it, and taken down again where it was not there before.

A fault for each alert of the runbook, under load, in which nobody acts until it is known who is called:
deployment-scaled-to-zero, which ServiceDown announces; redis-locked-out, in which a tenth of the requests
fails; network-slow, in which all are late, until probes give the pods up; and pods-killed, which heals within
seconds. Restarts count for a quarter of an hour, and each fault waits until no alert is there.
Where neither life nor replay has the alert, they do not differ, and it is no pass. Afterwards the series that
Prometheus scraped are evaluated by promtool, with the rules that Prometheus has loaded:

    life      the first evaluation at which Prometheus itself wrote the alert down as firing
    replay    the first at which promtool lets it fire
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.drilled import drilled, monitored
from benchmarks.row import ROOT, MeasureError, Options, Row, evidence, reached
from drill import settings as drill_settings
from drill.alerts.receiver import receiving
from drill.alerts.rules import AlertRules, alert_rules
from drill.cluster.access import Cluster, connect
from drill.conduct.book import Book
from drill.machine.promtool import ensure_promtool
from drill.monitoring.deploy import gateway_of, monitoring_of
from drill.monitoring.key_metrics import key_metrics
from drill.monitoring.live import (
    LifeAndReplay,
    by_life,
    by_replay,
    lived,
    longest_seconds,
    wait_until_quiet,
    watch,
)
from drill.monitoring.prometheus import Prometheus
from drill.settings import Settings

OVER_SECONDS = 900.0
LOOKS_BACK_SECONDS = 300.0


@dataclass(frozen=True)
class Injected:
    """A fault, and the alert that is to fire for it. `may`: those that may fire besides, since it lasts."""

    fault: str
    meant: str
    may: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watched:
    """What is drilled and what watches it. `folder`: for evidence; `received`: the receiver's file."""

    settings: Settings
    cluster: Cluster
    prometheus: Prometheus
    rules: AlertRules
    folder: Path
    received: Path


FAULTS = (
    Injected("deployment-scaled-to-zero", "ServiceDown"),
    Injected("redis-locked-out", "HighErrorRate"),
    Injected("network-slow", "HighResponseTime", may=("PodCrashLooping", "ServiceDown")),
    Injected("pods-killed", "PodCrashLooping"),
)


def alerts_live(options: Options) -> list[Row]:
    """See the module's text."""
    settings = drill_settings.load(ROOT / "drill.toml")
    cluster = connect(settings)
    book = Book(settings)
    rules = alert_rules(book.corrected)
    metrics = key_metrics(settings, book.corrected)
    with monitored(settings, cluster, rules, metrics) as prometheus, evidence() as folder:
        file = folder / "received-alerts.jsonl"
        with receiving(gateway_of(settings), monitoring_of(settings).receiver_port, file):
            watched = Watched(settings, cluster, prometheus, rules, folder, file)
            return [_row(watched, each) for each in FAULTS]


def _row(watched: Watched, injected: Injected) -> Row:
    prometheus, rules = watched.prometheus, watched.rules
    names = {rule.name for rule in rules.rules}
    notes, began = _break(watched, injected)
    over = min(OVER_SECONDS, time.time() - began + LOOKS_BACK_SECONDS)
    life = lived(prometheus, rules, over, f"life, {injected.fault}", began)
    replayed = by_replay(ensure_promtool(), rules, life, began)
    both = [
        LifeAndReplay(by_life(prometheus, name, over, began), replayed[name], life.interval_seconds)
        for name in sorted(names)
    ]
    return compared(injected, both, notes, began)


def compared(injected: Injected, both: list[LifeAndReplay], notes: list[str], began: float) -> Row:
    """The row of a fault. `both`: of every alert of the runbook, what life and what the replay say of it."""
    told = [*notes, *(line for each in both for line in _told(each, began))]
    fired = [each.life.alert for each in both if each.life.firing_wall is not None]
    as_meant = injected.meant in fired and {*fired} <= {injected.meant, *injected.may}
    furthest = max((each.apart_seconds or 0.0 for each in both), default=0.0)
    agree = all(each.agree for each in both)
    if not as_meant:
        told.append(f"fired: {', '.join(fired) or 'none'}; meant: {injected.meant}")
    measured = f"{furthest:.1f} s apart" if agree else "life and replay differ"
    if agree and injected.meant not in fired:
        measured = f"{injected.meant} neither in life nor by replay"
    interval = max((each.interval_seconds for each in both), default=0.0)
    return Row(
        f"alerts in life and by replay, {injected.fault}",
        f"<= {interval:g} s, as meant",
        measured,
        reached(agree and as_meant),
        tuple(told),
    )


def _told(both: LifeAndReplay, began: float) -> list[str]:
    if both.life.firing_wall is None and both.replay.firing_wall is None:
        return []
    life, replay = (
        "never" if wall is None else f"{wall - began:+.1f} s"
        for wall in (both.life.firing_wall, both.replay.firing_wall)
    )
    return [f"{both.life.alert} fires: life {life}, replay {replay} after the fault"]


def _break(watched: Watched, injected: Injected) -> tuple[list[str], float]:
    """Break, watch who is called, undo. Returns notes, and when it was broken (seconds since the epoch)."""
    fault, notes = injected.fault, list[str]()
    why, folder = f"Alerts of {fault}", watched.folder / fault
    with drilled(watched.settings, watched.cluster, fault, why, folder) as drill:
        drill.gate()
        drill.start_load()
        wait_until_quiet(watched.prometheus, watched.rules)
        began = time.time()
        drill.take_effect(fault)
        rule = watched.rules.named(injected.meant)
        if rule is None:
            raise MeasureError(f"{watched.rules.path} has no alert {injected.meant}")
        missed = watch(
            watched.prometheus,
            watched.received,
            rule.name,
            since_wall=began,
            seconds=longest_seconds(rule),
            seen=lambda stage, wall, labels: notes.append(f"{rule.name} {stage} {wall - began:+.1f} s"),
        )
    if missed:
        raise MeasureError(missed)
    return notes, began
