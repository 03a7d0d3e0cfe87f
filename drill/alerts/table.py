"""Faults by alerts: seconds from a fault until each alert fires. Flows in: rules, cases and their episodes,
and the recordings beside them. Flows out: rows, and lines that show them. What is a gap here is what
`detected` and `quiet` call a failure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from drill.alerts.engine import AlertEpisode
from drill.alerts.rules import AlertRules
from drill.alerts.series import SeriesFile
from drill.errors import DrillError
from drill.judge.called import meant_by
from drill.recording import read_events
from drill.recording.events import DrillStarted, FaultWitnessed

RECORDING = "recording.jsonl"
SILENT = "-"


class AlertRow(msgspec.Struct, frozen=True):
    """One drill, or one stored series. `fault`: what was broken, empty for nothing; `felt`: what users felt,
    None where nobody says; `seconds`: by alert, from the fault until it fires, None where it does not;
    `gap`: what is wrong, in words, empty where nothing is; `meant`: the alerts of which each may fire, None
    where any may."""

    name: str
    fault: str
    felt: bool | None
    seconds: dict[str, float | None]
    gap: str
    meant: tuple[str, ...] | None = None


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
    beside = _recorded(file.parent / RECORDING)
    meant = beside.meant if case.header.meant is None else case.header.meant
    fired = [name for name, each in seconds.items() if each is not None]
    if early:
        gap = f"{', '.join(dict.fromkeys(early))} fires before the fault"
    elif begin is None:
        gap = "fires although nothing is broken" if fired else ""
    elif case.past_seconds and not case.held_seconds:
        gap = "undecided: the fault was in for fewer than two scrapes"
    else:
        gap = _gap(fired, meant, must_call=beside.felt is not False or beside.stated)
    return AlertRow(case.name, beside.faults, beside.felt, seconds, gap, meant)


class _Beside(msgspec.Struct, frozen=True):
    """What the recording beside the series says. `stated`: the scenario names alerts that fire; others as in
    AlertRow."""

    faults: str = ""
    felt: bool | None = None
    meant: tuple[str, ...] | None = None
    stated: bool = False


def _gap(fired: Sequence[str], meant: tuple[str, ...] | None, *, must_call: bool) -> str:
    """What is wrong with what fires after a fault; empty where nothing is."""
    stray = [name for name in fired if meant is not None and name not in meant]
    if must_call and meant != () and len(stray) == len(fired):
        none_meant = f"{', '.join(stray)} fires, and none that is meant ({', '.join(meant or ())})"
        return none_meant if stray else "nobody is called"
    return f"{', '.join(stray)} fires, and is not meant to" if stray else ""


def _recorded(path: Path) -> _Beside:
    if not path.is_file():
        return _Beside()
    try:
        events = read_events(path)
    except DrillError:  # the series stand for themselves
        return _Beside()
    started = next((each.data for each in events if isinstance(each.data, DrillStarted)), None)
    felt = any(isinstance(each.data, FaultWitnessed) and each.data.users for each in events)
    if started is None:
        return _Beside(felt=felt)
    meant = meant_by(started)
    anything = felt and not meant and started.alerts is None
    faults = " + ".join(each.fault for each in started.faults)
    return _Beside(faults, felt, None if anything else meant, bool(started.alerts))


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
