"""What a scenario says of its drill before it runs. Flows in: its name, tags and sentences, each with its
line. Flows out: the facts that drill.started carries.

The sentences that tell what a drill does are spelled here once; steps/ matches the very same ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from parse import parse

from drill.baselines.severities import severity_of
from drill.recording.events import AlertDue

LOAD = "users are on it"
FAULT = 'the fault "{fault}" takes effect'
NOTHING_BROKEN = "nothing is broken"
CALLED = 'the alert "{alert}" has called the operator'
FOLLOWS = 'the operator follows "{place}"'
FOLLOWS_AS_WRITTEN = 'the operator follows "{place}" as first written'
BOUND = '"{placeholder}" as "{value}"'
"""What `with` and `and` join to either sentence: the operator follows "Place" with "<pod-name>" as "web-0"
and "{token}" as "t-1"."""
NOBODY = "nobody acts"
LOOKED = 'the operator has looked at "{place}" while all is well'
TELLS = '"{place}" tells "{pattern}" under the fault, and not before'
TELLS_ANEW = '"{place}" tells "{pattern}" anew under the fault'
AT_HAND = ', where "{tool}" is at hand'
"""Ends either of the two: on a machine without the tool nothing is told, and that is what is stated then."""
PRINTS = '"{place}" prints "{pattern}"'
HEALS = "the platform has had its time to heal"
BACKED_UP = "a backup was made, and users have written since"
STATUS_PAGE = 'the status page takes updates with the token "{token}"'
WENT_THROUGH = "the status page went through {statuses}, none before its time"
"""{statuses}: "investigating", "resolved"."""
HOLDS_BACKUP = 'the operator holds the newest backup as "{name}"'
HOLDS_FRESH = 'the operator holds a fresh backup of "{part}" as "{name}"'
HOLDS = 'the operator holds "{file}" as "{name}"'
"""{file}: a file or folder, by its path from drill.toml's own folder."""
PREPARATIONS = (BACKED_UP, HOLDS_BACKUP, HOLDS_FRESH, HOLDS, STATUS_PAGE)
"""What a procedure may need to be there before the fault."""
WAITS = "the procedure does not end before users are served"
LEAVES = "nothing is left over, missing or changed"
LEAVES_BUT = "nothing is left over, missing or changed but {changes}"
"""{changes}: "minReplicas is 5", "limits.memory is '1Gi'": regular expressions, each of a difference that
must be there."""
RECOVERS = "the service recovers within the response time of {severity}"
CREDIT = 'the credit in "{scenario}" is the {credit}\'s'
DEFECT = 'the procedure fails as defect "{identity}" says'
FIRES = 'the alert "{alert}" fires within {minutes:g} minutes'
EARLIEST = 'the alert "{alert}" fires after {minutes:g} minutes at the earliest'
SILENT = "no alert fires"
ONLY = "only the alerts {alerts} fire"
LEADS = 'the alert "{alert}" leads to "{section}"'

_BINDING = r'"[^"]+" as "[^"]*"'
FOLLOWS_PATTERN = re.compile(
    r'the operator follows "(?P<place>[^"]+)"(?P<as_written> as first written)?'
    rf"(?: with (?P<bindings>{_BINDING}(?: and {_BINDING})*))?"
)
"""Every form of the sentence with which the operator follows a place; for `place_of`, and for the step's own
match.
"""

LOOKED_PATTERN = re.compile(
    r'the operator has looked at "(?P<place>[^"]+)"(?P<as_written> as first written)?'
    rf"(?: with (?P<bindings>{_BINDING}(?: and {_BINDING})*))? while all is well"
)
"""Every form of LOOKED, as FOLLOWS_PATTERN is of the others."""
TELLS_PATTERN = re.compile(
    r'"(?P<place>[^"]+)"(?P<as_written> as first written)? tells "(?P<pattern>[^"]+)" '
    r"(?P<before>under the fault, and not before|anew under the fault)"
    r'(?:, where "(?P<tool>[^"]+)" is at hand)?'
)
"""Every form of TELLS and TELLS_ANEW, with AT_HAND or without; the pattern is a regular expression, to be
found in one line."""

CONTROL, EXPECT_FAIL, RESTORES = "control", "expect-fail", "restores-backup"
SEVERITIES = (
    "P0",
    "P1",
    "P2",
    "P3",
    "P4",
    "P5",
    *(f"SEV{dash}{rank}" for dash in ("", "-") for rank in range(6)),
)
TAGS = {
    **dict.fromkeys(SEVERITIES, "how bad it is, and so how soon service must be back"),
    CONTROL: "nobody acts; says whom a repair is owed to",
    EXPECT_FAIL: "the scenario states that the service stays out, or that the procedure fails, and why",
    RESTORES: "the procedure puts a backup back, which may lose what was written after it",
}
"""Tags that mean something to drill; features may have others."""
FOLDER_LENGTH = 80


class Sentence(NamedTuple):
    """One sentence without its keyword; `line`: in the feature file."""

    line: int
    text: str


@dataclass(frozen=True)
class Written:
    """One scenario as its feature file has it, the background's sentences included; `tags`: the feature's and
    its own."""

    file: str
    line: int
    feature: str
    scenario: str
    tags: tuple[str, ...]
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class Place:
    """A place that the operator follows. `as_written`: in the runbook as first written; `bindings`: values by
    placeholder name, without its brackets."""

    place: str
    as_written: bool
    bindings: Mapping[str, str]


@dataclass(frozen=True)
class Telling:
    """What a scenario states that a block tells, as events.Symptom has it; `line`: of the
    sentence in the feature file; `tool`: that it takes and that a machine may lack, empty where none is
    named."""

    line: int
    place: str
    as_written: bool
    pattern: str
    before: Literal["absent", "older", "anything"]
    tool: str = ""


@dataclass(frozen=True)
class Facts:
    """`drill`: a folder name made of the scenario's, its own even where that is cut; `severity`: empty where
    no tag tells one; `faults`, `procedures`: in the order of the sentences; `nothing_broken`: the no-fault
    drill; `expected`: what the scenario states of the procedure; `restores`: it puts a backup back;
    `backed_up`: it wants a backup made, or at hand, before the fault; `looks`: what the operator looked at
    before the fault; `tells`: what blocks must tell of it; `calls`: alerts that the operator
    waits for; `alerts`: those that are to fire, None where nothing is said of alerts; `due`: when they have
    to; `status_page`: it has one that can be updated; `fresh_backups`: the parts whose backups are made for
    the operator; `waits`: the procedure must not end before users are served;
    `leaves`: what it states to be left changed, None where it says nothing of that; `defects`: ids of those
    that it states."""

    drill: str
    feature: str
    scenario: str
    tags: tuple[str, ...]
    severity: str
    faults: tuple[str, ...]
    procedures: tuple[Place, ...]
    nothing_broken: bool
    expected: str
    control: bool
    restores: bool
    backed_up: bool
    looks: tuple[Place, ...] = ()
    tells: tuple[Telling, ...] = ()
    calls: tuple[str, ...] = ()
    alerts: tuple[str, ...] | None = None
    due: tuple[AlertDue, ...] = ()
    status_page: bool = False
    fresh_backups: tuple[str, ...] = ()
    waits: bool = False
    leaves: tuple[str, ...] | None = None
    defects: tuple[str, ...] = ()

    @property
    def as_written(self) -> bool:
        """True where any of its procedures is taken from the runbook as first written."""
        return any(place.as_written for place in (*self.procedures, *self.looks))


def facts_of(written: Written) -> Facts:
    """Read the facts of one scenario."""
    texts = [sentence.text for sentence in written.sentences]
    severities = [severity for severity in map(severity_of, written.tags) if severity]
    return Facts(
        drill=folder_name(written.scenario),
        feature=written.feature,
        scenario=written.scenario,
        tags=tuple(sorted(written.tags)),
        severity=severities[0] if severities else "",
        faults=tuple(_all(FAULT, texts, "fault")),
        procedures=tuple(place for place in map(place_of, texts) if place is not None),
        looks=tuple(place for place in map(looked_at, texts) if place is not None),
        tells=tuple(telling for telling in map(telling_of, written.sentences) if telling is not None),
        calls=tuple(_all(CALLED, texts, "alert")),
        alerts=stated_alerts(texts),
        due=stated_times(texts),
        status_page=any(parse(STATUS_PAGE, text) for text in texts),
        nothing_broken=NOTHING_BROKEN in texts,
        expected="fail" if EXPECT_FAIL in written.tags else "pass",
        control=CONTROL in written.tags,
        restores=RESTORES in written.tags,
        backed_up=any(parse(sentence, text) for sentence in (BACKED_UP, HOLDS_BACKUP) for text in texts),
        fresh_backups=tuple(_all(HOLDS_FRESH, texts, "part")),
        waits=WAITS in texts,
        leaves=stated_changes(texts),
        defects=tuple(_all(DEFECT, texts, "identity")),
    )


def place_of(text: str) -> Place | None:
    """The place that a sentence has the operator follow; None for any other sentence."""
    match = FOLLOWS_PATTERN.fullmatch(text)
    return None if match is None else followed(**match.groupdict())


def looked_at(text: str) -> Place | None:
    """The place that a sentence has the operator look at before the fault; None for any other sentence."""
    match = LOOKED_PATTERN.fullmatch(text)
    return None if match is None else followed(**match.groupdict())


def telling_of(sentence: Sentence) -> Telling | None:
    """What a sentence states that a block tells; None for any other sentence."""
    printed = parse(PRINTS, sentence.text)
    if printed:
        place, pattern = str(printed["place"]), str(printed["pattern"])
        return Telling(sentence.line, place, as_written=False, pattern=pattern, before="anything")
    match = TELLS_PATTERN.fullmatch(sentence.text)
    if match is None:
        return None
    before: Literal["absent", "older"] = "older" if match["before"].startswith("anew") else "absent"
    as_written, tool = match["as_written"] is not None, match["tool"] or ""
    return Telling(sentence.line, match["place"], as_written, match["pattern"], before, tool)


def stated_alerts(texts: Sequence[str]) -> tuple[str, ...] | None:
    """The alerts that sentences state to fire; None where no sentence is of alerts."""
    firing = [name for sentence in (FIRES, EARLIEST, LEADS) for name in _all(sentence, texts, "alert")]
    only = [name for names in _all(ONLY, texts, "alerts") for name in quoted(names)]
    if not (firing or only or SILENT in texts):
        return None
    return tuple(dict.fromkeys([*firing, *only]))


def stated_changes(texts: Sequence[str]) -> tuple[str, ...] | None:
    """What sentences state to be left changed; None where no sentence is of that."""
    changes = [pattern for named in _all(LEAVES_BUT, texts, "changes") for pattern in quoted(named)]
    return tuple(changes) if changes or LEAVES in texts else None


def stated_times(texts: Sequence[str]) -> tuple[AlertDue, ...]:
    """When alerts have to fire, as sentences state it: of each alert the narrowest bounds."""
    latest, earliest = _minutes(FIRES, texts), _minutes(EARLIEST, texts)
    return tuple(
        AlertDue(
            alert,
            60 * max(earliest.get(alert, [0.0])),
            60 * min(latest[alert]) if alert in latest else None,
        )
        for alert in dict.fromkeys([*latest, *earliest])
    )


def _minutes(pattern: str, texts: Sequence[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for match in (parse(pattern, text) for text in texts):
        if match:
            found.setdefault(str(match["alert"]), []).append(float(match["minutes"]))
    return found


def quoted(names: str) -> list[str]:
    """What is quoted in a list such as "A", "B"."""
    return re.findall(r'"([^"]+)"', names)


def followed(place: str, as_written: str | None, bindings: str | None) -> Place:
    """The place that the groups of FOLLOWS_PATTERN name."""
    pairs = re.findall(r'"([^"]+)" as "([^"]*)"', bindings or "")
    values = {re.sub(r"^<(.*)>$|^\{(.*)\}$", r"\1\2", name): value for name, value in pairs}
    return Place(place, as_written is not None, values)


def folder_name(scenario: str) -> str:
    """A name of at most 80 of the characters a-z, 0-9 and -. Where the scenario's own is longer, or has
    letters that are lost in it, a short digest keeps it apart from others."""
    name = re.sub(r"[^a-z0-9]+", "-", scenario.lower()).strip("-")
    lost = any(letter.isalnum() and not letter.isascii() for letter in scenario)
    if name and len(name) <= FOLDER_LENGTH and not lost:
        return name
    digest = hashlib.sha256(scenario.encode()).hexdigest()[:8]
    return f"{name[: FOLDER_LENGTH - len(digest) - 1].rstrip('-')}-{digest}".lstrip("-")


def _all(pattern: str, texts: Sequence[str], name: str) -> list[str]:
    found = (parse(pattern, text) for text in texts)
    return [str(match[name]) for match in found if match]
