"""The alert rules of a runbook. Flows in: a parsed runbook. Flows out: its rules as typed records, and the
files that Prometheus loads, which hold the fences byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from drill.baselines import Limit, parse_response_times
from drill.baselines.severities import severity_of
from drill.errors import InputError
from drill.runbook import Runbook, Step, severity_limits

LANGUAGES = frozenset({"yaml", "yml"})
LINKS = ("runbook_url", "runbook", "runbookURL", "runbook_link", "playbook_url", "playbook")
HAS_ALERT = re.compile(r"^\s*(?:-\s+)?[\"']?alert[\"']?\s*:", re.MULTILINE)
INDENT = "    "
DURATION = re.compile(r"([0-9]+)(ms|[smhdwy])")
SECONDS_OF = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
WINDOW = re.compile(r"\[\s*((?:[0-9]+(?:ms|[smhdwy]))+)")
CLOCK = re.compile(
    r"\b(?:time|minute|hour|day_of_week|day_of_month|day_of_year|days_in_month|month|year)\s*\("
)
"""Functions of the time of day: a replay begins at the epoch."""


class AlertRule(msgspec.Struct, frozen=True):
    """One alert. `line`: of its name in the runbook; `waits`: its `for` as written, "" for none."""

    name: str
    line: int
    expression: str
    waits: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def waits_seconds(self) -> float:
        """Seconds that the expression must hold before the alert fires."""
        return seconds_of(self.waits)

    @property
    def window_seconds(self) -> float:
        """The longest range that the expression looks back over; 0 for none."""
        found = WINDOW.findall(TEXT.sub('""', self.expression))
        return max((seconds_of(text) for text in found), default=0.0)

    @property
    def needs_seconds(self) -> float:
        """After so long a rule that is still silent stays so while nothing changes."""
        return self.window_seconds + self.waits_seconds

    @property
    def link(self) -> str:
        """Where it leads who is called; "" where it does not say."""
        return next((self.annotations[name] for name in LINKS if self.annotations.get(name)), "")

    @property
    def severity(self) -> str:
        """Its label severity, as written; "" for none."""
        return self.labels.get("severity", "")

    @property
    def asks_the_clock(self) -> bool:
        """True where its answer depends on the time of day, which a replay does not have."""
        return CLOCK.search(TEXT.sub('""', self.expression)) is not None

    def as_data(self) -> dict[str, object]:
        """The rule as a rule file has it."""
        made: dict[str, object] = {"alert": self.name, "expr": self.expression}
        if self.waits:
            made["for"] = self.waits
        return {**made, "labels": self.labels, "annotations": self.annotations}


class RuleFence(msgspec.Struct, frozen=True):
    """A fence that has alert rules. `text`: what stands between its fences, byte for byte; `line`: of its
    first line; `is_file`: it is a whole rule file, with groups, and not the rules alone."""

    line: int
    text: str
    is_file: bool

    def as_file(self) -> str:
        """What Prometheus loads: the fence itself, or the fence below the head that a bare list lacks, each
        line moved to the right and otherwise untouched."""
        if self.is_file:
            return self.text
        moved = "".join(f"{INDENT}{line}" for line in self.text.splitlines(keepends=True))
        return f"groups:\n- name: line-{self.line}\n  rules:\n{moved}"


class AlertRules(msgspec.Struct, frozen=True):
    """All rules of a runbook, in its order, with the response time of each severity that it states (limits in
    seconds, by "P0" or "SEV1")."""

    path: Path
    fences: tuple[RuleFence, ...]
    rules: tuple[AlertRule, ...]
    response_times: dict[str, Limit]

    def named(self, name: str) -> AlertRule | None:
        """The rule of that name; None where there is none."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def response_of(self, severity: str) -> Limit | None:
        """The response time that an alert's severity has; None where the runbook states none by that name."""
        known = severity_of(severity)
        return self.response_times.get(known) if known else None

    def files(self) -> list[str]:
        """The texts of the rule files that Prometheus loads."""
        return [fence.as_file() for fence in self.fences]


def alert_rules(runbook: Runbook) -> AlertRules:
    """Read the rules of every YAML fence that has any. Raises InputError where there is none, and for a fence
    that is no YAML or whose alerts are not where Prometheus looks for them."""
    fences, rules = [], []
    for step in runbook.steps:
        if step.language.lower() in LANGUAGES and HAS_ALERT.search(step.text):
            fence, found = _read(runbook.path, step)
            fences.append(fence)
            rules.extend(found)
    if not rules:
        raise InputError(
            runbook.path, None, "(no alert)", "a ```yaml block with Prometheus' alert rules (- alert: ...)"
        )
    return AlertRules(runbook.path, tuple(fences), tuple(rules), _response_times(runbook))


def seconds_of(duration: str) -> float:
    """Seconds of a duration as Prometheus writes it, such as 1h30m; 0 for none."""
    return sum(float(number) * SECONDS_OF[unit] for number, unit in DURATION.findall(duration))


def _response_times(runbook: Runbook) -> dict[str, Limit]:
    try:
        items = severity_limits(runbook)
    except InputError:  # no such section: the runbook states none
        return {}
    return parse_response_times(items, runbook.path.name)


def _read(path: Path, step: Step) -> tuple[RuleFence, list[AlertRule]]:
    try:
        root = yaml.compose(step.text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(step.text)
    except yaml.MarkedYAMLError as error:
        line = step.line + (error.problem_mark.line if error.problem_mark else 0)
        raise InputError(path, line, error.problem or "", "alert rules in YAML") from error
    except (RecursionError, ValueError, yaml.YAMLError) as error:
        raise InputError(path, step.line, str(error)[:80], "alert rules in YAML") from error
    is_file = isinstance(data, dict)
    found = [
        _rule(path, step.line, node, entry)
        for node, entry in _entries(root, data)
        if isinstance(entry, dict) and "alert" in entry
    ]
    if not found:
        raise InputError(
            path,
            step.line,
            step.text.strip().splitlines()[0],
            "a list of rules (- alert: ...), or a rule file (groups: ...)",
        )
    return RuleFence(step.line, step.text, is_file), found


def _entries(root: yaml.Node | None, data: object) -> Iterator[tuple[yaml.Node, object]]:
    """Each rule of a list, or of the groups of a file, with its place."""
    if isinstance(data, list) and isinstance(root, yaml.SequenceNode):
        yield from zip(root.value, data, strict=True)
    elif isinstance(data, dict) and isinstance(root, yaml.MappingNode):
        groups = _field(root, "groups")
        for node, group in zip(groups.value if groups else [], data.get("groups") or [], strict=False):
            rules = _field(node, "rules")
            if rules is not None and isinstance(group, dict) and isinstance(group["rules"], list):
                yield from zip(rules.value, group["rules"], strict=False)


def _field(node: yaml.Node, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _rule(path: Path, first_line: int, node: yaml.Node, entry: dict[str, object]) -> AlertRule:
    line = first_line + int(node.start_mark.line)
    name, expression = entry["alert"], entry.get("expr")
    if not isinstance(name, str) or not name:
        raise InputError(path, line, name, "the alert's name")
    if not isinstance(expression, str | int | float):
        raise InputError(path, line, name, "an alert with its expression (expr: ...)")
    return AlertRule(
        name,
        line,
        str(expression).strip(),
        str(entry.get("for") or ""),
        _texts(path, line, entry, "labels"),
        _texts(path, line, entry, "annotations"),
    )


def _texts(path: Path, line: int, entry: dict[str, object], key: str) -> dict[str, str]:
    said = entry.get(key) or {}
    if not isinstance(said, dict):
        raise InputError(path, line, said, f"{key} as a mapping of names to texts")
    return {str(name): str(value) for name, value in said.items()}
