"""Faults by alerts: seconds from a fault until each alert fires. Flows in: rules, cases and their episodes,
and the recordings beside them. Flows out: rows, and lines that show them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from drill.alerts.engine import AlertEpisode
from drill.alerts.rules import AlertRules
from drill.alerts.series import SeriesFile
from drill.errors import DrillError
from drill.recording import read_events
from drill.recording.events import DrillStarted, FaultWitnessed

RECORDING = "recording.jsonl"
SILENT = "-"


class AlertRow(msgspec.Struct, frozen=True):
    """One drill, or one stored series. `fault`: what was broken, empty for nothing; `felt`: what users felt,
    None where nobody says; `seconds`: by alert, from the fault until it fires, None where it does not;
    `gap`: what is wrong, in words, empty where nothing is."""

    name: str
    fault: str
    felt: bool | None
    seconds: dict[str, float | None]
    gap: str


def row_of(rules: AlertRules, file: Path, case: SeriesFile, episodes: Sequence[AlertEpisode]) -> AlertRow:
    """The row of the series at `file`."""
    begin = case.header.fault_seconds
    seconds: dict[str, float | None] = {}
    early = []
    for rule in rules.rules:
        firing = [
            each.firing_seconds - (begin if begin is not None else case.past_seconds)
            for each in episodes
            if each.alert == rule.name and each.firing_seconds is not None
        ]
        early += [rule.name for each in firing if each < 0 and begin is not None]
        seconds[rule.name] = min((each for each in firing if each >= 0), default=None)
    faults, felt = _recorded(file.parent / RECORDING)
    fired = any(each is not None for each in seconds.values())
    return AlertRow(
        case.name, faults, felt, seconds, _gap(case, early, fired=fired, broken=begin is not None, felt=felt)
    )


def _gap(case: SeriesFile, early: Sequence[str], *, fired: bool, broken: bool, felt: bool | None) -> str:
    if early:
        return f"{', '.join(dict.fromkeys(early))} fires before the fault"
    if not broken:
        return "fires although nothing is broken" if fired else ""
    if case.past_seconds and not case.held_seconds:
        return "undecided: the fault was in for fewer than two scrapes"
    if fired or felt is False:
        return ""
    return "nobody is called"


def _recorded(path: Path) -> tuple[str, bool | None]:
    """The faults of the drill beside the series, and whether users felt any."""
    if not path.is_file():
        return "", None
    try:
        events = read_events(path)
    except DrillError:  # the series stand for themselves
        return "", None
    started = next((each.data for each in events if isinstance(each.data, DrillStarted)), None)
    felt = any(isinstance(each.data, FaultWitnessed) and each.data.users for each in events)
    return " + ".join(each.fault for each in started.faults) if started else "", felt


def lines_of(rules: AlertRules, rows: Sequence[AlertRow]) -> list[str]:
    """The rows as a table of text; a dash where an alert does not fire."""
    names = [rule.name for rule in rules.rules]
    table = [["fault", "drill", *names, "gap"]]
    table += [
        [row.fault or "(none named)", row.name, *(_cell(row.seconds[name]) for name in names), row.gap]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


def _cell(seconds: float | None) -> str:
    return SILENT if seconds is None else f"{seconds:.0f} s"
