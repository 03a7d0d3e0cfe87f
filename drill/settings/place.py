"""Where in the text of drill.toml a value stands; TOML's own parser keeps no lines."""

from __future__ import annotations

import re

Place = tuple[int | str, ...]
"""Such as ("load", "requests", 2, "weight")."""


def line_of(text: str, place: Place) -> int | None:
    """The line (1-based) on which the value at `place` is set, else that of its table's heading; None where
    neither is found."""
    lines = text.split("\n")
    start, rest = _heading(lines, place)
    if start is None:
        start, rest = 0, place
        found = None
    else:
        found = start + 1
        start += 1
    end = _end_of_table(lines, start)
    skip = 0
    for token in rest:
        if isinstance(token, int):
            skip = token
            continue
        number = _key(lines, token, start, end, skip)
        if number is None:
            break
        start, skip, found = number, 0, number + 1
    return found


def _heading(lines: list[str], place: Place) -> tuple[int | None, Place]:
    """The line (0-based) of the heading of the innermost table that holds `place`, and the rest of the
    place.
    """
    for depth in range(len(place), 0, -1):
        names = [part for part in place[:depth] if isinstance(part, str)]
        if not names or isinstance(place[depth - 1], int):
            continue
        dotted = r"\s*\.\s*".join(rf"[\"']?{re.escape(name)}[\"']?" for name in names)
        matches = [
            number for number, line in enumerate(lines) if re.match(rf"\s*\[\[?\s*{dotted}\s*\]\]?", line)
        ]
        if not matches:
            continue
        rest = place[depth:]
        indexes = [part for part in place[: depth + 1] if isinstance(part, int)]
        which = indexes[-1] if indexes and "[[" in lines[matches[0]] else 0
        if rest and isinstance(rest[0], int) and "[[" in lines[matches[0]]:
            rest = rest[1:]
        return matches[min(which, len(matches) - 1)], rest
    return None, place


def _end_of_table(lines: list[str], start: int) -> int:
    for number in range(start, len(lines)):
        if re.match(r"\s*\[\[?\s*[\w\"'.-]+\s*\]\]?\s*(#.*)?$", lines[number]):
            return number
    return len(lines)


def _key(lines: list[str], name: str, start: int, end: int, skip: int) -> int | None:
    """The line of the key's setting, the (skip + 1)th from `start`; the last there is when there are
    fewer.
    """
    pattern = re.compile(rf"(?:^\s*|[{{,]\s*)[\"']?{re.escape(name)}[\"']?\s*[=.]")
    found = None
    for number in range(start, end):
        for _ in pattern.finditer(lines[number]):
            found = number
            if skip == 0:
                return found
            skip -= 1
    return found
