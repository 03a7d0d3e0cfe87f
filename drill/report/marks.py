"""What a run says of a runbook's line, in one word.

What can be shown to work or not is a unit: a command, with the lines that it goes on in; a fence that no
shell runs, or each alert of it; an entry of a list or a row of a table that has a number or a box to tick.
Headings, comments and prose have no mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from drill.baselines.severities import severity_of
from drill.lint.document import Document, Fence
from drill.lint.shell import Command
from drill.lint.shell_reader import read_script

Mark = Literal[
    "defective", "wrong", "not proven", "refused", "proven", "uncovered", "not drilled", "never touched"
]
MARKS: tuple[Mark, ...] = get_args(Mark)
"""In the order in which a reader looks at them."""
Kind = Literal["command", "other block", "alert", "severity", "checklist item", "number", "other line"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BOX = re.compile(r"^\[[ xX]\]")
FIRST_NAME = re.compile(r"[\s|]*(?:\*\*|__)?(?P<name>[A-Za-z]+[ -]?[0-9])(?![\w.])")
SAYS_A_NUMBER_OR_HAS_A_BOX = re.compile(r"\d|^\[[ xX]\]")
ROW_WITH_A_NUMBER = re.compile(r"^\s*\|.*\d.*\|\s*$")
ALERT = re.compile(r"^\s*- alert:")
HERE_DOCUMENT = "<<"
STRUCTURE = re.compile(r"(?:then|else|do|done|fi|esac|\{|\}|;;|(?:for|case)\b.*\b(?:do|in))\s*$")


@dataclass(frozen=True)
class Said:
    """One thing that a run says of a line. `holds`: the line did there what it says; `deviates`: it did not,
    where the scenario expected that it would; `defect`: a defect of the errata is proven by it; `refused`: a
    drill of it was not carried out, for a reason that it names."""

    holds: bool = False
    deviates: bool = False
    defect: bool = False
    refused: bool = False


def mark_of(said: Sequence[Said]) -> Mark:
    """The word for all that is said of a unit. A proven defect outweighs everything, and a drill that went
    otherwise than expected outweighs one that went well."""
    if not said:
        return "never touched"
    if any(each.defect for each in said):
        return "defective"
    if any(each.deviates for each in said):
        return "not proven"
    if any(each.holds for each in said):
        return "proven"
    return "refused" if all(each.refused for each in said) else "not proven"


def alert_mark_of(said: Sequence[Said], *, replayed: bool) -> Mark:
    """The word for an alert: wrong where some drill had it fire, or not fire, as it should not; uncovered
    where drills were replayed by the rules and none let it fire, nor was to."""
    if any(each.defect for each in said):
        return "defective"
    if any(each.deviates for each in said):
        return "wrong"
    if any(each.holds for each in said):
        return "proven"
    return "not proven" if said else "uncovered" if replayed else "never touched"


def units(document: Document) -> dict[int, int]:
    """Each line that belongs to a unit -> the unit's first line."""
    found: dict[int, int] = {}
    for fence in document.fences:
        found.update(_of_shell(fence) if read_script([fence]).fences else _of_data(fence))
    for item in document.items:
        if SAYS_A_NUMBER_OR_HAS_A_BOX.search(item.text):
            found.setdefault(item.line, item.line)
    for number, line in document.prose.items():
        if ROW_WITH_A_NUMBER.match(line):
            found.setdefault(number, number)
    return found


def kinds(document: Document, firsts: Iterable[int]) -> dict[int, Kind]:
    """The first line of each unit -> what it is. A severity is an entry or row that begins with the name of
    one; what is in no fence and has neither box nor number is another line."""
    fences: dict[int, Kind] = {}
    for fence in document.fences:
        kind: Kind = "command" if read_script([fence]).fences else "other block"
        fences.update(dict.fromkeys(range(fence.line, fence.last_line + 1), kind))
    items = {item.line: item.text for item in document.items}
    found: dict[int, Kind] = {}
    for first in firsts:
        text = document.lines[first - 1]
        alert = first in fences and ALERT.match(text) is not None
        found[first] = "alert" if alert else fences.get(first) or _of_prose(items.get(first, text))
    return found


def _of_prose(text: str) -> Kind:
    if BOX.match(text):
        return "checklist item"
    named = FIRST_NAME.match(text)
    if named and severity_of(named["name"]):
        return "severity"
    return "number" if re.search(r"\d", text) else "other line"


def _of_shell(fence: Fence) -> Iterator[tuple[int, int]]:
    """The commands of this machine; a line on which none begins goes on with the one above it. What a command
    is given to read belongs to it: a script, too, is one command to who started it."""
    script = read_script([fence])
    begins = {command.span.line for command in script.commands if command.carrier is None}
    comments = {comment.span.line for comment in script.comments if comment.is_alone}
    inside: set[int] = set()
    for command in script.commands:
        if command.span.line not in inside:
            inside.update(range(command.span.line + 1, command.span.end_line + 1))
            inside.update(_read_by(command))
    first: int | None = None
    for number, text in enumerate(fence.text.splitlines(), start=fence.line):
        if not text.strip() or (number in comments and number not in inside) or STRUCTURE.match(text.strip()):
            continue
        if number in begins and number not in inside:
            first = number
        if first is not None:
            yield number, first


def _read_by(command: Command) -> Iterator[int]:
    """The lines of its here-documents, and of the words that end them."""
    places = command.fence.places
    for redirect in command.redirects:
        if redirect.operator == HERE_DOCUMENT:
            first = places.span(redirect.start, redirect.start).line
            yield from range(first, first + redirect.text.count("\n") + 1)


def _of_data(fence: Fence) -> Iterator[tuple[int, int]]:
    """A comment beside alerts belongs to none of them."""
    first = fence.line
    lines = fence.text.splitlines()
    alerts = any(ALERT.match(text) for text in lines)
    for number, text in enumerate(lines, start=fence.line):
        if ALERT.match(text):
            first = number
        if text.strip() and not (alerts and text.lstrip().startswith("#")):
            yield number, first
