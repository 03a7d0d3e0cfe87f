"""The alerts of one drill. Flows in: its series and the rules of its runbook. Flows out: an event that says
when each alert would have been pending, firing and resolved, for the judge to read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from drill.alerts.curves import curves_of, told_until
from drill.alerts.engine import AlertEpisode, evaluate
from drill.alerts.exposed import STATE_METRICS
from drill.alerts.expressions import ANY, is_platforms, metrics_of
from drill.alerts.replay import MORE_SECONDS, past_needed, replayed, without_beginning
from drill.alerts.rules import AlertRule, AlertRules
from drill.alerts.series import looks_of, read_series
from drill.recording.events import AlertKnown, AlertSpell, AlertsReplayed
from drill.settings import Alerts


def replay_drill(
    promtool: Path, rules: AlertRules, path: Path, settings: Alerts, sections: Mapping[str, str]
) -> AlertsReplayed:
    """Replay the series of a drill at `path`. `sections`: titles of the runbook by their anchor. Raises
    DrillError where the rules are refused or promtool fails."""
    recorded = read_series(path)
    broken = recorded.header.fault_seconds is not None
    # what is still silent when every range is full of the fault stays so
    past = past_needed(rules)
    hold = min(settings.hold_seconds, past + MORE_SECONDS)
    case = replayed(recorded, past, hold, settings.resolve_seconds if broken else hold)
    (episodes,) = evaluate(promtool, rules.files(), [case])
    begin = case.header.fault_seconds
    origin = case.past_seconds if begin is None else begin
    until = case.last_seconds if case.recovered_seconds is None else case.recovered_seconds
    looks = looks_of(recorded)
    firing = [each.firing_seconds - origin for each in episodes if each.firing_seconds is not None]
    told = origin + told_until(firing, until - origin)
    gap = max((after - before for before, after in pairwise(looks)), default=recorded.scrapes)
    return AlertsReplayed(
        rules=[_known(rules, rule, settings, sections) for rule in rules.rules],
        spells=[_spell(each, origin) for each in without_beginning(case, episodes)],
        evaluate_seconds=case.header.scrape_seconds,
        held_seconds=case.held_seconds,
        until_seconds=until - origin,
        recovered=case.recovered_seconds is not None,
        resolve_seconds=settings.resolve_seconds,
        scrapes=len(looks),
        gap_seconds=gap * recorded.header.scrape_seconds,
        curves=curves_of(promtool, rules.rules, case, origin, told) if broken else [],
    )


def untold(rule: AlertRule) -> list[str]:
    """Metrics that the rule asks for and that nobody here can tell."""
    return sorted(
        name
        for name in metrics_of([rule])
        if name == ANY or (is_platforms(name) and name != "up" and name not in STATE_METRICS)
    )


def _known(rules: AlertRules, rule: AlertRule, settings: Alerts, sections: Mapping[str, str]) -> AlertKnown:
    limit = rules.response_of(rule.severity)
    return AlertKnown(
        rule.name,
        rule.severity,
        limit.value if limit is not None else None,
        settings.response_seconds.get(rule.severity),
        rule.link,
        sections.get(rule.link.rpartition("#")[2], ""),
        rule.needs_seconds,
        untold(rule),
    )


def _spell(episode: AlertEpisode, origin: float) -> AlertSpell:
    def since(seconds: float | None) -> float | None:
        return None if seconds is None else round(seconds - origin, 3)

    return AlertSpell(
        episode.alert,
        since(episode.pending_seconds),
        since(episode.firing_seconds),
        since(episode.resolved_seconds),
        episode.labels,
    )
