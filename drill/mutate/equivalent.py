"""Mutants that no check could tell from the corrected runbook. Flows in: a YAML file that people write. Flows
out: reasons by id; an entry that is of no mutant any more is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from drill.errors import InputError
from drill.reading import read_yaml, shown

WHAT = "a list of mutants that are equivalent: - mutant: ID, reason: WHY"


def equivalents(file: Path, known: Collection[str]) -> dict[str, str]:
    """Why each is equivalent, by the mutant's id. Raises UsageError where there is no such file, InputError
    for what is no such list, for an entry without a reason, and for one whose mutant there is no more."""
    document = read_yaml(file, WHAT)
    entries = document.data if document.data is not None else []
    if not isinstance(entries, list):
        raise InputError(file, 1, shown(entries), WHAT)
    found: dict[str, str] = {}
    for index, entry in enumerate(entries):
        line = document.line_of((index,))
        if not isinstance(entry, dict) or set(entry) != {"mutant", "reason"}:
            raise InputError(file, line, shown(entry), "an entry of two keys, mutant and reason")
        mutant, reason = entry["mutant"], entry["reason"]
        if not isinstance(reason, str) or not reason.strip():
            raise InputError(file, line, shown(reason), "why no check could tell this mutant")
        if not isinstance(mutant, str) or mutant not in known:
            expected = "the id of a mutant (drill mutate list); what it was of has changed: look at it anew"
            raise InputError(file, line, shown(mutant), expected)
        if mutant in found:
            raise InputError(file, line, mutant, "an id that is listed once")
        found[mutant] = reason
    return found
