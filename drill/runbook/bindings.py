"""Placeholders of a step. Flows in: a step and values by name. Flows out: the same step with the values in
place, on the same lines.

Two forms are placeholders: `<pod-name>` and `{token}`. Everything else with braces or angle brackets is the
shell's, JSON's, awk's or kubectl's own: `${NAME}`, `{print $NF}`, `{.items[*]}`, `{"a": 1}`, `{a,b}`,
`<file`, `<<EOF`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from drill.errors import InputError
from drill.runbook.document import Step

AWK_STATEMENTS = ("print", "next", "exit", "getline")
PLACEHOLDER = re.compile(
    r"""(?<![\w<&$)])<(?P<angle>[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)>(?![\w&(|>])"""
    rf"""|(?<=[\s/=:@,?&])\{{(?P<brace>(?!(?:{"|".join(AWK_STATEMENTS)})\}})[a-z][a-z0-9_]*)\}}(?!\w)"""
)
SAFE_VALUE = re.compile(r"[\w.:/@%+=,-]+")


@dataclass(frozen=True)
class Placeholder:
    """A place that the scenario must fill. `written`: with its brackets; `line`: in the runbook."""

    name: str
    written: str
    line: int


def placeholders(step: Step) -> list[Placeholder]:
    """Every placeholder of a step, in order; those in comments do not count."""
    return [
        Placeholder(match["angle"] or match["brace"], match[0], line)
        for line, text in enumerate(step.text.split("\n"), start=step.line)
        if not text.lstrip().startswith("#")
        for match in PLACEHOLDER.finditer(text)
    ]


def bind(steps: Sequence[Step], values: Mapping[str, str]) -> list[Step]:
    """The steps with every placeholder replaced. Raises InputError for one without a value, a value that no
    step asks for, and a value that the shell would read as more than one plain word."""
    asked = [(step, placeholder) for step in steps for placeholder in placeholders(step)]
    for step, placeholder in asked:
        if placeholder.name not in values:
            near = difflib.get_close_matches(placeholder.name, list(values), n=1)
            given = (
                f", as near to it as {near[0]!r}"
                if near
                else f" (given: {', '.join(map(repr, values)) or 'none'})"
            )
            raise InputError(
                step.runbook,
                placeholder.line,
                placeholder.written,
                f"a value for it from the scenario{given}",
            )
    names = {placeholder.name for _, placeholder in asked}
    for name, value in values.items():
        if name not in names:
            place = steps[0]
            raise InputError(
                place.runbook,
                place.line,
                name,
                f"a placeholder of {place.name!r}: {', '.join(map(repr, sorted(names))) or 'it has none'}",
            )
        if not SAFE_VALUE.fullmatch(value):
            raise InputError(
                steps[0].runbook,
                None,
                value,
                f"a value for {name!r} of letters, digits and . : / @ % + = , - _ only",
            )
    return [replace(step, text=_filled(step.text, values)) for step in steps]


def _filled(text: str, values: Mapping[str, str]) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(
        line
        if line.lstrip().startswith("#")
        else PLACEHOLDER.sub(lambda match: values[match["angle"] or match["brace"]], line)
        for line in lines
    )
