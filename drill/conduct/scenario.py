"""What a scenario says of its drill before it runs. Flows in: its name, tags and step texts. Flows out: the
facts that drill.started carries.

The sentences that name a fault or a procedure are spelled here once; steps/ matches the very same ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from parse import parse

FAULT = 'the fault "{fault}" takes effect'
FOLLOWS = 'the operator follows "{place}"'
FOLLOWS_AS_WRITTEN = 'the operator follows "{place}" as first written'
BACKED_UP = "a backup was made, and users have written since"
HOLDS_BACKUP = 'the operator holds the newest backup as "{name}"'
SEVERITIES = ("P0", "P1", "P2", "P3")
CONTROL, EXPECT_FAIL, RESTORES = "control", "expect-fail", "restores-backup"
TAGS = {
    "P0": "the service is down, or data is lost",
    "P1": "an important function is out, or security was breached",
    "P2": "a lesser function is out, or the service is slow",
    "P3": "small trouble",
    CONTROL: "nobody acts; says whom a repair is owed to",
    EXPECT_FAIL: "the scenario states that the service is not restored, and why",
    RESTORES: "the procedure puts a backup back, which may lose what was written after it",
}
"""Tags that mean something to drill; features may have others."""


@dataclass(frozen=True)
class Facts:
    """`drill`: a folder name made of the scenario's; `expected`: what the scenario states of the procedure;
    `as_written`: it follows the runbook as first written; `restores`: it puts a backup back; `backed_up`: it
    wants a backup made, or at hand, before the fault."""

    drill: str
    feature: str
    scenario: str
    tags: tuple[str, ...]
    severity: str
    fault: str
    procedure: str
    as_written: bool
    expected: str
    control: bool
    restores: bool
    backed_up: bool


def facts_of(feature: str, scenario: str, tags: Collection[str], steps: Sequence[str]) -> Facts:
    """Read the facts of one scenario; `steps`: its sentences without their keywords, the background's
    included.
    """
    return Facts(
        drill=re.sub(r"[^a-z0-9]+", "-", scenario.lower()).strip("-")[:80],
        feature=feature,
        scenario=scenario,
        tags=tuple(sorted(tags)),
        severity=next((severity for severity in SEVERITIES if severity in tags), ""),
        fault=_first(FAULT, steps, "fault"),
        procedure=_first(FOLLOWS_AS_WRITTEN, steps, "place") or _first(FOLLOWS, steps, "place"),
        as_written=bool(_first(FOLLOWS_AS_WRITTEN, steps, "place")),
        expected="fail" if EXPECT_FAIL in tags else "pass",
        control=CONTROL in tags,
        restores=RESTORES in tags,
        backed_up=any(parse(sentence, step) for sentence in (BACKED_UP, HOLDS_BACKUP) for step in steps),
    )


def _first(sentence: str, steps: Sequence[str], name: str) -> str:
    found = (parse(sentence, step) for step in steps)
    return next((str(match[name]) for match in found if match), "")
