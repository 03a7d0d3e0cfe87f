"""What the times of alerts mean. Flows in: rules, a case and the episodes over it. Flows out: what is wrong,
what nobody can tell, and lines that say so. Nothing here knows rules of its own: every time is promtool's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from drill.alerts.engine import AlertEpisode
from drill.alerts.rules import AlertRule, AlertRules
from drill.alerts.series import SeriesFile
from drill.judge.called import hasty, overdue


class AlertOutcome(msgspec.Struct, frozen=True):
    """What the rules make of one case. `wrong` and `undecided`: in words, empty where there is nothing.
    `meant`: the alerts that were meant to fire, None where nobody has said."""

    case: str
    source: str
    fault_seconds: float | None
    held_seconds: float
    meant: tuple[str, ...] | None
    episodes: tuple[AlertEpisode, ...]
    wrong: tuple[str, ...]
    undecided: tuple[str, ...]

    def lines(self) -> list[str]:
        """As text, times since the fault, or since the first scrape where there is none."""
        origin = self.fault_seconds or 0.0
        since = "the fault" if self.fault_seconds is not None else "the first scrape"
        held = f"; its last state held on for {self.held_seconds:.0f} s" if self.held_seconds else ""
        made = [f"{self.case}: {self.source} (seconds since {since}{held})"]
        for each in self.episodes:
            labels = ", ".join(f"{name}={value}" for name, value in sorted(each.labels.items()))
            made.append(
                f"    {each.alert}: pending {_at(each.pending_seconds, origin)}, "
                f"firing {_at(each.firing_seconds, origin)}, resolved {_at(each.resolved_seconds, origin)}"
                f" [{labels}]"
            )
        if not self.episodes:
            made.append("    no alert")
        made += [f"    WRONG: {text}" for text in self.wrong]
        made += [f"    undecided: {text}" for text in self.undecided]
        return made


def judged(rules: AlertRules, case: SeriesFile, episodes: Sequence[AlertEpisode]) -> AlertOutcome:
    """What is wrong: an alert that was meant and did not fire, or later than its severity must be answered;
    one that fired without being meant, or before the fault. Undecided is what a longer case would tell."""
    wrong: list[str] = []
    undecided: list[str] = []
    begin, meant = case.header.fault_seconds, case.header.meant
    observed = case.last_seconds - (begin or 0.0)
    fired: dict[str, float] = {}
    for each in episodes:
        if each.firing_seconds is not None:
            fired.setdefault(each.alert, each.firing_seconds)
            if begin is not None and each.firing_seconds < begin:
                wrong.append(f"{each.alert} fired {begin - each.firing_seconds:.0f} s before the fault")
    if meant is not None:
        for name in meant:
            rule = rules.named(name)
            if rule is None:
                nobody = "" if any(each in fired for each in meant) else "nobody is called: "
                wrong.append(f"{nobody}there is no alert {name}")
            elif name in fired:
                wrong += _late(rules, rule, fired[name] - (begin or 0.0))
            elif rule.asks_the_clock:
                undecided.append(f"{name} asks the clock, which a replay does not have")
            elif observed < rule.needs_seconds:
                undecided.append(
                    f"{name} did not fire within {observed:.0f} s; {rule.needs_seconds:.0f} s would tell"
                )
            else:
                wrong.append(f"nobody is called: {name} did not fire within {observed:.0f} s")
        wrong += [f"{name} fired, and is not meant to" for name in fired if name not in meant]
        wrong += _untimely(case, fired)
        for rule in rules.rules:
            if rule.name not in meant and rule.name not in fired and case.last_seconds < rule.needs_seconds:
                undecided.append(
                    f"{rule.name} is silent, but {case.last_seconds:.0f} s are too few: "
                    f"{rule.needs_seconds:.0f} s would tell"
                )
    source, held = case.header.source, case.held_seconds
    return AlertOutcome(
        case.name, source, begin, held, meant, tuple(episodes), tuple(wrong), tuple(undecided)
    )


def _untimely(case: SeriesFile, fired: Mapping[str, float]) -> list[str]:
    """Of those that fire, which do so sooner or later than they are due."""
    begin = case.header.fault_seconds or 0.0
    due = [(each, fired[each.alert] - begin) for each in case.header.due if each.alert in fired]
    texts = [text for each, seconds in due for text in (hasty(each, seconds), overdue(each, seconds))]
    return [text for text in texts if text]


def _late(rules: AlertRules, rule: AlertRule, seconds: float) -> list[str]:
    limit = rules.response_of(rule.severity)
    if limit is None:
        return [
            f"{rule.name} is of severity {rule.severity!r}, for which {rules.path} states no response time"
        ]
    if seconds > limit.value:
        return [
            f"{rule.name} fired after {seconds:.0f} s; {rule.severity} must be answered in "
            f"{limit.value:.0f} s"
        ]
    return []


def _at(seconds: float | None, origin: float) -> str:
    return "never" if seconds is None else f"{seconds - origin:+.0f} s"
