"""A drill's series as a monitoring would have seen them had nobody acted for long. Flows in: series as
recorded. Flows out: series on the grid of the monitoring's own scrapes, in four stretches: the past, in which
all was well; what was recorded until just before recovery; the fault's last state, held on; what was recorded
afterwards, and its last state held on in turn.

The past is the steady state of before the fault, extended backwards, so that every range of a rule is full
when the fault begins. Counters go on at the rate that was measured within each stretch; gauges, and counters
of what happened to objects (`kube_*`), keep their value; what was absent stays absent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from drill.alerts.engine import AlertEpisode
from drill.alerts.rules import AlertRules
from drill.alerts.series import HOLDS_OVER_SECONDS, Gap, ScrapedSeries, SeriesFile, Value, held, rate_of

DECIMALS = 3
MORE_SECONDS = 30.0
"""Held on for longer than the slowest rule needs: what is still silent then stays so."""
LOOKBACK_SECONDS = 300.0
"""So long Prometheus goes on with the last sample of a series that nobody scraped any more."""


class _Cut(msgspec.Struct, frozen=True):
    """Scrapes as recorded, by number: every `stride`-th is one of the monitoring's own, from `first` on.
    `before`, `during`, `after`: the stretches whose rates count, from and to, both included; `anchor`: the
    last of the fault's state, or the last of all."""

    stride: int
    first: int
    anchor: int
    before: tuple[int, int]
    during: tuple[int, int] | None
    after: tuple[int, int]


class _Lengths(msgspec.Struct, frozen=True):
    """Scrapes of the monitoring to add: before all, for as long as the fault is held on, and at the end."""

    past: int
    hold: int
    after: int


def prepared(
    file: SeriesFile, rules: AlertRules, hold_seconds: float, after_seconds: float = 0.0
) -> SeriesFile:
    """The series as the rules are to see them: those of a drill replayed, for as long as the rules need at
    most; others with their last state held on."""
    if file.header.evaluate_seconds is None:
        return held(file, hold_seconds)
    past = past_needed(rules)
    enough = past + LOOKBACK_SECONDS + MORE_SECONDS
    return replayed(file, past, min(hold_seconds, enough), after_seconds)


def past_needed(rules: AlertRules) -> float:
    """Seconds that must have been steady so that every range of every rule is full, and its `for` over."""
    return max((rule.needs_seconds for rule in rules.rules), default=0.0)


def replayed(
    file: SeriesFile, past_seconds: float, hold_seconds: float, after_seconds: float = 0.0
) -> SeriesFile:
    """The series in four stretches. The fault is held on for `hold_seconds` where its last state was
    recorded; times of the header are those of the replay."""
    header = file.header
    every = header.evaluate_seconds or header.scrape_seconds
    cut = _cut(file, round(every / header.scrape_seconds))
    past, hold, after = (math.ceil(each / every) for each in (past_seconds, hold_seconds, after_seconds))
    # nothing came after a fault that was in until the end, so nothing is known that could be held on
    recovered = cut.anchor + cut.stride < file.scrapes
    lengths = _Lengths(past, hold if cut.during else 0, after if recovered or not cut.during else 0)
    series = tuple(_replayed(each, cut, lengths) for each in file.series)

    def moved(seconds: float | None) -> float | None:
        return None if seconds is None else seconds + past * every - cut.first * header.scrape_seconds

    hold_from = moved(header.hold_from_seconds)
    return SeriesFile(
        file.name,
        msgspec.structs.replace(
            header,
            scrape_seconds=every,
            evaluate_seconds=None,
            fault_seconds=moved(header.fault_seconds),
            hold_from_seconds=hold_from,
            steady_until_seconds=moved(header.steady_until_seconds),
        ),
        series,
        held_seconds=lengths.hold * every,
        past_seconds=past * every,
        recovered_seconds=hold_from + lengths.hold * every if hold_from is not None and recovered else None,
    )


def without_beginning(case: SeriesFile, episodes: Iterable[AlertEpisode]) -> list[AlertEpisode]:
    """The episodes without those that are there only because a replay has a beginning, at which no range is
    full: pending in the past, and never firing."""
    return [
        each
        for each in episodes
        if each.firing_seconds is not None
        or each.pending_seconds is None
        or each.pending_seconds >= case.past_seconds
    ]


def _cut(file: SeriesFile, stride: int) -> _Cut:
    header, last = file.header, file.scrapes - 1
    every, begin, hold = header.scrape_seconds, header.fault_seconds, header.hold_from_seconds
    over = round(HOLDS_OVER_SECONDS / every)
    acted = header.steady_until_seconds if begin is None else begin
    well = last if acted is None else min(math.floor(acted / every), last)
    if begin is None or hold is None:
        return _Cut(stride, last % stride, last, (0, well), None, (max(0, last - over), last))
    anchor = min(round(hold / every), last)
    during = (min(max(math.ceil(begin / every), anchor - over), anchor), anchor)
    after = (min(max(anchor + 1, last - over), last), last)
    return _Cut(stride, anchor % stride, anchor, (0, well), during, after)


def _replayed(series: ScrapedSeries, cut: _Cut, lengths: _Lengths) -> ScrapedSeries:
    values = series.values
    own = [_at(values, slot, cut.stride) for slot in range(cut.first, len(values), cut.stride)]
    split = (cut.anchor - cut.first) // cut.stride + 1
    until, later = own[:split], own[split:]
    steady = -_rate(series, cut.before, cut.stride)
    well = cut.before[1]
    if cut.first > well and lengths.past:
        # the monitoring's first scrape saw the fault already: the past is that of the last one before it
        base = _at(values, well, well + 1)
        past = [*_going_on(base, steady, lengths.past - 1)[::-1], base]
    else:
        past = _going_on(until[0], steady, lengths.past)[::-1]
    during = _rate(series, cut.during, cut.stride) if cut.during else 0.0
    hold = _going_on(until[-1], during, lengths.hold)
    offset = during * lengths.hold if hold and not isinstance(until[-1], Gap) else 0.0
    end = [*until, *hold, *_moved(later, until[-1], offset if series.kind == "counter" else 0.0)]
    end += _going_on(end[-1], _rate(series, cut.after, cut.stride), lengths.after)
    whole = [*past, *end]
    return msgspec.structs.replace(
        series, values=tuple(_lifted(whole) if series.kind == "counter" else whole)
    )


def _rate(series: ScrapedSeries, stretch: tuple[int, int], stride: int) -> float:
    """The mean increase from one scrape of the monitoring's to the next."""
    if not series.goes_on:
        return 0.0
    start, end = stretch
    return round(rate_of(series.values[start : end + 1]) * stride, DECIMALS)


def _at(values: Sequence[Value], slot: int, stride: int) -> Value:
    """What was scraped last, since the monitoring's scrape before."""
    for each in range(slot, max(-1, slot - stride), -1):
        if values[each] is not Gap.MISSED:
            return values[each]
    return Gap.MISSED


def _going_on(value: Value, step: float, count: int) -> list[Value]:
    if isinstance(value, Gap):
        return [value] * count
    return [round(value + step * (each + 1), DECIMALS) for each in range(count)]


def _moved(values: Sequence[Value], previous: Value, offset: float) -> list[Value]:
    """What was recorded after the hold, with what the counter has gained in it, until it begins anew."""
    moved: list[Value] = []
    for value in values:
        if isinstance(value, Gap):
            moved.append(value)
            continue
        if not isinstance(previous, Gap) and value < previous:
            offset = 0.0
        previous = value
        moved.append(value + offset)
    return moved


def _lifted(values: Sequence[Value]) -> list[Value]:
    """A counter is never below nothing: all are lifted until it begins anew."""
    first = next((each for each in values if not isinstance(each, Gap)), 0.0)
    lift = max(0.0, -first)
    lifted: list[Value] = []
    previous = first
    for value in values:
        if not isinstance(value, Gap):
            lift = 0.0 if value < previous else lift
            previous = value
            lifted.append(value + lift)
        else:
            lifted.append(value)
    return lifted
