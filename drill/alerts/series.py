"""Series of a drill, as Prometheus scraped them. Flows in: samples, or a stored file. Flows out: series on
the grid of the scrapes, which promtool takes, and the same with a fault's last state held on.

The file is JSON lines: first what it is (`SeriesHeader`), then a series a line (`StoredSeries`). Values are
in promtool's own notation, one for each scrape since the first: a number; `0+15x40`, that and 40 more, each
15 more; `_`, no sample; `stale`, the series has ended.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from drill.errors import InputError, UsageError
from drill.reading import METRIC_NAME
from drill.recording.events import AlertDue

NAME_ENDING = "alert-series.jsonl"
"""A stored file's name is this, or ends with a dot and this."""
FORM = "drill alert series 1"
MOST_SCRAPES = 100_000
HOLDS_OVER_SECONDS = 60.0
"""A fault's last state is what the last so many seconds of it show."""
KEPT_PREFIXES = ("kube_",)
"""Counters of what happened to objects: held on, nothing more happens to them. Others go on at their rate."""
REPEATED = re.compile(r"(?P<start>[^x]+?)(?P<step>[+-][0-9.eE]+)?x(?P<times>[0-9]+)")
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|Inf)|NaN")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Gap(Enum):
    """What is there in place of a sample."""

    MISSED = "_"
    STALE = "stale"


Value = float | Gap
Kind = Literal["counter", "gauge"]
_Labels = tuple[tuple[str, str], ...]
_Record = TypeVar("_Record")


class SeriesHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The first line of a file. `source`: where the series are from, in words; seconds since the first
    scrape: `fault_seconds`, when the fault was injected, None for none; `hold_from_seconds`, until when its
    last state was recorded and from where it is held on, None where nothing is to be held. `meant`: the
    alerts that are meant to fire; None where nobody has said. `evaluate_seconds`: between two scrapes and two
    evaluations of the monitoring that is assumed, where that is not how often was scraped; `untold`: metrics
    that rules name and that could not be scraped; `due`: when those of `meant` have to fire, where
    that is known; `steady_until_seconds`: where nothing was broken, until when nobody had acted either, None
    where all of it is the steady state.
    """

    form: Literal["drill alert series 1"]
    source: str
    scrape_seconds: float
    fault_seconds: float | None = None
    hold_from_seconds: float | None = None
    meant: tuple[str, ...] | None = None
    evaluate_seconds: float | None = None
    untold: tuple[str, ...] = ()
    due: tuple[AlertDue, ...] = ()
    steady_until_seconds: float | None = None


class StoredSeries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A further line of a file: labels with `__name__`, what kind of number it is, and its values."""

    labels: dict[str, str]
    kind: Kind
    values: str


class ScrapedSeries(msgspec.Struct, frozen=True):
    """One series: a value for each scrape since the first, or what is in its place."""

    labels: dict[str, str]
    kind: Kind
    values: tuple[Value, ...]

    @property
    def name(self) -> str:
        """The metric."""
        return self.labels["__name__"]

    @property
    def goes_on(self) -> bool:
        """True where a held state means that it goes on at its rate."""
        return self.kind == "counter" and not self.name.startswith(KEPT_PREFIXES)


class SeriesFile(msgspec.Struct, frozen=True):
    """What one file holds. Every series has `scrapes` values. `held_seconds`: for how long the fault's last
    state was held on; of a replay: `past_seconds`, steady before what was recorded, and `recovered_seconds`,
    when the hold is over and what was recorded afterwards begins, None where it never does."""

    name: str
    header: SeriesHeader
    series: tuple[ScrapedSeries, ...]
    held_seconds: float = 0.0
    past_seconds: float = 0.0
    recovered_seconds: float | None = None

    @property
    def scrapes(self) -> int:
        """How many there were."""
        return max((len(each.values) for each in self.series), default=0)

    @property
    def last_seconds(self) -> float:
        """Seconds from the first scrape to the last."""
        return (self.scrapes - 1) * self.header.scrape_seconds


class Scrapes:
    """Collects samples as they are scraped, and puts them on the grid."""

    def __init__(self, scrape_seconds: float) -> None:
        self._scrape_seconds = scrape_seconds
        self._first: float | None = None
        self._kinds: dict[_Labels, Kind] = {}
        self._values: dict[_Labels, dict[int, float]] = {}
        self._scrapes_of: dict[_Labels, set[int]] = {}
        self._target_of: dict[_Labels, _Labels] = {}

    def add(
        self,
        seconds: float,
        target: Mapping[str, str],
        samples: Iterable[tuple[Mapping[str, str], Kind, float]],
    ) -> None:
        """One scrape of one target, begun at `seconds` of any clock: labels that the target gives to each of
        its series, and each series with its own labels, kind and value. A scrape that failed has no
        samples."""
        self._first = seconds if self._first is None else self._first
        slot = max(0, round((seconds - self._first) / self._scrape_seconds))
        place = _key(target)
        self._scrapes_of.setdefault(place, set()).add(slot)
        for labels, kind, value in samples:
            key = _key({**labels, **target})
            self._target_of[key] = place
            self._kinds[key] = kind
            self._values.setdefault(key, {})[slot] = value

    def series(self) -> tuple[ScrapedSeries, ...]:
        """All series. One that is absent from a scrape of its target has ended there, as for Prometheus; so
        have all of a target that is not scraped any more while others are. Where nothing was scraped, nobody
        knows."""
        every = set().union(*self._scrapes_of.values()) if self._scrapes_of else set()
        count = max(every, default=-1) + 1
        return tuple(
            ScrapedSeries(
                dict(key),
                self._kinds[key],
                tuple(
                    self._values[key].get(slot, Gap.STALE if self._ended(key, slot, every) else Gap.MISSED)
                    for slot in range(count)
                ),
            )
            for key in sorted(self._values)
        )

    def _ended(self, key: _Labels, slot: int, every: set[int]) -> bool:
        own = self._scrapes_of[self._target_of[key]]
        if slot < min(self._values[key]):
            return False
        return slot in own or (slot in every and slot > max(own))


def _key(labels: Mapping[str, str]) -> _Labels:
    return tuple(sorted(labels.items()))


def write_series(path: Path, header: SeriesHeader, series: Sequence[ScrapedSeries]) -> None:
    """Store series, as `read_series` reads them."""
    lines = [msgspec.json.encode(header)]
    lines += [
        msgspec.json.encode(StoredSeries(each.labels, each.kind, notation(each.values))) for each in series
    ]
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def looks_of(file: SeriesFile) -> list[int]:
    """The slots of a file's grid in which there was a scrape."""
    return [
        slot
        for slot in range(file.scrapes)
        if any(each.values[slot] is not Gap.MISSED for each in file.series)
    ]


def series_files(place: Path) -> list[Path]:
    """The file itself, or those below a folder, such as a run's. Raises UsageError where there is none."""
    if place.is_file():
        return [place]
    found = sorted(
        file
        for file in place.rglob(f"*{NAME_ENDING}")
        if file.name == NAME_ENDING or f".{NAME_ENDING}" in file.name
    )
    if not found:
        what = "no series were recorded in it" if place.is_dir() else "no such file or folder"
        raise UsageError(f"{place}: {what}. Expected {NAME_ENDING}, or a folder with such files below it")
    return found


def read_series(path: Path) -> SeriesFile:
    """Read a stored file. Raises InputError, with the line, for what is not right in it."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}). Expected a file of series") from error
    if not lines:
        raise InputError(path, 1, "(nothing)", f'a first line with "form": "{FORM}"')
    header = _decoded(path, 1, lines[0], SeriesHeader)
    _check_header(path, header)
    series: dict[_Labels, ScrapedSeries] = {}
    for number, line in enumerate(lines[1:], start=2):
        stored = _decoded(path, number, line, StoredSeries)
        named = re.fullmatch(METRIC_NAME, stored.labels.get("__name__", ""))
        if not named or not all(map(LABEL_NAME.fullmatch, stored.labels)):
            raise InputError(path, number, stored.labels, "labels with a metric's name as __name__")
        if _key(stored.labels) in series:
            raise InputError(path, number, stored.labels, "a series that no other line has")
        values = tuple(_expanded(path, number, stored.values))
        series[_key(stored.labels)] = ScrapedSeries(stored.labels, stored.kind, values)
    count = max((len(each.values) for each in series.values()), default=0)
    if not count:
        raise InputError(path, 1, "(no values)", "a series a line below the first line")
    filled = tuple(
        msgspec.structs.replace(each, values=each.values + (Gap.MISSED,) * (count - len(each.values)))
        for each in series.values()
    )
    name = path.name.removesuffix(NAME_ENDING).rstrip(".") or path.resolve().parent.name
    return SeriesFile(name, header, filled)


def _decoded(path: Path, number: int, line: bytes, kind: type[_Record]) -> _Record:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            path, number, line[:80].decode(errors="replace"), f"{kind.__name__}: {error}"
        ) from error


def _check_header(path: Path, header: SeriesHeader) -> None:
    every, evaluate = header.scrape_seconds, header.evaluate_seconds
    if not (math.isfinite(every) and 0.1 <= every <= 3600):
        raise InputError(path, 1, every, "scrape_seconds from 0.1 to 3600")
    if evaluate is not None and not (every <= evaluate <= 3600):
        raise InputError(path, 1, evaluate, f"evaluate_seconds from {every:g} to 3600")
    begin, hold = header.fault_seconds, header.hold_from_seconds
    steady = header.steady_until_seconds
    if any(each is not None and each < 0 for each in (begin, hold, steady)):
        raise InputError(path, 1, (begin, hold, steady), "seconds since the first scrape")
    if steady is not None and begin is not None:
        raise InputError(path, 1, steady, "steady_until_seconds only without fault_seconds")
    if hold is not None and (begin is None or hold <= begin):
        raise InputError(path, 1, hold, "hold_from_seconds after fault_seconds")


def notation(values: Sequence[Value], within: float = 0.0) -> str:
    """Values in promtool's notation; equal steps of whole numbers, and what repeats, are told once; `within`:
    also steps of any numbers that differ by no more than this."""
    parts: list[str] = []
    at = 0
    while at < len(values):
        first = values[at]
        step = _step(values, at, within)
        end = at
        while step is not None and _goes_on(values, at, end, step, within):
            end += 1
        if isinstance(first, Gap):
            end = at
            while end + 1 < len(values) and values[end + 1] is first:
                end += 1
            parts += [f"_x{end - at + 1}"] if first is Gap.MISSED else [first.value] * (end - at + 1)
        elif step is None or end - at < 2:
            end = at
            parts.append(_number(first))
        elif step == 0:
            parts.append(f"{_number(first)}x{end - at}")
        else:
            parts.append(f"{_number(first)}{'+' if step > 0 else ''}{_number(step)}x{end - at}")
        at = end + 1
    return " ".join(parts)


def _goes_on(values: Sequence[Value], at: int, end: int, step: float, within: float) -> bool:
    """Whether the value after `end` is where the steps from `at` lead to."""
    if end + 1 >= len(values):
        return False
    first, following = values[at], values[end + 1]
    if isinstance(first, Gap) or isinstance(following, Gap):
        return False
    if within == 0:
        return _step(values, end, within) == step
    return abs(first + step * (end + 1 - at) - following) <= within


def _step(values: Sequence[Value], at: int, within: float) -> float | None:
    """From one value to the next, where both are whole numbers or they are equal, or where any will do."""
    if at + 1 >= len(values):
        return None
    first, second = values[at], values[at + 1]
    if isinstance(first, Gap) or isinstance(second, Gap):
        return None
    if first == second:
        return 0.0
    if within:
        return round(second - first, 6)
    return second - first if first.is_integer() and second.is_integer() else None


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _expanded(path: Path, number: int, text: str) -> Iterator[Value]:
    count = 0
    for part in text.split():
        values = _part(part)
        count += len(values) if values else 0
        if values is None or count > MOST_SCRAPES:
            raise InputError(
                path,
                number,
                part[:80],
                f"values in promtool's notation, such as 0+15x40, at most {MOST_SCRAPES} in all",
            )
        yield from values


def _part(part: str) -> Sequence[Value] | None:
    """What one word of the notation means; None where it means nothing."""
    if part in ("_", "stale"):
        return [Gap(part)]
    if NUMBER.fullmatch(part):
        return [float(part)]
    match = REPEATED.fullmatch(part)
    if match is None or len(match["times"]) > len(str(MOST_SCRAPES)) or int(match["times"]) > MOST_SCRAPES:
        return None
    times = int(match["times"])
    if match["start"] == "_":
        return [Gap.MISSED] * times if match["step"] is None else None
    if not NUMBER.fullmatch(match["start"]) or (match["step"] and not NUMBER.fullmatch(match["step"])):
        return None
    start, step = float(match["start"]), float(match["step"] or 0)
    return [start + step * each for each in range(times + 1)]


def held(file: SeriesFile, seconds: float) -> SeriesFile:
    """The series with the fault's last state held on for so many seconds from where it was last recorded, and
    after it what was recorded then. Where nothing is to be held, the series as they are.

    Counters go on at their mean rate over the fault's last minute, or over the whole fault where it was
    shorter; gauges, and counters of what happened to objects, keep their value; what was absent stays absent.
    """
    hold_from, begin = file.header.hold_from_seconds, file.header.fault_seconds
    if hold_from is None or begin is None or seconds <= 0:
        return file
    every = file.header.scrape_seconds
    last = min(int(hold_from / every), file.scrapes - 1)
    first = min(max(math.ceil(begin / every), last - round(HOLDS_OVER_SECONDS / every)), last)
    added = math.ceil(seconds / every)
    series = tuple(_held(each, first, last, added) for each in file.series)
    return msgspec.structs.replace(file, series=series, held_seconds=added * every)


def _held(series: ScrapedSeries, first: int, last: int, added: int) -> ScrapedSeries:
    values = series.values
    now = values[last]
    if isinstance(now, Gap):
        return msgspec.structs.replace(
            series, values=values[: last + 1] + (now,) * added + values[last + 1 :]
        )
    rate = rate_of(values[first : last + 1]) if series.goes_on else 0.0
    going_on = tuple(now + rate * (each + 1) for each in range(added))
    after: list[Value] = []
    offset, previous = rate * added, now
    for value in values[last + 1 :]:
        if not isinstance(value, Gap):
            offset = 0.0 if value < previous or series.kind == "gauge" else offset
            previous = value
            after.append(value + offset)
        else:
            after.append(value)
    return msgspec.structs.replace(series, values=values[: last + 1] + going_on + tuple(after))


def rate_of(values: Sequence[Value]) -> float:
    """The mean increase from scrape to scrape; from one that began anew, what it has reached since. Where
    nothing was scraped in between, the increase is that of the whole time."""
    increase, steps = 0.0, 0
    previous: float | None = None
    seen = 0
    for at, value in enumerate(values):
        if value is Gap.STALE:
            previous = None
        elif not isinstance(value, Gap):
            if previous is not None:
                increase += value - previous if value >= previous else value
                steps += at - seen
            previous, seen = value, at
    return increase / steps if steps else 0.0
