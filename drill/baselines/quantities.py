"""Numbers with units, as people write limits. Flows in: what an item says after its name. Flows out: the
whole of it as value, comparison, percentile and qualifying words; or NotUnderstoodError, which names the
piece that is not understood. Nothing that an item says is left out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from itertools import pairwise
from typing import Literal, NamedTuple

Dimension = Literal["time", "share"]

_NAMES = {
    0.001: "ms msec msecs millisecond milliseconds",
    1.0: "s sec secs second seconds",
    60.0: "m min mins minute minutes",
    3600.0: "h hr hrs hour hours",
    86400.0: "d day days",
    604800.0: "w wk wks week weeks",
}
UNIT_SECONDS = {name: seconds for seconds, names in _NAMES.items() for name in names.split()}
"""Seconds in each unit of time. Those of one letter are small letters only: `M` may be a month."""
AT_MOST = {
    "<": "<",
    "less than": "<",
    "under": "<",
    "below": "<",
    "<=": "<=",
    "=<": "<=",
    "≤": "<=",
    "⩽": "<=",
    "less than or equal to": "<=",
    "at most": "<=",
    "no more than": "<=",
    "not more than": "<=",
    "up to": "<=",
    "within": "<=",
    "maximum": "<=",
    "max": "<=",
}
AT_LEAST = {
    ">": ">",
    "more than": ">",
    "above": ">",
    "over": ">",
    ">=": ">=",
    "=>": ">=",
    "≥": ">=",
    "⩾": ">=",
    "at least": ">=",
    "minimum": ">=",
    "min": ">=",
}
MOST_DIGITS = 15

_UNITS = "|".join(sorted(map(re.escape, UNIT_SECONDS), key=len, reverse=True))
_COMPARISONS = "|".join(
    rf"{re.escape(words)}(?![a-z])" if words[0].isalpha() else re.escape(words)
    for words in sorted([*AT_MOST, *AT_LEAST], key=len, reverse=True)
)
_PIECES = re.compile(
    rf"""
      (?P<space>\s+|[()]|[,;.:](?=[\s)]|$))
    | (?P<percentile>p\ ?(?P<rank>[0-9]{{1,3}})(?![\w.,%-]*\w)
        |(?P<ordinal>[0-9]{{1,3}})(?:st|nd|rd|th)[ -]percentile\b)
    | (?P<quantity>(?P<number>[+-]?[0-9][0-9.,]*(?<![.,]))\ ?(?P<unit>%|percent\b|(?:{_UNITS})(?![a-z%/])))
    | (?P<comparison>{_COMPARISONS})
    | (?P<word>24[/x]7\b|[a-z]+(?![\w'’-]))
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_RANGE = re.compile(r"[0-9]\s*(?:%|[a-z]+)?\s*(?:-|–|—|~|\bto\b)\s*[0-9]|\bbetween\b", re.IGNORECASE)


class NotUnderstoodError(ValueError):
    """A piece of a text is not understood; its words say which, and why."""


class Stated(NamedTuple):
    """What an item states. `value`: above 0, in seconds or as a share of 1; `comparison`: <, <=, >, >= or
    empty; `percentile`: its rank, or None; `words`: those that are neither, in small letters."""

    value: float
    comparison: str
    percentile: int | None
    words: frozenset[str]


def plain(text: str) -> str:
    """An item's text without Markdown's own signs and comments, its spaces made single."""
    text = re.sub(r"<!--.*?-->", " ", text, flags=re.DOTALL)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", html.unescape(text))
    return " ".join(re.sub(r"\*\*|__|[*`]|\[[ xX]\]\s", "", text).split())


def stated(said: str, dimension: Dimension, known_words: Collection[str]) -> Stated:
    """Read all of what is said: one quantity of that dimension, at most one comparison and one percentile,
    and known words. Raises NotUnderstoodError."""
    if _RANGE.search(said):
        raise NotUnderstoodError("it is a range: only one end of it can be the limit")
    quantities: list[tuple[float, float]] = []
    comparisons: list[str] = []
    percentiles: list[int] = []
    words: set[str] = set()
    position = 0
    while position < len(said):
        piece = _PIECES.match(said, position)
        if piece is None:
            raise NotUnderstoodError(_why_not(said[position:]))
        position = piece.end()
        if piece["quantity"]:
            quantities.append(_quantity(piece, dimension))
        elif piece["percentile"]:
            percentiles.append(int(piece["rank"] or piece["ordinal"]))
        elif piece["comparison"]:
            comparisons.append(piece["comparison"].lower())
        elif piece["word"]:
            words.add(piece["word"].lower())
    unknown = sorted(words - set(known_words))
    if unknown:
        raise NotUnderstoodError(f"{', '.join(map(repr, unknown))} is not understood")
    if len(comparisons) > 1 or len(percentiles) > 1:
        raise NotUnderstoodError("it compares twice")
    return Stated(
        _sum(quantities, said),
        {**AT_MOST, **AT_LEAST, "": ""}[comparisons[0] if comparisons else ""],
        percentiles[0] if percentiles else None,
        frozenset(words),
    )


def number(text: str) -> float:
    """A number as it is written: `1000`, `1,000`, `0.5`. Raises NotUnderstoodError for one that can be read
    in two ways, and for one that is not above 0."""
    if text[0] in "+-":
        raise NotUnderstoodError(f"{text!r} has a sign; a limit is above 0")
    if sum(character.isdigit() for character in text) > MOST_DIGITS:
        raise NotUnderstoodError(f"{text[:MOST_DIGITS]!r}... has more than {MOST_DIGITS} digits")
    if re.fullmatch(r"[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", text):
        value = float(text.replace(",", ""))
    elif re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", text):
        raise NotUnderstoodError(
            f"{text!r} can be read as {float(text):g} and as {text.replace('.', '')}: write it as either"
        )
    elif re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        value = float(text)
    elif re.fullmatch(r"[0-9]+,[0-9]+", text):
        raise NotUnderstoodError(f"{text!r} has a comma before its decimals: write {text.replace(',', '.')}")
    else:
        raise NotUnderstoodError(f"{text!r} is no number that can be read in one way only")
    if value <= 0:
        raise NotUnderstoodError(f"{text!r} is not above 0")
    return value


def _quantity(piece: re.Match[str], dimension: Dimension) -> tuple[float, float]:
    """The value in seconds or as a share of 1, and the size of its unit."""
    unit = piece["unit"]
    if unit.lower() in {"%", "percent"}:
        if dimension != "share":
            raise NotUnderstoodError(f"{piece['quantity']!r} is no time")
        return number(piece["number"]) / 100, 0.01
    size = UNIT_SECONDS.get(unit if len(unit) == 1 else unit.lower())
    if size is None or dimension != "time":
        raise NotUnderstoodError(
            f"{piece['quantity']!r} is no {'time' if dimension == 'time' else 'percentage'}"
        )
    return number(piece["number"]) * size, size


def _sum(quantities: list[tuple[float, float]], said: str) -> float:
    """One quantity, or several of ever smaller units, as in 1 hour 30 minutes."""
    if not quantities:
        raise NotUnderstoodError("it states no number with a unit")
    sizes = [size for _, size in quantities]
    if any(later >= earlier for earlier, later in pairwise(sizes)) or not _adjoin(said):
        raise NotUnderstoodError("it states more than one number")
    return sum(value for value, _ in quantities)


def _adjoin(said: str) -> bool:
    """True where the quantities of a text follow each other at once."""
    ends = [piece.span() for piece in _PIECES.finditer(said) if piece["quantity"]]
    return all(not said[end:start].strip() for (_, end), (start, _) in pairwise(ends))


def _why_not(rest: str) -> str:
    found = re.match(r"\S+(?:\s\S+)?", rest)
    return f"{found[0] if found else rest!r} is not understood"
