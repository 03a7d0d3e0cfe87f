"""Faults by alerts: seconds from a fault until each alert fires. Flows in: rules, cases and their episodes,
and what is known of the cases. Flows out: rows, and lines that show them, with what no drill lets fire and
what no alert announces. What is a gap here is what `detected` and `quiet` call a failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from drill.alerts.engine import AlertEpisode
from drill.alerts.meaning import CaseMeaning, outcome_of
from drill.alerts.rules import AlertRules
from drill.alerts.series import SeriesFile

SILENT = "-"
UNDECIDED = "undecided: "
UNPROVEN = "and no drill here recovers by that"


class AlertRow(msgspec.Struct, frozen=True):
    """One drill, or one stored series. `fault`: what was broken, empty for nothing; `felt`: what users felt,
    None where nobody says; `seconds`: by alert, from the fault until it fires, None where it does not;
    `gap`: what is wrong, in words, empty where nothing is; `meant`: the alerts of which each may fire, None
    where any may; `several`: more than one thing was broken; `repaired_in`: the section by which users
    recovered, empty where they did not, or without it."""

    name: str
    fault: str
    felt: bool | None
    seconds: dict[str, float | None]
    gap: str
    meant: tuple[str, ...] | None = None
    several: bool = False
    repaired_in: str = ""

    @property
    def silent(self) -> bool:
        """No alert fires."""
        return all(each is None for each in self.seconds.values())


class AlertLead(msgspec.Struct, frozen=True):
    """Where an alert leads who is called to a fault. `section`: empty where it leads to none; `proven_by`:
    drills of the fault that recovered by that section, or by one that it sends on to."""

    fault: str
    alert: str
    section: str
    proven_by: tuple[str, ...]

    @property
    def line(self) -> str:
        """As text."""
        way = f"leads to {self.section!r}" if self.section else "leads to no section"
        proven = f"which repairs it in {', '.join(self.proven_by)}" if self.proven_by else UNPROVEN
        return f"{self.fault}: {self.alert} {way}, {proven}"


class AlertTable(msgspec.Struct, frozen=True):
    """All rows. `uncovered`: alerts that no drill lets fire; `unannounced`: faults that users feel and that
    no alert announces in any drill, of which anything can be told; `leads`: of the announced ones."""

    rows: tuple[AlertRow, ...]
    uncovered: tuple[str, ...]
    unannounced: tuple[str, ...]
    leads: tuple[AlertLead, ...] = ()

    def lines(self) -> list[str]:
        """As text: a dash where an alert does not fire."""
        names = list(self.rows[0].seconds) if self.rows else []
        table = [["fault", "drill", *names, "gap"]]
        table += [
            [row.fault or "(none named)", row.name, *(_cell(row.seconds[name]) for name in names), row.gap]
            for row in self.rows
        ]
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        made = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in table
        ]
        made += [f"{name}: uncovered: no drill lets it fire" for name in self.uncovered]
        made += [f"{fault}: unannounced: users feel it, and nobody is called" for fault in self.unannounced]
        return made + [lead.line for lead in self.leads]


def row_of(
    rules: AlertRules,
    case: SeriesFile,
    meaning: CaseMeaning,
    episodes: Sequence[AlertEpisode],
    repaired_in: str = "",
) -> AlertRow:
    """The row of a case. `repaired_in`: the section by which users recovered in it."""
    firing = firing_of(rules, case, episodes)
    after = {name: [each for each in times if each >= 0] for name, times in firing.items()}
    outcome = outcome_of(rules, meaning, firing)
    wrong = outcome.text(meaning)
    gap = f"{UNDECIDED}{meaning.undecided}" if meaning.undecided and not outcome.early else wrong
    return AlertRow(
        case.name,
        meaning.fault,
        meaning.felt,
        {name: min(times, default=None) for name, times in after.items()},
        gap,
        meaning.meant,
        meaning.several,
        repaired_in,
    )


def table_of(rows: Sequence[AlertRow], ways: Mapping[str, tuple[str, ...]]) -> AlertTable:
    """The rows in the order of their faults, and what they say together. `ways`: by alert, the titles of the
    section that it leads to, and of those that this one sends on to."""
    ordered = tuple(sorted(rows, key=lambda row: (row.fault, row.name)))
    names = list(ordered[0].seconds) if ordered else []
    felt = [row for row in ordered if row.felt and row.fault and not row.gap.startswith(UNDECIDED)]
    announced = {row.fault for row in felt if not row.silent}
    return AlertTable(
        ordered,
        tuple(name for name in names if all(row.seconds[name] is None for row in ordered)),
        tuple(dict.fromkeys(row.fault for row in felt if row.fault not in announced)),
        leads_of(ordered, ways),
    )


def leads_of(rows: Sequence[AlertRow], ways: Mapping[str, tuple[str, ...]]) -> tuple[AlertLead, ...]:
    """Of each fault that users feel and each alert that fires for it in any drill of it alone."""
    announced = {
        (row.fault, name): None
        for row in rows
        if row.felt and row.fault and not row.several
        for name, seconds in row.seconds.items()
        if seconds is not None
    }
    made = []
    for fault, name in announced:
        way = ways[name]
        proven = (row.name for row in rows if row.fault == fault and row.repaired_in in way)
        made.append(AlertLead(fault, name, way[0] if way else "", tuple(proven)))
    return tuple(made)


def firing_of(
    rules: AlertRules, case: SeriesFile, episodes: Sequence[AlertEpisode]
) -> dict[str, list[float]]:
    """By alert: when it begins to fire, in seconds from the fault or from when recording began."""
    begin = case.header.fault_seconds
    origin = begin if begin is not None else case.past_seconds
    found: dict[str, list[float]] = {rule.name: [] for rule in rules.rules}
    for each in episodes:
        if each.firing_seconds is not None and each.alert in found:
            found[each.alert].append(each.firing_seconds - origin)
    return found


def _cell(seconds: float | None) -> str:
    return SILENT if seconds is None else f"{seconds:.0f} s"
